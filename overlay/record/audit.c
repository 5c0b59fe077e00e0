/* SPDX-License-Identifier: MIT */
/* Adds lines to the audit log, and checks it. */
#include "overlay/record/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/record/audit_files.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/io.h"

struct overlay_audit {
	int record_fd; /* borrowed; -1: lines go nowhere */
	size_t max_bytes;
	struct overlay_audit_stamp stamp;
	char *user;
	struct overlay_audit_link last; /* that was added; .number 0: none yet */
};

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

void overlay_audit_free(struct overlay_audit *audit)
{
	if (!audit)
		return;
	free(audit->user);
	free(audit);
}

/* A head that is missing or damaged is one that has counted nothing. */
static int load_head(int record_fd, struct overlay_audit_head *ret, bool *ret_valid,
		     struct verity_error *err)
{
	int r = overlay_audit_head_load(record_fd, ret, err);

	*ret_valid = r == 0;
	if (r < 0)
		*ret = (struct overlay_audit_head){.first = 1};
	return r == -ENOENT || r == -EBADMSG ? 0 : r;
}

int overlay_audit_open(int record_fd, size_t max_bytes, int64_t now, const char *user,
		       struct overlay_audit **ret, struct verity_error *err)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		calloc(1, sizeof(*audit));
	struct overlay_audit_head head = {.first = 1};
	bool valid;
	int r = 0;

	if (!audit || !(audit->user = strdup(user)))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (record_fd >= 0)
		r = load_head(record_fd, &head, &valid, err);
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

uint64_t overlay_audit_last(const struct overlay_audit *audit,
			    char ret_digest[static 2 * VERITY_DIGEST_BYTES + 1])
{
	ret_digest[0] = '\0';
	if (audit->last.number)
		verity_hex_encode(audit->last.digest, sizeof(audit->last.digest),
				  ret_digest);
	return audit->last.number;
}

/* One append. */
struct append {
	struct overlay_audit *audit;
	struct overlay_audit_head head;
	bool headless;                  /* there is no head yet */
	struct overlay_audit_link last; /* of what is in the log */
	uint64_t log_first;             /* number of the first line of audit.log */
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

/* The first line of a chain that is not the first one says so. */
static int add_broken(struct append *append, const struct verity_error *why,
		      struct verity_error *err)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_BROKEN,
						  .reason = why};

	return add_line(append, &entry, err);
}

/*
 * Files that were changed are kept for an investigation, and a new chain begins, which
 * says so. The numbers go on, so that no two lines of a device have the same.
 */
static int begin_chain(struct append *append, const struct verity_error *why,
		       struct verity_error *err)
{
	int record_fd = append->audit->record_fd;
	uint64_t last = append->last.number > append->head.last ? append->last.number
								: append->head.last;
	int r = overlay_audit_set_aside(record_fd, err);

	if (r < 0)
		return r;
	if (last >= OVERLAY_AUDIT_NUMBER_MAX)
		last = 0;
	append->log_bytes = 0;
	append->log_first = last + 1;
	append->last = (struct overlay_audit_link){.number = last};
	append->head = (struct overlay_audit_head){
		.boot = append->head.boot, .first = last + 1, .last = last};
	/* Or the next program would take what comes now for one more break. */
	r = overlay_audit_head_store(record_fd, &append->head, err);
	append->headless = false;
	return r < 0 ? r : add_broken(append, why, err);
}

/* Every line that the head knows is there; newer ones may follow. */
static int continue_chain(struct append *append, const struct overlay_audit_files *files,
			  struct verity_error *err)
{
	struct verity_error why = {.code = VERITY_OK};

	append->log_bytes = files->scan.good_bytes;
	append->log_first =
		files->scan.lines ? files->scan.first.number : append->last.number + 1;
	if (overlay_audit_newest(files)->number) {
		append->head.last = append->last.number;
		memcpy(append->head.digest, append->last.digest,
		       sizeof(append->head.digest));
		return 0;
	}
	/* The power was cut between the end of one chain and the first line of this. */
	if (!overlay_audit_aside(append->audit->record_fd))
		return 0;
	verity_fail(&why, VERITY_E_AUDIT, "what was there before was set aside");
	return add_broken(append, &why, err);
}

/* Read what is there; begin a new chain where that was changed. */
static int take_files(struct append *append, bool new_boot, struct verity_error *err)
{
	cleanup_with(overlay_audit_files_free) struct overlay_audit_files files = {
		.old = NULL};
	struct verity_error why = {.code = VERITY_OK};
	int record_fd = append->audit->record_fd;
	uint64_t boot;
	bool valid;
	int r = load_head(record_fd, &append->head, &valid, &why);

	if (r == 0)
		r = overlay_audit_read(record_fd, append->head.last, &files, err);
	else if (err)
		*err = why;
	if (r < 0)
		return r;
	append->last = *overlay_audit_newest(&files);
	if (append->last.number == 0)
		append->last.number = append->head.last;
	/* No number twice, also where the log or the head was set back. */
	boot = append->last.boot > append->head.boot ? append->last.boot
						     : append->head.boot;
	if (new_boot)
		boot = boot < OVERLAY_AUDIT_NUMBER_MAX ? boot + 1 : 1;
	append->head.boot = append->audit->stamp.boot = boot;
	append->headless = !valid;
	if (!valid && why.code == VERITY_E_NOT_FOUND && (files.old || files.log))
		verity_fail(&why, VERITY_E_AUDIT, OVERLAY_AUDIT_HEAD ": it is gone");
	if (valid || why.code == VERITY_E_NOT_FOUND)
		why.code = VERITY_OK;
	if (why.code == VERITY_OK &&
	    overlay_audit_check_files(&files, &append->head, &why) == 0)
		return continue_chain(append, &files, err);
	return begin_chain(append, &why, err);
}

/* What a power cut left of a line is removed first, durably: no line is mixed with it. */
static int open_log(const struct append *append, int *ret, struct verity_error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	int r = verity_io_open(append->audit->record_fd, OVERLAY_AUDIT_LOG,
			       O_WRONLY | O_CREAT | O_NOFOLLOW, &fd, &st, err);

	if (r < 0)
		return r;
	if (st.st_size != (off_t)append->log_bytes &&
	    (ftruncate(fd, (off_t)append->log_bytes) < 0 || fsync(fd) < 0))
		return verity_fail_errno(err, errno, OVERLAY_AUDIT_LOG);
	*ret = steal_fd(&fd);
	return 0;
}

/*
 * audit.log becomes audit.log.1, with whole lines only. The head first learns that the
 * older file is not needed any more: then no power cut makes it look as if that had been
 * taken away.
 */
static int rotate(struct append *append, struct verity_error *err)
{
	int record_fd = append->audit->record_fd;
	cleanup_fd int fd = -1;
	int r = open_log(append, &fd, err);

	if (r < 0)
		return r;
	if (fsync(fd) < 0)
		return verity_fail_errno(err, errno, OVERLAY_AUDIT_LOG);
	append->head.first = append->log_first;
	r = overlay_audit_head_store(record_fd, &append->head, err);
	if (r < 0)
		return r;
	if (renameat(record_fd, OVERLAY_AUDIT_LOG, record_fd, OVERLAY_AUDIT_OLD) < 0 ||
	    fsync(record_fd) < 0)
		return verity_fail_errno(err, errno, OVERLAY_AUDIT_LOG);
	append->log_bytes = 0;
	return 0;
}

static int store(struct append *append, struct verity_error *err)
{
	int record_fd = append->audit->record_fd;
	cleanup_fd int fd = -1;
	int r = 0;

	/* A head comes before the first line: a log without one was tampered with. */
	if (append->headless)
		r = overlay_audit_head_store(record_fd, &append->head, err);
	if (r == 0 && append->log_bytes > 0 &&
	    append->log_bytes + append->text_bytes > append->audit->max_bytes)
		r = rotate(append, err);
	if (r == 0)
		r = open_log(append, &fd, err);
	if (r < 0)
		return r;
	r = verity_io_write(fd, append->text, append->text_bytes, append->log_bytes, err);
	if (r == 0 && fsync(fd) < 0)
		r = verity_fail_errno(err, errno, OVERLAY_AUDIT_LOG);
	/* Nothing is left of lines that could not all be written. */
	if (r < 0 && ftruncate(fd, (off_t)append->log_bytes) < 0)
		return verity_context(err, r, OVERLAY_AUDIT_LOG);
	if (r < 0)
		return r;
	append->head.last = append->last.number;
	memcpy(append->head.digest, append->last.digest, sizeof(append->head.digest));
	r = overlay_audit_head_store(record_fd, &append->head, err);
	if (r == 0)
		append->audit->last = append->last;
	return r;
}

static int add_lines(struct overlay_audit *audit,
		     const struct overlay_audit_entry *entries, size_t count,
		     bool new_boot, struct verity_error *err)
{
	cleanup_with(append_free_p) struct append append = {.audit = audit};
	cleanup_fd int lock = -1;
	int r;

	if (audit->record_fd < 0 || count == 0)
		return 0;
	r = overlay_record_lock(audit->record_fd, "audit log", false, &lock, err);
	if (r == 0)
		r = take_files(&append, new_boot, err);
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

int overlay_audit_verify(int record_fd, struct overlay_audit_check *ret,
			 struct verity_error *err)
{
	cleanup_with(overlay_audit_files_free) struct overlay_audit_files files = {
		.old = NULL};
	cleanup_fd int lock = -1;
	struct overlay_audit_head head = {.boot = 0};
	const char *aside;
	int r = overlay_record_lock(record_fd, "audit log", true, &lock, err);

	if (r < 0)
		return r;
	aside = overlay_audit_aside(record_fd);
	r = overlay_audit_head_load(record_fd, &head, err);
	if (r == -ENOENT &&
	    (aside ||
	     faccessat(record_fd, OVERLAY_AUDIT_LOG, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	     faccessat(record_fd, OVERLAY_AUDIT_OLD, F_OK, AT_SYMLINK_NOFOLLOW) == 0))
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_HEAD ": it is gone");
	if (r == 0)
		r = overlay_audit_read(record_fd, head.last, &files, err);
	if (r == 0)
		r = overlay_audit_check_files(&files, &head, err);
	/* A break that was noticed stays one until its files are taken away. */
	if (r == 0 && aside)
		r = verity_fail(err, VERITY_E_AUDIT,
				"the log was damaged: the damaged file is kept as %s, "
				"and this is reported until that file is deleted",
				aside);
	if (r < 0)
		return r;
	ret->lines = files.old_scan.lines + files.scan.lines;
	ret->first = overlay_audit_oldest(&files)->number;
	ret->last = overlay_audit_newest(&files)->number;
	return 0;
}
