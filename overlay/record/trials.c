/* SPDX-License-Identifier: MIT */
/* The record of trials: read, written, and changed by commands; trials_plan.c is the
 * boot. */
#include "overlay/record/trials.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/fs/lock.h"
#include "overlay/record/audit_line.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_table.h"

#define LOCK_FILE ".trials.lock"

static_assert(OVERLAY_ORDINARY == 0 && OVERLAY_PERSISTENT == 1,
	      "`persistent` is the store");

static const char *const state_names[] = {
	[OVERLAY_TRIAL_RUNNING] = "trial",
	[OVERLAY_TRIAL_PASSED] = "passed",
	[OVERLAY_TRIAL_QUARANTINED] = "quarantined",
};

static const char *const search_names[] = {
	[OVERLAY_SEARCH_NONE] = "none",
	[OVERLAY_SEARCH_WITHOUT] = "without",
	[OVERLAY_SEARCH_HALVES] = "halves",
};

static const char *const suspicion_names[] = {
	[OVERLAY_SUSPICION_NONE] = "none",
	[OVERLAY_SUSPICION_SUSPECT] = "suspect",
	[OVERLAY_SUSPICION_ACCUSED] = "accused",
	[OVERLAY_SUSPICION_ALONE] = "alone",
};

static const struct verity_json_field trial_fields[] = {
	VERITY_JSON_TEXT("name", struct overlay_trial, entry.name,
			 .valid = verity_name_valid),
	VERITY_JSON_BOOL("persistent", struct overlay_trial, entry.kind),
	VERITY_JSON_HEX("id", struct overlay_trial, id),
	VERITY_JSON_NAME("state", struct overlay_trial, state, state_names),
	VERITY_JSON_INTEGER("incomplete", struct overlay_trial, incomplete,
			    .max = OVERLAY_TRIALS_COUNT_MAX),
	VERITY_JSON_BOOL("ran", struct overlay_trial, ran),
	VERITY_JSON_NAME("suspicion", struct overlay_trial, suspicion, suspicion_names,
			 .presence = VERITY_JSON_OPTIONAL),
	{.key = NULL},
};

static const char *check_trial(const void *object)
{
	const struct overlay_trial *trial = object;

	return trial->ran && trial->state == OVERLAY_TRIAL_QUARANTINED
		       ? "quarantined, and part of the last boot"
		       : NULL;
}

static const struct verity_json_field trial_item = {
	.type = VERITY_JSON_IS_OBJECT, .fields = trial_fields, .check = check_trial};

static const struct verity_json_field trials_fields[] = {
	VERITY_JSON_WORD("type", "trials"),
	VERITY_JSON_FORMAT("format", 1),
	VERITY_JSON_BOOL("completed", struct overlay_trials, completed),
	VERITY_JSON_BOOL("idle", struct overlay_trials, idle),
	VERITY_JSON_INTEGER("failed", struct overlay_trials, failed,
			    .max = OVERLAY_TRIALS_COUNT_MAX),
	VERITY_JSON_NAME("search", struct overlay_trials, search, search_names,
			 .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_INTEGER("audit_number", struct overlay_trials, audit_number,
			    .presence = VERITY_JSON_OPTIONAL, .max = INT64_MAX),
	VERITY_JSON_TEXT("audit_digest", struct overlay_trials, audit_digest,
			 .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_LIST("packages", struct overlay_trials, items, count, &trial_item,
			 OVERLAY_TRIALS_MAX),
	{.key = NULL},
};

int overlay_trials_decode(const void *bytes, size_t size, struct overlay_trials *ret,
			  struct verity_error *err)
{
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {.items = NULL};
	int r;

	if (size > OVERLAY_TRIALS_BYTES_MAX)
		return verity_fail(err, VERITY_E_BAD_RECORD, "over %d bytes",
				   OVERLAY_TRIALS_BYTES_MAX);
	r = verity_json_decode(bytes, size, trials_fields, VERITY_E_BAD_RECORD, &trials,
			       err);
	if (r < 0)
		return r;
	/* A package is found by its entry: there is one of each. */
	for (size_t i = 0; i < trials.count; i++)
		for (size_t before = 0; before < i; before++)
			if (trials.items[i].entry.kind ==
				    trials.items[before].entry.kind &&
			    strcmp(trials.items[i].entry.name,
				   trials.items[before].entry.name) == 0)
				return verity_fail(err, VERITY_E_BAD_RECORD,
						   "packages: %s: there twice",
						   trials.items[i].entry.name);
	/* The audit log goes on after it: near the last number it could not. */
	if (trials.audit_number > OVERLAY_AUDIT_NUMBER_MAX / 2) {
		trials.mark_ignored = trials.audit_number;
		trials.audit_number = 0;
		trials.audit_digest[0] = '\0';
	}
	*ret = trials;
	trials.items = NULL;
	return 0;
}

int overlay_trials_encode(const struct overlay_trials *trials, char **ret,
			  struct verity_error *err)
{
	if (trials->count > OVERLAY_TRIALS_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY, "%zu packages", trials->count);
	return verity_json_encode(trials, trials_fields, VERITY_JSON_SPACED, ret, err);
}

void overlay_trials_free(struct overlay_trials *trials)
{
	free(trials->items);
	*trials = (struct overlay_trials){.completed = false};
}

int overlay_trials_load(int record_fd, struct overlay_trials *ret,
			struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	int r = -ENOENT;

	if (record_fd >= 0)
		r = overlay_record_load(record_fd, OVERLAY_RECORD_TRIALS,
					OVERLAY_TRIALS_BYTES_MAX, &text, &size, err);
	if (r == -ENOENT) {
		*ret = (struct overlay_trials){.completed = false};
		return 0;
	}
	if (r < 0)
		return r;
	r = overlay_trials_decode(text, size, ret, err);
	return r < 0 ? verity_context(err, r, OVERLAY_RECORD_TRIALS) : 0;
}

/*
 * A boot that cannot be counted is one that may fail again and again. So it is counted on
 * a full volume too, and where a folder is in the way.
 */
int overlay_trials_store(int record_fd, const struct overlay_trials *trials,
			 struct verity_error *err)
{
	const char *name = OVERLAY_RECORD_TRIALS;
	cleanup_free char *text = NULL;
	int r;

	if (record_fd < 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "there is no persist volume to keep trials on (check "
				   "'persist' in the configuration)");
	r = overlay_trials_encode(trials, &text, err);
	if (r == 0)
		r = overlay_record_clear_folder(record_fd, name, err);
	return r < 0 ? r : overlay_record_keep(record_fd, name, text, strlen(text), err);
}

int overlay_trials_lock(int record_fd, int *ret, struct verity_error *err)
{
	if (record_fd >= 0)
		return overlay_lock_take(record_fd, LOCK_FILE,
					 "trials: another program is using them", false,
					 OVERLAY_LOCK_WAIT_MS, ret, err);
	*ret = -1;
	return 0;
}

int overlay_trials_quarantine(const struct overlay_trials *trials,
			      struct verity_quarantine *ret, struct verity_error *err)
{
	uint8_t(*ids)[VERITY_DIGEST_BYTES] =
		calloc(trials->count ? trials->count : 1, sizeof(*ids));
	size_t count = 0;

	if (!ids)
		return verity_no_memory(err);
	for (size_t i = 0; i < trials->count; i++)
		if (trials->items[i].state == OVERLAY_TRIAL_QUARANTINED)
			memcpy(ids[count++], trials->items[i].id, sizeof(*ids));
	*ret = (struct verity_quarantine){ids, count};
	return 0;
}

unsigned overlay_trials_incomplete(const struct overlay_trials *trials)
{
	unsigned most = 0;

	for (size_t i = 0; i < trials->count; i++)
		if (trials->items[i].ran && trials->items[i].incomplete > most)
			most = trials->items[i].incomplete;
	return most;
}

/* A boot without the suspects was completed: one of them is to blame. */
static void end_without(struct overlay_trials *trials)
{
	trials->search = OVERLAY_SEARCH_HALVES;
	for (size_t i = 0; i < trials->count; i++) {
		struct overlay_trial *trial = &trials->items[i];

		if (trial->suspicion != OVERLAY_SUSPICION_ALONE)
			continue;
		trial->state = OVERLAY_TRIAL_QUARANTINED;
		trial->suspicion = OVERLAY_SUSPICION_NONE;
		trial->incomplete = 0;
		trial->ran = false;
	}
}

bool overlay_trials_complete(struct overlay_trials *trials,
			     const struct overlay_state *state)
{
	bool without = trials->search == OVERLAY_SEARCH_WITHOUT;
	bool changed = !trials->completed;

	trials->completed = true;
	/* Or it did not come to the packages at all, as a reset left them out. */
	if (state->safe || ((trials->idle || state->count == 0) && !without))
		return changed;
	changed = changed || trials->failed || without;
	trials->failed = 0;
	for (size_t i = 0; !trials->idle && i < trials->count; i++) {
		struct overlay_trial *trial = &trials->items[i];
		const struct overlay_state_entry *entry =
			overlay_state_find(state, &trial->entry);

		if (!trial->ran || trial->state == OVERLAY_TRIAL_QUARANTINED)
			continue;
		if (!entry || !entry->active) {
			/* It could not be activated: this boot was none of it. */
			trial->ran = false;
			trial->incomplete -= trial->incomplete > 0;
			trial->suspicion = OVERLAY_SUSPICION_NONE;
			changed = true;
			continue;
		}
		changed = changed || trial->incomplete || trial->suspicion ||
			  trial->state != OVERLAY_TRIAL_PASSED;
		trial->incomplete = 0;
		trial->suspicion = OVERLAY_SUSPICION_NONE;
		trial->state = OVERLAY_TRIAL_PASSED;
	}
	if (without)
		end_without(trials);
	return changed;
}

static bool is_left_out(const struct overlay_trial *trial)
{
	return trial->state == OVERLAY_TRIAL_QUARANTINED ||
	       trial->suspicion != OVERLAY_SUSPICION_NONE;
}

size_t overlay_trials_forget(struct overlay_trials *trials, const char *name,
			     const uint8_t *id)
{
	uint8_t named[2][VERITY_DIGEST_BYTES]; /* a name is in two stores at most */
	size_t named_count = 0, kept = 0, count = trials->count;

	for (size_t i = 0; i < count && named_count < 2; i++) {
		const struct overlay_trial *trial = &trials->items[i];

		if (is_left_out(trial) && strcmp(trial->entry.name, name) == 0)
			memcpy(named[named_count++], trial->id, sizeof(trial->id));
	}
	for (size_t i = 0; i < count; i++) {
		const struct overlay_trial *trial = &trials->items[i];
		bool meant = id && memcmp(id, trial->id, sizeof(trial->id)) == 0;

		for (size_t n = 0; n < named_count; n++)
			meant = meant ||
				memcmp(named[n], trial->id, sizeof(trial->id)) == 0;
		if (!is_left_out(trial) || !meant)
			trials->items[kept++] = *trial;
	}
	trials->count = kept;
	return count - kept;
}
