/* SPDX-License-Identifier: MIT */
/* What a reset does on PERSIST: trials, audit log, the bootloader's request, journal. */
#include "factory/reset_record.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "overlay/config/bootconf.h"
#include "overlay/fs/erase.h"
#include "overlay/record/audit.h"
#include "overlay/record/begun.h"
#include "overlay/record/record.h"
#include "overlay/record/trials.h"
#include "overlay/record/unchecked.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

static void trials_free_p(struct overlay_trials *trials)
{
	overlay_trials_free(trials);
}

int factory_record_purge(struct factory_run *run, struct verity_error *err)
{
	const struct factory_reset *reset = run->reset;
	struct overlay_eraser eraser = {
		.force = true,
		.spare = OVERLAY_RECORD_FOLDER,
		.progress = factory_run_progress,
		.context = run,
	};
	struct fstrim_range range = {.len = UINT64_MAX};
	struct statfs fs;
	int r;

	factory_run_say(run, false, "deleting all that is on PERSIST (%s)",
			reset->config->persist);
	if (fstatfs(reset->persist_fd, &fs) == 0 && fs.f_type == EXT4_SUPER_MAGIC)
		eraser.keep = "lost+found";
	r = overlay_erase_below(reset->persist_fd, &eraser, err);
	eraser.keep = NULL;
	eraser.spare = FACTORY_JOURNAL;
	if (r == 0)
		r = overlay_erase_below(reset->record_fd, &eraser, err);
	if (r < 0)
		return verity_context(err, r, "persist");
	(void)ioctl(reset->persist_fd, FITRIM, &range);
	return 0;
}

/*
 * What kept the device from booting may be gone now, so quarantined packages are tried
 * again. That this firmware completes its boots stays known.
 */
int factory_record_trials(struct factory_run *run, struct verity_error *err)
{
	cleanup_with(trials_free_p) struct overlay_trials trials = {0};
	const struct overlay_trials completed = {.completed = true};
	int record = run->reset->record_fd;
	int r = overlay_record_clear_folder(record, OVERLAY_RECORD_TRIALS, err);

	if (r == 0 && overlay_begun_load(record) > 0)
		r = overlay_begun_store(record, 0, err);
	if (r == 0 && overlay_unchecked_exists(record))
		r = overlay_record_remove(record, OVERLAY_RECORD_UNCHECKED, err);
	if (r < 0)
		return r;
	if (overlay_trials_load(record, &trials, NULL) == 0 && trials.completed)
		return overlay_trials_store(record, &completed, err);
	return overlay_record_remove(record, OVERLAY_RECORD_TRIALS, err);
}

int64_t factory_record_line(const struct factory_run *run)
{
	struct overlay_audit_check check;
	int r = overlay_audit_verify(run->reset->record_fd, 0, &check, NULL);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? FACTORY_LINE_UNKNOWN : (int64_t)check.last;
}

int factory_record_note(struct factory_run *run, struct verity_error *err)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	const struct factory_reset *reset = run->reset;
	const struct factory_journal *journal = &run->journal;
	static const char *const details[3][2] = {
		{"done, DATA emptied", "done, DATA formatted"},
		{"done, DATA and PERSIST emptied",
		 "done, DATA formatted, PERSIST emptied"},
		{"done, DATA emptied, PERSIST cannot be",
		 "done, DATA formatted, PERSIST cannot be emptied"},
	};
	const struct overlay_audit_entry entry = {
		.event = OVERLAY_AUDIT_RESET,
		.detail = details[journal->purge + run->unpurged][journal->made],
	};
	int r;

	if (run->noted)
		return 0;
	r = overlay_audit_open(reset->record_fd, reset->config->audit_bytes, reset->now,
			       "boot", &audit, err);
	return r < 0 ? r : overlay_audit_append(audit, &entry, 1, err);
}

/* A request that can be deleted needs no record that it was carried out. */
int factory_record_obey(struct factory_run *run, struct verity_error *err)
{
	const struct factory_reset *reset = run->reset;
	bool obeyed = reset->by_bootloader, counts;

	if (reset->in_uboot) {
		if (overlay_bootconf_set(reset->config->uboot_env,
					 OVERLAY_BOOT_FACTORY_RESET, NULL, &counts,
					 err) == 0)
			obeyed = false;
		else
			factory_run_say(run, true, "%s", err->message);
	}
	return factory_obeyed_set(reset->record_fd, obeyed, err);
}

/*
 * No other process writes records so early: a `.NAME.new` is what
 * overlay_record_replace() left behind where it was cut off.
 */
int factory_record_close(struct factory_run *run, struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	int record = run->reset->record_fd;
	const struct dirent *item;

	if (verity_dir_open(record, ".", &dir) == 0)
		while (verity_dir_next(dir, &item) > 0) {
			size_t size = strlen(item->d_name);

			if (item->d_name[0] == '.' && size > 5 &&
			    strcmp(item->d_name + size - 4, ".new") == 0)
				(void)unlinkat(record, item->d_name, 0);
		}
	return factory_journal_close(record, err);
}
