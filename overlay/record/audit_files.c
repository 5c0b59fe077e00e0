/* SPDX-License-Identifier: MIT */
/* Reads the two files of the audit log and checks them against its head. */
#include "overlay/record/audit_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"

#define FILE_BYTES_MAX (OVERLAY_AUDIT_BYTES_MAX + (1 << 20)) /* and one long append */

void overlay_audit_files_free(struct overlay_audit_files *files)
{
	free(files->old);
	free(files->log);
	files->old = files->log = NULL;
}

const char *overlay_audit_aside(int record_fd)
{
	static const char *const names[] = {OVERLAY_AUDIT_OLD OVERLAY_AUDIT_ASIDE,
					    OVERLAY_AUDIT_LOG OVERLAY_AUDIT_ASIDE,
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
	if (unlinkat(record_fd, aside, 0) < 0)
		(void)unlinkat(record_fd, aside, AT_REMOVEDIR);
	if (renameat(record_fd, name, record_fd, aside) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	return 0;
}

int overlay_audit_set_aside(int record_fd, struct verity_error *err)
{
	struct stat st;
	int r = set_aside(record_fd, OVERLAY_AUDIT_OLD, err);

	if (r == 0)
		r = set_aside(record_fd, OVERLAY_AUDIT_LOG, err);
	if (r == 0 &&
	    fstatat(record_fd, OVERLAY_AUDIT_HEAD, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		r = set_aside(record_fd, OVERLAY_AUDIT_HEAD, err);
	return r;
}

/* @fault: filled where the file is one that this program cannot have written. */
static int load(int record_fd, const char *name, char **ret, size_t *ret_bytes,
		struct verity_error *fault, struct verity_error *err)
{
	int r = overlay_record_load(record_fd, name, FILE_BYTES_MAX, ret, ret_bytes, err);

	if (r == -ENOENT)
		return 0;
	if (r != -EFBIG && r != -EINVAL && r != -EIO)
		return r;
	verity_fail(fault, VERITY_E_AUDIT, "%s",
		    r == -EIO ? "it cannot be read" : "it is not a file of this log");
	return 0;
}

int overlay_audit_read(int record_fd, uint64_t last, struct overlay_audit_files *ret,
		       struct verity_error *err)
{
	cleanup_with(overlay_audit_files_free) struct overlay_audit_files files = {
		.old = NULL};
	struct verity_error old_fault = {.code = VERITY_OK};
	struct verity_error log_fault = {.code = VERITY_OK};
	struct overlay_audit_link link;
	int r = load(record_fd, OVERLAY_AUDIT_OLD, &files.old, &files.old_bytes,
		     &old_fault, err);

	if (r == 0)
		r = load(record_fd, OVERLAY_AUDIT_LOG, &files.log, &files.log_bytes,
			 &log_fault, err);
	if (r < 0)
		return r;
	overlay_audit_scan(files.old, files.old_bytes, NULL, last, &files.old_scan,
			   &files.last_link);
	overlay_audit_scan(files.log, files.log_bytes,
			   files.old_scan.lines ? &files.old_scan.last : NULL, last,
			   &files.scan, &link);
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
		       const struct overlay_audit_head *head, struct verity_error *err)
{
	uint64_t oldest = overlay_audit_oldest(files)->number;

	if (oldest == 0 || oldest == head->first || (oldest < head->first && files->old))
		return 0;
	if (!files->old)
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_LOG
				   ", line 1: number %" PRIu64 ", and %" PRIu64
				   " is the first that was kept: lines were removed, or "
				   "all of " OVERLAY_AUDIT_OLD,
				   oldest, head->first);
	return verity_fail(err, VERITY_E_AUDIT,
			   OVERLAY_AUDIT_OLD ", line 1: number %" PRIu64 ", and %" PRIu64
					     " is the first that was kept: lines were "
					     "removed",
			   oldest, head->first);
}

static int check_end(const struct overlay_audit_files *files, uint64_t last,
		     const uint8_t *digest, struct verity_error *err)
{
	const struct overlay_audit_scan *log = &files->scan;
	bool in_log = log->lines && log->first.number <= last;
	const char *file = in_log ? OVERLAY_AUDIT_LOG : OVERLAY_AUDIT_OLD;
	uint64_t first = in_log ? log->first.number : files->old_scan.first.number;
	uint64_t newest = overlay_audit_newest(files)->number;

	if (newest < last && !files->log)
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_LOG ": it is gone, and number %" PRIu64
						     " was written",
				   last);
	if (newest < last)
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_LOG ": it ends with number %" PRIu64
						     ", and number %" PRIu64
						     " was written",
				   newest, last);
	if (last && memcmp(files->last_link.digest, digest, VERITY_DIGEST_BYTES) != 0)
		return broken(err, file, last - first + 1,
			      "it is not the line that was written");
	return 0;
}

int overlay_audit_check_files(const struct overlay_audit_files *files,
			      const struct overlay_audit_head *head,
			      struct verity_error *err)
{
	/* Number of the line that must be there; 0 before the first of a chain. */
	uint64_t last = head->first <= head->last ? head->last : 0;
	const struct overlay_audit_scan *old = &files->old_scan, *log = &files->scan;
	int r;

	/*
	 * audit.log.1, which is only read, has whole lines and nothing else. audit.log
	 * may end with what a power cut left, after the last line that was finished.
	 */
	if (old->fault.code != VERITY_OK)
		return broken(err, OVERLAY_AUDIT_OLD, old->lines + 1, old->fault.message);
	if (log->fault.code != VERITY_OK &&
	    (!log->torn || overlay_audit_newest(files)->number < last))
		return broken(err, OVERLAY_AUDIT_LOG, log->lines + 1, log->fault.message);
	r = check_begin(files, head, err);
	return r < 0 ? r : check_end(files, last, head->digest, err);
}
