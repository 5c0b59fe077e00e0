/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "factory/reset_private.h"
#include "overlay/config/bootconf.h"
#include "overlay/record/audit.h"
#include "overlay/record/record.h"
#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

static void trials_free_p(struct overlay_trials *trials)
{
	overlay_trials_free(trials);
}

/*
 * What kept the device from booting may have been what is gone now, and who was blamed
 * for it is tried again. That this firmware completes its boots stays known.
 */
int factory_record_trials(struct factory_run *run, struct verity_error *err)
{
	cleanup_with(trials_free_p) struct overlay_trials trials = {0};
	int record = run->reset->record_fd;
	const struct overlay_trials none = {.completed = false};
	struct overlay_trials kept = none;
	int r = overlay_record_clear_folder(record, OVERLAY_RECORD_TRIALS, err);

	if (r < 0)
		return r;
	if (overlay_trials_load(record, &trials, NULL) == 0)
		kept.completed = trials.completed;
	if (!kept.completed)
		return overlay_record_remove(record, OVERLAY_RECORD_TRIALS, err);
	return overlay_trials_store(record, &kept, err);
}

int64_t factory_record_line(const struct factory_run *run)
{
	struct overlay_audit_check check;
	int r = overlay_audit_verify(run->reset->record_fd, &check, NULL);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? FACTORY_LINE_UNKNOWN : (int64_t)check.last;
}

/* A power cut right after the line was added is no reason for another. */
int factory_record_note(struct factory_run *run, struct verity_error *err)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	const struct factory_reset *reset = run->reset;
	const struct factory_journal *journal = &run->journal;
	const struct overlay_audit_entry entry = {
		.event = OVERLAY_AUDIT_RESET,
		.detail = journal->made ? "done, DATA made anew" : "done, DATA emptied",
	};
	int r;

	if (journal->line != FACTORY_LINE_UNKNOWN &&
	    factory_record_line(run) > journal->line)
		return 0;
	r = overlay_audit_open(reset->record_fd, reset->config->audit_bytes, reset->now,
			       "boot", &audit, err);
	return r < 0 ? r : overlay_audit_append(audit, &entry, 1, err);
}

/* A word that can be deleted needs no other to say that it was obeyed. */
int factory_record_obey(struct factory_run *run, struct verity_error *err)
{
	const struct factory_reset *reset = run->reset;
	bool obeyed = reset->word;

	if (reset->word_in_uboot) {
		if (overlay_bootconf_set(reset->config->uboot_env,
					 OVERLAY_BOOT_FACTORY_RESET, NULL, err) == 0)
			obeyed = false;
		else
			factory_say(run, true, "%s", err->message);
	}
	return factory_obeyed_set(reset->record_fd, obeyed, err);
}

/* `.NAME.new` is what overlay_record_replace() leaves behind where it is cut off. */
static bool is_leftover(const char *name)
{
	size_t size = strlen(name);

	return name[0] == '.' && size > 5 && strcmp(name + size - 4, ".new") == 0;
}

static void delete_leftovers(int record)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;

	if (verity_dir_open(record, ".", &dir) < 0)
		return;
	while ((item = readdir(dir)))
		if (is_leftover(item->d_name))
			(void)unlinkat(record, item->d_name, 0);
}

/* Nobody else writes records so early; what a power cut left of one is nobody's. */
int factory_record_close(struct factory_run *run, struct verity_error *err)
{
	delete_leftovers(run->reset->record_fd);
	return factory_journal_close(run->reset->record_fd, err);
}
