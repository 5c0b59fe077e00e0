/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "overlay/audit_private.h"
#include "overlay/record.h"
#include "verity/cleanup.h"

#define FILE_BYTES_MAX (OVERLAY_AUDIT_BYTES_MAX + (1 << 20)) /* and one long append */
#define LOCK_WAIT_MS   5000
#define LOCK_STEP_MS   50

static void files_free_p(struct overlay_audit_files *files)
{
	overlay_audit_files_free(files);
}

void overlay_audit_files_free(struct overlay_audit_files *files)
{
	free(files->old);
	free(files->log);
	files->old = files->log = NULL;
}

int overlay_audit_lock(int record_fd, bool shared, int *ret, struct verity_error *err)
{
	cleanup_fd int fd = openat(record_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};

	if (fd < 0)
		return verity_fail_errno(err, errno, "audit log");
	for (int waited = 0; waited < LOCK_WAIT_MS; waited += LOCK_STEP_MS) {
		if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) {
			*ret = steal_fd(&fd);
			return 0;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return verity_fail_errno(err, errno, "audit log");
		nanosleep(&step, NULL);
	}
	return verity_fail(err, VERITY_E_BUSY, "audit log: another program is using it");
}

/* @fault: filled where the file is none that we could have written. */
static int load(int record_fd, const char *name, char **ret, size_t *ret_bytes,
		struct verity_error *fault, struct verity_error *err)
{
	int r = overlay_record_load(record_fd, name, FILE_BYTES_MAX, ret, ret_bytes, err);

	if (r == -ENOENT)
		return 0;
	if (r == -EFBIG || r == -EINVAL) {
		verity_fail(fault, VERITY_E_AUDIT, "it is not a file of this log");
		return 0;
	}
	return r;
}

int overlay_audit_read(int record_fd, uint64_t last, struct overlay_audit_files *ret,
		       struct verity_error *err)
{
	cleanup_with(files_free_p) struct overlay_audit_files files = {.old = NULL};
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

static int broken(struct verity_error *err, const char *file, size_t line,
		  const char *why)
{
	return verity_fail(err, VERITY_E_AUDIT, "%s, line %zu: %s", file, line, why);
}

/* The file that is only read any more holds whole lines and nothing else. */
static int check_old(const struct overlay_audit_files *files, struct verity_error *err)
{
	const struct overlay_audit_scan *scan = &files->old_scan;

	if (scan->fault.code != VERITY_OK)
		return broken(err, OVERLAY_AUDIT_OLD, scan->lines + 1,
			      scan->fault.message);
	if (scan->torn)
		return broken(err, OVERLAY_AUDIT_OLD, scan->lines + 1, "it was cut off");
	return 0;
}

int overlay_audit_check_files(const struct overlay_audit_files *files,
			      const struct overlay_audit_head *head,
			      struct verity_error *err)
{
	const struct overlay_audit_scan *scan = &files->scan;
	const struct overlay_audit_link *oldest =
		files->old_scan.lines ? &files->old_scan.first : &scan->first;
	const struct overlay_audit_link *newest =
		scan->lines ? &scan->last : &files->old_scan.last;
	int r = check_old(files, err);

	if (r < 0)
		return r;
	/* What comes after the last line that was finished is what a power cut left. */
	if (scan->fault.code != VERITY_OK && newest->number < head->last)
		return broken(err, OVERLAY_AUDIT_LOG, scan->lines + 1,
			      scan->fault.message);
	if (newest->number < head->last)
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_LOG ": it ends with number %" PRIu64
						     ", and number %" PRIu64
						     " was written",
				   newest->number, head->last);
	if (head->last && oldest->number > head->first)
		return verity_fail(err, VERITY_E_AUDIT,
				   "the log begins with number %" PRIu64
				   ", and number %" PRIu64 " was kept",
				   oldest->number, head->first);
	if (head->last &&
	    memcmp(files->last_link.digest, head->digest, sizeof(head->digest)) != 0)
		return verity_fail(err, VERITY_E_AUDIT,
				   "number %" PRIu64 " is not the line that was written",
				   head->last);
	return 0;
}
