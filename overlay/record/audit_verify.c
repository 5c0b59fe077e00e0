/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>

#include "overlay/record/audit_private.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"

static void files_free_p(struct overlay_audit_files *files)
{
	overlay_audit_files_free(files);
}

static bool exists(int record_fd, const char *name)
{
	return faccessat(record_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool exists_any(int record_fd)
{
	return exists(record_fd, OVERLAY_AUDIT_LOG) ||
	       exists(record_fd, OVERLAY_AUDIT_OLD) || overlay_audit_aside(record_fd);
}

/* A break that has been noticed stays one until somebody has taken it away. */
static int check_aside(int record_fd, struct verity_error *err)
{
	const char *name = overlay_audit_aside(record_fd);

	if (!name)
		return 0;
	return verity_fail(err, VERITY_E_AUDIT,
			   "the log was broken once, and what it was is kept in %s until "
			   "that is taken away",
			   name);
}

int overlay_audit_verify(int record_fd, struct overlay_audit_check *ret,
			 struct verity_error *err)
{
	cleanup_with(files_free_p) struct overlay_audit_files files = {.old = NULL};
	cleanup_fd int lock = -1;
	struct overlay_audit_head head = {.boot = 0};
	int r = overlay_record_lock(record_fd, "audit log", true, &lock, err);

	if (r < 0)
		return r;
	r = overlay_audit_head_load(record_fd, &head, err);
	if (r == -ENOENT && exists_any(record_fd))
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_HEAD ": it is gone");
	if (r == 0)
		r = overlay_audit_read(record_fd, head.last, &files, err);
	if (r == 0)
		r = overlay_audit_check_files(&files, &head, err);
	if (r == 0)
		r = check_aside(record_fd, err);
	if (r < 0)
		return r;
	ret->lines = files.old_scan.lines + files.scan.lines;
	ret->first = overlay_audit_oldest(&files)->number;
	ret->last = overlay_audit_newest(&files)->number;
	return 0;
}
