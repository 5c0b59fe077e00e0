/* SPDX-License-Identifier: MIT */

/* `wmopkg update`: brings the installed packages up to the catalogue of the vendor. */

#include "installer/update/update.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "installer/commands/install_view.h"
#include "installer/common/layout.h"
#include "installer/common/page.h"
#include "installer/common/signals.h"
#include "installer/common/statement_file.h"
#include "installer/device/audit.h"
#include "installer/device/installed.h"
#include "installer/receive/set_apply.h"
#include "installer/update/mirror.h"
#include "installer/update/quarantined.h"
#include "installer/update/selection.h"
#include "verity/util/json_write.h"
#include "verity/util/text.h"

#define NAMES_INDENT  4
#define LINE_BYTES    (VERITY_NAME_MAX + 2 * VERITY_VERSION_MAX + VERITY_MESSAGE_MAX)
#define UPDATE_FORMAT 1 /* of the JSON */

/* One run of the command. */
struct update {
	struct device *device;
	const struct words *words;
	bool check; /* nothing is changed */
	bool quiet; /* nothing is printed where all is well */
	FILE *out;  /* for lines about transfers; NULL: stdout */

	/* What one mirror gave, and what follows from it; owned. */
	struct mirror mirror;
	bool decided;      /* statements are read, and packages chosen */
	uint32_t denylist; /* number of the one that comes with it; 0: none */
	struct installed_list list;
	struct update_installed *items;
	struct update_choice *choices;
	size_t count;
};

static void clear(struct update *update)
{
	mirror_free(&update->mirror);
	installed_list_free(&update->list);
	free(update->items);
	free(update->choices);
	update->decided = false;
	update->items = NULL;
	update->choices = NULL;
	update->count = 0;
}

static bool is_wanted(const struct update *update, const char *name)
{
	const struct words *words = update->words;

	for (size_t i = 0; i < words->list_count; i++)
		if (strcmp(words->list[i], name) == 0)
			return true;
	return words->list_count == 0;
}

/* Before anything is fetched: a name that is mistyped is no reason to ask a server. */
static int check_names(const struct update *update, struct verity_error *err)
{
	const struct words *words = update->words;
	struct overlay_entry unused;
	struct overlay_store *store;
	int r = device_store(update->device, &store, err);

	for (size_t i = 0; r == 0 && i < words->list_count; i++)
		if (overlay_store_find(store, words->list[i], &unused, NULL) < 0)
			r = installed_fail_unknown(store, words->list[i], err);
	return r;
}

/* The installed packages that count. */
static int choose(struct update *update, struct verity_error *err)
{
	const struct verity_policy *policy;
	struct verity_quarantine quarantine = {.count = 0};
	struct verity_policy strict;
	int r = device_policy(update->device, &policy, err);

	if (r == 0)
		r = installed_list_read(update->device, NULL, INSTALLED_HEADS,
					&update->list, err);
	if (r < 0)
		return r;
	update->items = calloc(update->list.count + 1, sizeof(*update->items));
	update->choices = calloc(update->list.count + 1, sizeof(*update->choices));
	if (!update->items || !update->choices)
		return verity_no_memory(err);
	for (size_t i = 0; i < update->list.count; i++) {
		const struct installed *item = &update->list.items[i];
		const struct verity_judgement *judgement =
			item->package ? verity_package_judgement(item->package) : NULL;

		/* Nothing is known of it, and it is left out. */
		if (!judgement && item->reason.code == VERITY_E_IO)
			report_warning("%s: %s", item->entry.name, item->reason.message);
		if (!judgement || !judgement->manifest || item->left_of_move ||
		    item->reason.code == VERITY_E_DUPLICATE)
			continue;
		update->items[update->count++] = (struct update_installed){
			.entry = item->entry,
			.manifest = judgement->manifest,
			.accepted = judgement->accepted,
			.wanted = is_wanted(update, item->entry.name),
		};
	}
	r = update_quarantined(update->device, policy->quarantine, &quarantine, err);
	if (r < 0)
		return r;
	strict = *policy;
	strict.quarantine = &quarantine;
	r = update_choose(verity_catalog_text(update->mirror.catalog), update->items,
			  update->count, &strict, device_identity(update->device)->serial,
			  update->choices, err);
	free((void *)(uintptr_t)quarantine.ids);
	return r;
}

static size_t count_chosen(const struct update *update)
{
	size_t count = 0;

	for (size_t i = 0; i < update->count; i++)
		count += update->choices[i].chosen != NULL;
	return count;
}

static void print_choices(const struct update *update)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	char line[LINE_BYTES];

	for (size_t i = 0; i < update->count; i++) {
		const struct update_installed *item = &update->items[i];
		const struct update_choice *choice = &update->choices[i];

		if (choice->chosen) {
			snprintf(line, sizeof(line),
				 "%s: version %s goes, version %s comes",
				 item->entry.name, item->manifest->version,
				 choice->chosen->manifest.version);
			layout_printf(stdout, &layout, NAMES_INDENT, "  %s", line);
		}
		if (choice->passed) {
			snprintf(line, sizeof(line), "%s: version %s does not come: %s",
				 item->entry.name, choice->passed->manifest.version,
				 choice->why.message);
			layout_printf(stdout, &layout, NAMES_INDENT, "  %s", line);
		}
	}
}

static void print_text(const struct update *update, bool changed)
{
	const struct verity_catalog_text *text =
		verity_catalog_text(update->mirror.catalog);
	char until[VERITY_TEXT_TIME_BYTES];
	struct page page;

	if (update->check)
		page_begin(&page);
	verity_text_format_time(text->not_after, until);
	report_line("Catalogue %" PRIu32 ", until %s", text->number, until);
	if (time(NULL) < update->mirror.now)
		report_line(
			"Note: the clock is not set, so it cannot be told whether this is "
			"still the newest one.");
	if (update->denylist)
		report_line("Deny list %" PRIu32 " %s.", update->denylist,
			    update->check ? "comes" : "is in force");
	print_choices(update);
	if (changed)
		report_line("Updated... Changes are applied after reboot.");
	else if (count_chosen(update) == 0)
		report_line("Nothing to do: there is no update for this device.");
	if (update->check)
		page_end(&page);
}

static void put_package(struct verity_json_writer *json,
			const struct update_installed *item,
			const struct update_choice *choice)
{
	verity_json_open(json, NULL);
	verity_json_text(json, "name", item->entry.name);
	verity_json_text(json, "identity", item->manifest->name);
	verity_json_bool(json, "persistent", item->entry.kind == OVERLAY_PERSISTENT);
	verity_json_text(json, "action", choice->chosen ? "replace" : "none");
	verity_json_text(json, "installed_version", item->manifest->version);
	if (choice->chosen) {
		verity_json_text(json, "version", choice->chosen->manifest.version);
		verity_json_uint(json, "file_bytes", choice->chosen->file_bytes);
	}
	if (choice->passed) {
		verity_json_text(json, "passed_version",
				 choice->passed->manifest.version);
		verity_json_reason(json, "reason", &choice->why, NULL);
	}
	verity_json_close(json);
}

static int print_json(const struct update *update, struct verity_error *err)
{
	const struct verity_catalog_text *text =
		verity_catalog_text(update->mirror.catalog);
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_int(&json, "format", UPDATE_FORMAT);
	verity_json_uint(&json, "number", text->number);
	verity_json_int(&json, "not_after", text->not_after);
	verity_json_text(&json, "source", update->mirror.shown);
	if (update->denylist)
		verity_json_uint(&json, "denylist", update->denylist);
	verity_json_open_list(&json, "packages");
	for (size_t i = 0; i < update->count; i++)
		put_package(&json, &update->items[i], &update->choices[i]);
	verity_json_close(&json);
	return verity_json_print(&json, stdout, err);
}

static void silent_begin(void *context, const char *title, uint64_t file_bytes)
{
	(void)context, (void)title, (void)file_bytes;
}

static void silent_advance(void *context, uint64_t done_bytes)
{
	(void)context, (void)done_bytes;
}

static void silent_pause(void *context)
{
	(void)context;
}

static void silent_end(void *context, bool whole)
{
	(void)context, (void)whole;
}

static void silent_verdict(void *context, enum verity_verdict verdict)
{
	(void)context, (void)verdict;
}

static void silent_note(void *context, const char *line)
{
	(void)context, (void)line;
}

static struct install_view view_of(const struct update *update, struct progress *progress)
{
	if (!update->out)
		return install_view_of_terminal(progress);
	return (struct install_view){
		.begin = silent_begin,
		.advance = silent_advance,
		.pause = silent_pause,
		.end = silent_end,
		.verdict = silent_verdict,
		.note = silent_note,
		.out = update->out,
	};
}

/*
 * The choices were made with what was installed then. What another program has installed
 * since may be newer than what was chosen, and what it has removed does not come back.
 */
static int check_same(const struct update *update, const struct set_plan *plan,
		      struct verity_error *err)
{
	for (size_t i = 0, at = 0; i < update->count; i++) {
		const struct verity_manifest *was = update->items[i].manifest;
		const struct set_present *is;

		if (!update->choices[i].chosen)
			continue;
		is = &plan->items[at++].present; /* in the order of the choices */
		if (!is->readable || is->epoch != was->epoch ||
		    is->entry.kind != update->items[i].entry.kind ||
		    strcmp(is->identity, was->name) != 0 ||
		    memcmp(is->root_hash, was->root_hash, sizeof(is->root_hash)) != 0)
			return set_plan_fail_changed(err);
	}
	return 0;
}

/* The choices as one set beside what stays. Return: 1: changed; -errno. */
static int apply(struct update *update, struct verity_error *err)
{
	cleanup_with(verity_package_set_free) struct verity_package_set set = {
		.keep = true, .of_catalog = true};
	cleanup_with(set_plan_free) struct set_plan plan = {.count = 0};
	struct progress progress = {.open = false};
	const struct install_view view = view_of(update, &progress);
	char detail[64];
	const struct overlay_audit_entry event = {
		.event = OVERLAY_AUDIT_UPDATE,
		.source = update->mirror.shown,
		.signer = verity_catalog_signer(update->mirror.catalog)->subject,
		.detail = detail,
	};
	const struct set_origin origin = {.folder = update->mirror.folder,
					  .event = &event};
	int r;

	set.packages = calloc(count_chosen(update), sizeof(*set.packages));
	if (!set.packages)
		return verity_no_memory(err);
	for (size_t i = 0; i < update->count; i++) {
		const struct verity_catalog_entry *chosen = update->choices[i].chosen;
		const struct overlay_entry *entry = &update->items[i].entry;
		struct verity_set_package *package = &set.packages[set.count];

		if (!chosen)
			continue;
		snprintf(package->name, sizeof(package->name), "%s", entry->name);
		snprintf(package->version, sizeof(package->version), "%s",
			 chosen->manifest.version);
		snprintf(package->source, sizeof(package->source), "%s", chosen->file);
		memcpy(package->root_hash, chosen->manifest.root_hash,
		       sizeof(package->root_hash));
		package->root_hash_bytes = sizeof(package->root_hash);
		package->published = chosen;
		package->persistent = entry->kind == OVERLAY_PERSISTENT;
		set.count++;
	}
	snprintf(detail, sizeof(detail), "catalogue %" PRIu32 ", %zu package%s",
		 verity_catalog_text(update->mirror.catalog)->number, set.count,
		 set.count == 1 ? "" : "s");
	install_begin(update->device);
	r = set_plan_make(update->device, &set, &plan, err);
	if (r == 0)
		r = check_same(update, &plan, err);
	if (r == 0)
		r = set_apply(&plan, &origin, &view, err);
	if (r < 0 && err->code == VERITY_E_NOT_PUBLISHED)
		mirror_log_refusal(update->device, update->mirror.shown, err);
	return r;
}

/* All of it from one place. Return: 1: changed; 0: nothing to do; -errno. */
static int run(struct update *update, const char *where, struct verity_error *err)
{
	int r = mirror_read(update->device, where, !update->check, update->out,
			    &update->mirror, err);

	if (r < 0)
		return r;
	update->denylist = mirror_denylist_number(update->device, &update->mirror);
	if (!update->check)
		r = mirror_denylist(update->device, &update->mirror, update->out, err);
	if (r >= 0)
		r = choose(update, err);
	update->decided = r == 0;
	if (r == 0 && !update->check && count_chosen(update) > 0)
		r = apply(update, err);
	return r;
}

/* Another place may have what this one has not, or another content. */
static bool may_be_better(const struct verity_error *why)
{
	switch (verity_code_exit_status(why->code)) {
	case STATUS_TRANSFER:
	case STATUS_ABSENT:
	case STATUS_REFUSED:
		return why->code != VERITY_E_HIDES_FIRMWARE &&
		       why->code != VERITY_E_REQUIRED;
	default:
		return false;
	}
}

/*
 * The places of the configuration, in their order. A server that does not answer is told
 * only if none does; one with a catalogue that is refused is told in any case.
 */
static int run_all(struct update *update, enum exit_status *ret_status,
		   struct verity_error *err)
{
	const struct overlay_config *config = device_config(update->device);
	int r = -ENOENT;

	for (size_t i = 0; i < config->catalogs_count; i++) {
		enum exit_status status;

		clear(update);
		r = run(update, config->catalogs[i], err);
		if (r >= 0)
			break;
		status = verity_code_exit_status(err->code);
		if (*ret_status != STATUS_REFUSED)
			*ret_status = status;
		if (!may_be_better(err))
			break;
		if (i + 1 < config->catalogs_count &&
		    (!update->quiet || status == STATUS_REFUSED))
			report_warning("%s; trying the next one", err->message);
	}
	return r;
}

enum exit_status command_update(struct device *device, const struct words *words)
{
	cleanup_with(clear) struct update update = {
		.device = device,
		.words = words,
		.check = words_has(words, WORD_UPDATE_CHECK),
		.quiet = words_has(words, WORD_QUIET)};
	cleanup_file FILE *nowhere = NULL;
	bool json = words_has(words, WORD_JSON);
	enum exit_status status = STATUS_DONE;
	struct verity_error err;
	int r = check_names(&update, &err);

	if (r == 0 && device_config(device)->catalogs_count == 0)
		r = verity_fail(&err, VERITY_E_CONFIG,
				"update: the configuration names no catalogue (set "
				"catalog in it)");
	if (r == 0 && (update.quiet || json)) {
		nowhere = fopen("/dev/null", "we");
		if (!nowhere)
			r = verity_fail_errno(&err, errno, "/dev/null");
	}
	if (r < 0)
		return report_error(NULL, &err);
	update.out = nowhere;
	r = run_all(&update, &status, &err);
	if (r < 0) {
		(void)!(update.decided ? report_error(NULL, &err)
				       : statement_report(&err));
		return status;
	}
	if (json && print_json(&update, &err) < 0)
		return report_error(NULL, &err);
	if (!json && !update.quiet)
		print_text(&update, r > 0);
	return report_output();
}
