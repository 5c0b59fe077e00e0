/* SPDX-License-Identifier: MIT */
/* Reads the two files of a ring of the audit log and checks them against its head. */
#include "overlay/record/audit_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"

/*
 * All files are in memory at a time, and the device may have little of it. Older versions
 * had one ring, and did not keep to `audit_bytes` where one boot had very many lines.
 */
#define CHANGES_BYTES_MAX (10 << 20)
#define OTHERS_BYTES_MAX  (3 << 20)

const struct overlay_audit_names overlay_audit_names[OVERLAY_AUDIT_RINGS] = {
	[OVERLAY_AUDIT_CHANGES] = {OVERLAY_AUDIT_LOG, OVERLAY_AUDIT_OLD, 2,
				   CHANGES_BYTES_MAX},
	[OVERLAY_AUDIT_REFUSALS] = {OVERLAY_AUDIT_REFUSED,
				    OVERLAY_AUDIT_REFUSED OVERLAY_AUDIT_OLDER, 1,
				    OTHERS_BYTES_MAX},
	[OVERLAY_AUDIT_BOOTS] = {OVERLAY_AUDIT_BOOTED,
				 OVERLAY_AUDIT_BOOTED OVERLAY_AUDIT_OLDER, 1,
				 OTHERS_BYTES_MAX},
};

void overlay_audit_files_free(struct overlay_audit_files *files)
{
	free(files->old);
	free(files->log);
	files->old = files->log = NULL;
}

const char *overlay_audit_aside(int record_fd)
{
	static const char *const names[] = {
		OVERLAY_AUDIT_OLD OVERLAY_AUDIT_ASIDE,
		OVERLAY_AUDIT_LOG OVERLAY_AUDIT_ASIDE,
		OVERLAY_AUDIT_REFUSED OVERLAY_AUDIT_OLDER OVERLAY_AUDIT_ASIDE,
		OVERLAY_AUDIT_REFUSED OVERLAY_AUDIT_ASIDE,
		OVERLAY_AUDIT_BOOTED OVERLAY_AUDIT_OLDER OVERLAY_AUDIT_ASIDE,
		OVERLAY_AUDIT_BOOTED OVERLAY_AUDIT_ASIDE,
		OVERLAY_AUDIT_HEAD OVERLAY_AUDIT_ASIDE};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (faccessat(record_fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return names[i];
	return NULL;
}

/* A folder cannot be renamed over a file, nor a file over a folder. */
static int set_aside(int record_fd, const char *name, struct verity_error *err)
{
	char aside[32];

	snprintf(aside, sizeof(aside), "%s" OVERLAY_AUDIT_ASIDE, name);
	if (renameat(record_fd, name, record_fd, aside) == 0 || errno == ENOENT)
		return 0;
	return overlay_record_set_aside(record_fd, name, err);
}

int overlay_audit_set_aside(int record_fd, enum overlay_audit_ring ring,
			    struct verity_error *err)
{
	struct stat st;
	int r = set_aside(record_fd, overlay_audit_names[ring].old, err);

	if (r == 0)
		r = set_aside(record_fd, overlay_audit_names[ring].log, err);
	if (r == 0 &&
	    fstatat(record_fd, OVERLAY_AUDIT_HEAD, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		r = set_aside(record_fd, OVERLAY_AUDIT_HEAD, err);
	return r;
}

/* @fault: filled where the file is one that this program cannot have written. */
static int load(int record_fd, const char *name, size_t max, char **ret,
		size_t *ret_bytes, struct verity_error *fault, struct verity_error *err)
{
	int r = overlay_record_load(record_fd, name, max, ret, ret_bytes, err);

	if (r == -ENOENT)
		return 0;
	if (!overlay_record_is_damage(r))
		return r;
	verity_fail(fault, VERITY_E_AUDIT, "%s",
		    r == -EFBIG || r == -EINVAL ? "it is not a file of this log"
						: "it cannot be read");
	return 0;
}

int overlay_audit_read(int record_fd, enum overlay_audit_ring ring, uint64_t last,
		       struct overlay_audit_files *ret, struct verity_error *err)
{
	const struct overlay_audit_names *names = &overlay_audit_names[ring];
	cleanup_with(overlay_audit_files_free) struct overlay_audit_files files = {
		.names = names};
	struct verity_error old_fault = {.code = VERITY_OK};
	struct verity_error log_fault = {.code = VERITY_OK};
	struct overlay_audit_link link;
	int r = load(record_fd, names->old, names->bytes_max, &files.old,
		     &files.old_bytes, &old_fault, err);

	if (r == 0)
		r = load(record_fd, names->log, names->bytes_max, &files.log,
			 &files.log_bytes, &log_fault, err);
	if (r < 0)
		return r;
	overlay_audit_scan(files.old, files.old_bytes, NULL, last, &files.old_scan,
			   &files.last_link);
	overlay_audit_scan(files.log, files.log_bytes,
			   files.old_scan.lines ? &files.old_scan.last : NULL, last,
			   &files.scan, &link);
	/* That says nothing of the log. */
	if (files.old_scan.fault.code == VERITY_E_NO_MEMORY ||
	    files.scan.fault.code == VERITY_E_NO_MEMORY)
		return verity_no_memory(err);
	if (link.number)
		files.last_link = link;
	if (old_fault.code != VERITY_OK)
		files.old_scan.fault = old_fault;
	if (log_fault.code != VERITY_OK)
		files.scan.fault = log_fault;
	*ret = files;
	files.old = files.log = NULL;
	return 0;
}

const struct overlay_audit_link *overlay_audit_oldest(
	const struct overlay_audit_files *files)
{
	return files->old_scan.lines ? &files->old_scan.first : &files->scan.first;
}

const struct overlay_audit_link *overlay_audit_newest(
	const struct overlay_audit_files *files)
{
	return files->scan.lines ? &files->scan.last : &files->old_scan.last;
}

static int broken(struct verity_error *err, const char *file, uint64_t line,
		  const char *why)
{
	return verity_fail(err, VERITY_E_AUDIT, "%s, line %" PRIu64 ": %s", file, line,
			   why);
}

static int check_begin(const struct overlay_audit_files *files,
		       const struct overlay_audit_end *end, struct verity_error *err)
{
	static const uint8_t zeros[VERITY_DIGEST_BYTES];
	const struct overlay_audit_link *oldest = overlay_audit_oldest(files);
	const char *name = files->old ? files->names->old : files->names->log;

	if (oldest->number == 0)
		return 0;
	/* The first lines of a ring, and power was cut before the head knew of them. */
	if (end->last == 0)
		return memcmp(oldest->prev, zeros, sizeof(zeros)) == 0
			       ? 0
			       : broken(err, name, 1, "it is not the first of a chain");
	if (oldest->number == end->first || (oldest->number < end->first && files->old))
		return 0;
	return verity_fail(err, VERITY_E_AUDIT,
			   "%s, line 1: number %" PRIu64 ", and %" PRIu64
			   " is the first that was kept: lines were removed%s%s",
			   name, oldest->number, end->first,
			   files->old ? "" : ", or all of ",
			   files->old ? "" : files->names->old);
}

static int check_end(const struct overlay_audit_files *files,
		     const struct overlay_audit_end *end, struct verity_error *err)
{
	const struct overlay_audit_scan *log = &files->scan;
	bool in_log = log->wanted_line > 0;
	uint64_t newest = overlay_audit_newest(files)->number;
	const char *name = files->names->log;

	if (newest < end->last && !files->log)
		return verity_fail(err, VERITY_E_AUDIT,
				   "%s: it is gone, and number %" PRIu64 " was written",
				   name, end->last);
	if (newest < end->last)
		return verity_fail(err, VERITY_E_AUDIT,
				   "%s: it ends with number %" PRIu64
				   ", and number %" PRIu64 " was written",
				   name, newest, end->last);
	if (end->last && files->last_link.number == 0)
		return verity_fail(err, VERITY_E_AUDIT,
				   "%s: number %" PRIu64 ", which was written, is gone",
				   name, end->last);
	if (end->last &&
	    memcmp(files->last_link.digest, end->digest, VERITY_DIGEST_BYTES) != 0)
		return broken(err, in_log ? name : files->names->old,
			      in_log ? log->wanted_line : files->old_scan.wanted_line,
			      "it is not the line that was written");
	return 0;
}

int overlay_audit_check_files(const struct overlay_audit_files *files,
			      const struct overlay_audit_end *end,
			      struct verity_error *err)
{
	const struct overlay_audit_scan *old = &files->old_scan, *log = &files->scan;
	int r;

	/*
	 * The older file, which is only read, has whole lines and nothing else. The newer
	 * one may end with what a power cut left, after the last line that was finished.
	 */
	if (old->fault.code != VERITY_OK)
		return broken(err, files->names->old, old->lines + 1, old->fault.message);
	if (log->fault.code != VERITY_OK &&
	    (!log->torn || overlay_audit_newest(files)->number < end->last))
		return broken(err, files->names->log, log->lines + 1, log->fault.message);
	r = check_begin(files, end, err);
	return r < 0 ? r : check_end(files, end, err);
}
