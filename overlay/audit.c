/* SPDX-License-Identifier: MIT */
#include "overlay/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/audit_private.h"
#include "overlay/record.h"
#include "verity/cleanup.h"
#include "verity/io.h"

struct overlay_audit {
	int record_fd; /* borrowed; -1: lines go nowhere */
	size_t max_bytes;
	struct overlay_audit_stamp stamp;
	char *user;
};

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

static void files_free_p(struct overlay_audit_files *files)
{
	overlay_audit_files_free(files);
}

void overlay_audit_free(struct overlay_audit *audit)
{
	if (!audit)
		return;
	free(audit->user);
	free(audit);
}

/* A head that is not there, or that says nothing, is one that has counted nothing. */
static int load_head(int record_fd, struct overlay_audit_head *ret, bool *ret_sound,
		     struct verity_error *err)
{
	int r = overlay_audit_head_load(record_fd, ret, err);

	*ret_sound = r == 0;
	if (r < 0)
		*ret = (struct overlay_audit_head){.boot = 0};
	return r == -ENOENT || r == -EBADMSG ? 0 : r;
}

int overlay_audit_open(int record_fd, size_t max_bytes, int64_t now, const char *user,
		       struct overlay_audit **ret, struct verity_error *err)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		calloc(1, sizeof(*audit));
	struct overlay_audit_head head = {.boot = 0};
	bool sound;
	int r = 0;

	if (!audit || !(audit->user = strdup(user)))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (record_fd >= 0)
		r = load_head(record_fd, &head, &sound, err);
	if (r < 0)
		return r;
	audit->record_fd = record_fd;
	audit->max_bytes = max_bytes;
	audit->stamp = (struct overlay_audit_stamp){head.boot, now, audit->user};
	*ret = steal_ptr(&audit);
	return 0;
}

uint64_t overlay_audit_boot(const struct overlay_audit *audit)
{
	return audit->stamp.boot;
}

/* One append, from what is there to what is to be there. */
struct append {
	struct overlay_audit *audit;
	struct overlay_audit_head head;
	struct overlay_audit_link last; /* of what is in the log */
	size_t log_bytes;               /* whole lines in audit.log */
	char *text;                     /* owned: the new lines */
	size_t text_bytes;
};

static void append_free_p(struct append *append)
{
	free(append->text);
}

static int add_line(struct append *append, const struct overlay_audit_entry *entry,
		    struct verity_error *err)
{
	char line[OVERLAY_AUDIT_LINE_MAX + 1];
	size_t size;
	char *grown;
	int r = overlay_audit_line_encode(entry, &append->audit->stamp, &append->last,
					  line, &append->last, err);

	if (r < 0)
		return r;
	size = strlen(line);
	grown = realloc(append->text, append->text_bytes + size);
	if (!grown)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	memcpy(grown + append->text_bytes, line, size);
	append->text = grown;
	append->text_bytes += size;
	return 0;
}

static int move(int record_fd, const char *from, const char *to, struct verity_error *err)
{
	if (renameat(record_fd, from, record_fd, to) < 0 && errno != ENOENT)
		return verity_fail_errno(err, errno, "%s", from);
	return 0;
}

/* What somebody changed is kept for whoever looks into it; a new chain tells of it. */
static int begin_anew(struct append *append, const struct verity_error *why,
		      struct verity_error *err)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_BROKEN,
						  .reason = why};
	int record_fd = append->audit->record_fd;
	uint64_t last = append->last.number > append->head.last ? append->last.number
								: append->head.last;
	int r = move(record_fd, OVERLAY_AUDIT_OLD, OVERLAY_AUDIT_OLD OVERLAY_AUDIT_ASIDE,
		     err);

	if (r == 0)
		r = move(record_fd, OVERLAY_AUDIT_LOG,
			 OVERLAY_AUDIT_LOG OVERLAY_AUDIT_ASIDE, err);
	if (r < 0)
		return r;
	append->log_bytes = 0;
	append->last = (struct overlay_audit_link){.number = last};
	append->head = (struct overlay_audit_head){.boot = append->head.boot};
	/* Or the next program would take what comes now for one more break. */
	r = overlay_audit_head_store(record_fd, &append->head, err);
	append->head.first = last + 1;
	return r < 0 ? r : add_line(append, &entry, err);
}

static int take_files(struct append *append, struct verity_error *err)
{
	cleanup_with(files_free_p) struct overlay_audit_files files = {.old = NULL};
	struct verity_error why = {.code = VERITY_OK};
	int record_fd = append->audit->record_fd;
	bool sound;
	int r = load_head(record_fd, &append->head, &sound, err);

	if (r == 0)
		r = overlay_audit_read(record_fd, append->head.last, &files, err);
	if (r < 0)
		return r;
	append->last = files.scan.lines ? files.scan.last : files.old_scan.last;
	append->log_bytes = files.scan.good_bytes;
	if (!sound && (files.old || files.log))
		verity_fail(&why, VERITY_E_AUDIT,
			    OVERLAY_AUDIT_HEAD ": it is gone, or was changed");
	else if (overlay_audit_check_files(&files, &append->head, &why) == 0)
		why.code = VERITY_OK;
	if (why.code != VERITY_OK)
		return begin_anew(append, &why, err);
	if (append->head.first > 0)
		return 0;
	append->head.first = append->last.number + 1;
	if (files.scan.lines)
		append->head.first = files.scan.first.number;
	if (files.old_scan.lines)
		append->head.first = files.old_scan.first.number;
	return 0;
}

/*
 * The head first learns that the older file is not needed any more: then no power cut
 * makes it look as if somebody had taken that away.
 */
static int rotate(struct append *append, struct verity_error *err)
{
	int record_fd = append->audit->record_fd;
	struct overlay_audit_files files;
	int r = overlay_audit_read(record_fd, append->head.last, &files, err);

	if (r < 0)
		return r;
	if (files.scan.lines)
		append->head.first = files.scan.first.number;
	overlay_audit_files_free(&files);
	r = overlay_audit_head_store(record_fd, &append->head, err);
	if (r == 0)
		r = move(record_fd, OVERLAY_AUDIT_LOG, OVERLAY_AUDIT_OLD, err);
	append->log_bytes = 0;
	return r;
}

static int write_lines(struct append *append, struct verity_error *err)
{
	cleanup_fd int fd = openat(append->audit->record_fd, OVERLAY_AUDIT_LOG,
				   O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return verity_fail_errno(err, errno, OVERLAY_AUDIT_LOG);
	/* A line that the power was cut in goes first. */
	if (ftruncate(fd, (off_t)append->log_bytes) < 0)
		return verity_fail_errno(err, errno, OVERLAY_AUDIT_LOG);
	r = verity_io_write(fd, append->text, append->text_bytes, append->log_bytes, err);
	if (r == 0 && fsync(fd) < 0)
		r = verity_fail_errno(err, errno, OVERLAY_AUDIT_LOG);
	return r;
}

static int store(struct append *append, struct verity_error *err)
{
	int record_fd = append->audit->record_fd;
	int r = 0;

	/* A head comes before the first line: a log without one was tampered with. */
	if (append->head.last == 0)
		r = overlay_audit_head_store(
			record_fd,
			&(struct overlay_audit_head){.boot = append->head.boot}, err);
	if (r == 0 && append->log_bytes > 0 &&
	    append->log_bytes + append->text_bytes > append->audit->max_bytes)
		r = rotate(append, err);
	if (r == 0)
		r = write_lines(append, err);
	if (r < 0)
		return r;
	append->head.last = append->last.number;
	memcpy(append->head.digest, append->last.digest, sizeof(append->head.digest));
	return overlay_audit_head_store(record_fd, &append->head, err);
}

static int add_lines(struct overlay_audit *audit,
		     const struct overlay_audit_entry *entries, size_t count, bool boot,
		     struct verity_error *err)
{
	cleanup_with(append_free_p) struct append append = {.audit = audit};
	cleanup_fd int lock = -1;
	int r;

	if (audit->record_fd < 0 || count == 0)
		return 0;
	r = overlay_audit_lock(audit->record_fd, false, &lock, err);
	if (r < 0)
		return r;
	/* The number of this boot is needed before the first line is made. */
	if (boot) {
		bool sound;

		r = load_head(audit->record_fd, &append.head, &sound, err);
		if (r < 0)
			return r;
		audit->stamp.boot = append.head.boot + 1;
	}
	r = take_files(&append, err);
	append.head.boot = audit->stamp.boot;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_line(&append, &entries[i], err);
	return r < 0 ? r : store(&append, err);
}

int overlay_audit_begin_boot(struct overlay_audit *audit, struct verity_error *err)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_BOOT};
	int r = add_lines(audit, &entry, 1, true, err);

	return r < 0 ? verity_context(err, r, "audit log") : 0;
}

int overlay_audit_append(struct overlay_audit *audit,
			 const struct overlay_audit_entry *entries, size_t count,
			 struct verity_error *err)
{
	int r = add_lines(audit, entries, count, false, err);

	return r < 0 ? verity_context(err, r, "audit log") : 0;
}
