/* SPDX-License-Identifier: MIT */

/* `wmopkg undo`. */

#include "installer/commands/undo.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/common/confirm.h"
#include "installer/common/layout.h"
#include "installer/device/audit.h"
#include "installer/device/consequences.h"
#include "installer/device/installed.h"
#include "installer/device/read_images.h"
#include "installer/device/reset_pending.h"
#include "overlay/store/store.h"
#include "verity/package/inspect.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/text.h"

#define NAMES_INDENT 4

void undo_free(struct undo *undo)
{
	for (size_t i = 0; i < undo->count; i++)
		verity_package_free(undo->steps[i].returns);
	free(undo->steps);
	*undo = (struct undo){.count = 0};
}

static void find_version(const struct overlay_store *store, const struct undo_step *step,
			 char ret[static VERITY_VERSION_MAX + 1])
{
	struct overlay_entry entry = step->entry;
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		NULL;
	struct verity_error unused;

	entry.kind = step->item.kind;
	if (installed_inspect(store, &entry, &inspection, &unused) == 0 && inspection)
		snprintf(ret, VERITY_VERSION_MAX + 1, "%s",
			 verity_inspection_manifest(inspection)->version);
}

/*
 * What comes back is judged as if it was installed now: what was denied since stays out.
 * A quarantine is not: it counts for what comes back as before.
 */
static void judge(struct device *device, const struct overlay_store *store,
		  struct undo_step *step)
{
	const struct verity_policy *policy;
	const struct verity_judgement *judgement;
	struct verity_policy anew;
	char file[OVERLAY_KEPT_FILE_BYTES];
	int r = device_policy(device, &policy, &step->why);

	if (r < 0)
		return;
	anew = *policy;
	anew.quarantine = NULL;
	(void)overlay_store_find_kept(store, &step->item, step->entry.kind, file);
	if (verity_package_open(overlay_store_folder(store, step->entry.kind), file,
				&anew, &step->returns, &step->why) < 0)
		return;
	judgement = verity_package_judgement(step->returns);
	if (!verity_package_verified(step->returns))
		verity_fail(&step->why, judgement->reason.code, "%s: %s",
			    verity_verdict_name(judgement->verdict),
			    judgement->reason.message);
	else
		step->why = (struct verity_error){.code = VERITY_OK};
}

static void find_step(struct device *device, const struct overlay_store *store,
		      const struct overlay_kept_item *item, struct undo_step *step)
{
	bool persistent = item->before[OVERLAY_PERSISTENT].inode != 0;
	bool returns = persistent || item->before[OVERLAY_ORDINARY].inode != 0;

	step->item = *item;
	step->entry.kind = persistent ? OVERLAY_PERSISTENT
			   : returns  ? OVERLAY_ORDINARY
				      : (enum overlay_store_kind)item->kind;
	snprintf(step->entry.name, sizeof(step->entry.name), "%s", item->name);
	if (item->made.inode)
		find_version(store, step, step->goes);
	if (overlay_store_undo_check(store, item, &step->why) < 0)
		return;
	step->why = (struct verity_error){.code = VERITY_OK};
	if (returns)
		judge(device, store, step);
	else if (installed_is_required(device, &step->entry))
		verity_fail(&step->why, VERITY_E_REQUIRED,
			    "the device does not start without it");
}

int undo_find(struct device *device, struct undo *ret, struct verity_error *err)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct overlay_store *store;
	struct undo undo;
	int r = device_store(device, &store, err);

	if (r == 0)
		r = overlay_store_last_change(store, &kept, err);
	if (r == 0 && kept.count == 0)
		r = verity_fail(err, VERITY_E_NOT_FOUND,
				"nothing to undo: no package was installed or removed "
				"since the boot, or all of this was undone, or a set of "
				"changes was cut off and completed later (a factory "
				"reset: wmopkg factory-reset cancel; an unlock "
				"statement and a deny list are not undone)");
	if (r < 0)
		return r;
	undo = (struct undo){.steps = calloc(kept.count, sizeof(*undo.steps)),
			     .count = kept.count};
	if (!undo.steps)
		return verity_no_memory(err);
	for (size_t i = 0; i < kept.count; i++) {
		find_step(device, store, &kept.items[i], &undo.steps[i]);
		undo.possible += undo.steps[i].why.code == VERITY_OK;
	}
	*ret = undo;
	return 0;
}

void undo_format(const struct undo_step *step, char ret[static UNDO_LINE_BYTES])
{
	const char *stays =
		step->item.made.inode ? "stays as it is" : "does not come back";
	char goes[VERITY_VERSION_MAX + 32] = "", returns[VERITY_VERSION_MAX + 64] = "";
	const char *version;
	bool same;

	if (step->why.code != VERITY_OK) {
		snprintf(ret, UNDO_LINE_BYTES, "%s: %s: %s", step->entry.name, stays,
			 step->why.message);
		return;
	}
	if (step->item.made.inode)
		snprintf(goes, sizeof(goes), "%s%s goes",
			 step->goes[0] ? "version " : "it", step->goes);
	if (step->returns) {
		version = verity_package_judgement(step->returns)->manifest->version;
		same = strcmp(version, step->goes) == 0;
		snprintf(returns, sizeof(returns), "%s%s%s comes back%s",
			 goes[0] ? ", " : "", same ? "the copy it replaced" : "version ",
			 same ? "" : version,
			 step->entry.kind == OVERLAY_PERSISTENT ? " (persistent)" : "");
	}
	snprintf(ret, UNDO_LINE_BYTES, "%s: %s%s", step->entry.name, goes, returns);
}

int undo_mark(const struct undo *undo, char ret[static UNDO_MARK_BYTES],
	      struct verity_error *err)
{
	char line[UNDO_LINE_BYTES], text[UNDO_LINE_BYTES + UNDO_MARK_BYTES + 320];
	uint8_t digest[VERITY_DIGEST_BYTES] = {0};

	verity_hex_encode(digest, sizeof(digest), ret);
	for (size_t i = 0; i < undo->count; i++) {
		const struct overlay_kept_item *item = &undo->steps[i].item;
		const struct overlay_kept_id *ids[] = {&item->made, &item->before[0],
						       &item->before[1]};

		undo_format(&undo->steps[i], line);
		snprintf(text, sizeof(text), "%s %" PRIu32 " %" PRIu32, ret, item->change,
			 item->kind);
		for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
			verity_text_append(
				text, sizeof(text), " %" PRIu64 " %" PRIu64 " %" PRId64,
				ids[k]->inode, ids[k]->bytes, ids[k]->modified_ns);
		verity_text_append(text, sizeof(text), " %s", line);
		if (EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) != 1)
			return verity_fail(err, VERITY_E_IO, "SHA-256 failed");
		verity_hex_encode(digest, sizeof(digest), ret);
	}
	return 0;
}

static void add_to_change(const struct undo_step *step, struct consequences_added *added,
			  struct overlay_entry *removed,
			  struct consequences_change *change)
{
	if (step->why.code != VERITY_OK)
		return;
	if (step->item.made.inode) {
		removed[change->removed_count] = step->entry;
		removed[change->removed_count++].kind =
			(enum overlay_store_kind)step->item.kind;
	}
	if (step->returns)
		added[change->added_count++] = (struct consequences_added){
			step->entry, verity_package_judgement(step->returns)};
}

int undo_check(struct device *device, const struct undo *undo, struct verity_error *err)
{
	cleanup_with(consequences_free) struct consequences after = {.count = 0};
	cleanup_free struct consequences_added *added =
		calloc(undo->count + 1, sizeof(*added));
	cleanup_free struct overlay_entry *removed =
		calloc(undo->count + 1, sizeof(*removed));
	struct consequences_change change = {.added = added, .removed = removed};
	struct verity_error why;

	if (!added || !removed)
		return verity_no_memory(err);
	for (size_t i = 0; i < undo->count; i++)
		add_to_change(&undo->steps[i], added, removed, &change);
	if (consequences_read(device, &change, &after, &why) < 0)
		report_warning("what needs it cannot be determined: %s", why.message);
	return consequences_check(device, &after, 0, err);
}

/* Not read once more by `show`: the rename has changed only its time. */
static void remember(struct device *device, const struct undo_step *step)
{
	const char *run = device_config(device)->run;
	cleanup_free struct read_images *images = NULL;

	if (!step->returns || read_images_load(run, &images, NULL) < 0)
		return;
	read_images_add(images, verity_package_fd(step->returns),
			verity_package_judgement(step->returns)->id);
	read_images_store(run, images);
}

static enum exit_status run_step(struct device *device, struct overlay_store *store,
				 const struct undo_step *step)
{
	struct overlay_audit_entry undone = {
		.event = OVERLAY_AUDIT_UNDO,
		.package = &step->entry,
		.version = step->returns ? NULL : step->goes,
		.detail = !step->returns          ? "removed"
			  : step->item.made.inode ? "replaced by what was there before"
						  : "back after its removal"};
	struct verity_error err = step->why;
	int r = err.code == VERITY_OK ? overlay_store_undo(store, &step->item, &err) : -1;

	if (r == 0) {
		remember(device, step);
		audit_add_judged(device, undone,
				 step->returns ? verity_package_judgement(step->returns)
					       : NULL);
		return STATUS_DONE;
	}
	/* What was judged, and must not come back, is a refusal. */
	if (step->returns) {
		undone.detail = NULL;
		undone.reason = &err;
		audit_add_judged(device, undone, verity_package_judgement(step->returns));
	}
	return report_error(step->entry.name, &err);
}

enum exit_status undo_run(struct device *device, const struct undo *undo)
{
	enum exit_status status = STATUS_DONE, one;
	struct overlay_store *store;
	struct verity_error err;

	if (device_store(device, &store, &err) < 0)
		return report_error(NULL, &err);
	for (size_t i = 0; i < undo->count; i++) {
		one = run_step(device, store, &undo->steps[i]);
		status = one != STATUS_DONE ? one : status;
	}
	return status;
}

static void print_steps(const struct undo *undo)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	char line[UNDO_LINE_BYTES];

	for (size_t i = 0; i < undo->count; i++) {
		undo_format(&undo->steps[i], line);
		layout_printf(stdout, &layout, NAMES_INDENT, "  %s", line);
	}
}

enum exit_status command_undo(struct device *device, const struct words *words)
{
	cleanup_with(undo_free) struct undo undo = {.count = 0};
	struct verity_error err;
	enum exit_status status;
	int answer = 1;

	if (undo_find(device, &undo, &err) < 0)
		return report_error(NULL, &err);
	reset_pending_warn(device);
	if (undo_check(device, &undo, &err) < 0)
		return report_hinted(NULL, &err, NULL);
	if (words_has(words, WORD_CHECK) ||
	    (undo.possible > 0 && !words_has(words, WORD_YES)))
		print_steps(&undo);
	if (words_has(words, WORD_CHECK))
		return undo.possible > 0 ? report_output() : STATUS_FAILED;
	if (undo.possible > 0 && !words_has(words, WORD_YES))
		answer = confirm("undo", "Undo the last change", "Nothing undone.", &err);
	if (answer < 0)
		return report_error(NULL, &err);
	if (answer == 0)
		return STATUS_FAILED;
	status = undo_run(device, &undo);
	if (status == STATUS_DONE)
		report_line("Undone... Changes are applied after reboot.");
	return status;
}
