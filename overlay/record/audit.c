/* SPDX-License-Identifier: MIT */
/* Adds lines to the audit log, and checks it. */
#include "overlay/record/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "overlay/record/audit_files.h"
#include "overlay/record/record.h"
#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/io.h"

_Static_assert(OVERLAY_AUDIT_RINGS == OVERLAY_AUDIT_RINGS_MAX, "a check has all rings");

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
		*ret = (struct overlay_audit_head){.boot = 0};
	return r == -ENOENT || r == -EBADMSG ? 0 : r;
}

int overlay_audit_open(int record_fd, size_t max_bytes, int64_t now, const char *user,
		       struct overlay_audit **ret, struct verity_error *err)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		calloc(1, sizeof(*audit));
	struct overlay_audit_head head = {.boot = 0};
	bool valid;
	int r = 0;

	if (!audit || !(audit->user = strdup(user)))
		return verity_no_memory(err);
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

/* What one append does in one ring. */
struct ring {
	struct overlay_audit_files files; /* as they were before */
	struct overlay_audit_link last;   /* of what is in the ring, or is added to it */
	struct overlay_audit_link stored; /* of what is in the newer file */
	uint64_t log_first;               /* number of the first line of the newer file */
	size_t log_lines, log_bytes;      /* whole lines in the newer file */
	size_t old_lines;                 /* in the older one, as far as they counted */
	struct overlay_audit_link old_last;
	char *text; /* owned: the new lines */
	size_t text_bytes;
	size_t max_bytes; /* of each of the two files */
};

/* One append. */
struct append {
	struct overlay_audit *audit;
	struct overlay_audit_head head;
	struct overlay_audit_head before; /* without what is still to be written */
	bool headless;                    /* there is no head yet */
	struct ring rings[OVERLAY_AUDIT_RINGS];
};

static void append_free_p(struct append *append)
{
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++) {
		overlay_audit_files_free(&append->rings[i].files);
		free(append->rings[i].text);
	}
}

/* What a boot finds is as much as the stores have; what is done is worth more. */
static enum overlay_audit_ring ring_of(enum overlay_audit_event event, bool of_boot)
{
	switch (event) {
	case OVERLAY_AUDIT_BOOT:
	case OVERLAY_AUDIT_ACTIVATE:
	case OVERLAY_AUDIT_QUARANTINE:
		return OVERLAY_AUDIT_BOOTS;
	case OVERLAY_AUDIT_REFUSE:
		return of_boot ? OVERLAY_AUDIT_BOOTS : OVERLAY_AUDIT_REFUSALS;
	case OVERLAY_AUDIT_REPEAT:
		return OVERLAY_AUDIT_REFUSALS;
	default:
		return OVERLAY_AUDIT_CHANGES;
	}
}

static int put_text(struct append *append, enum overlay_audit_ring which,
		    const char *line, const struct overlay_audit_link *link,
		    struct verity_error *err)
{
	struct ring *ring = &append->rings[which];
	size_t size = strlen(line);
	char *grown = realloc(ring->text, ring->text_bytes + size);

	if (!grown)
		return verity_no_memory(err);
	memcpy(grown + ring->text_bytes, line, size);
	ring->text = grown;
	ring->text_bytes += size;
	ring->last = *link;
	append->head.last = link->number;
	return 0;
}

static int add_line(struct append *append, enum overlay_audit_ring which,
		    const struct overlay_audit_entry *entry, struct verity_error *err)
{
	char line[OVERLAY_AUDIT_LINE_MAX + 1];
	struct overlay_audit_link link;
	int r = overlay_audit_line_encode(entry, &append->audit->stamp,
					  append->head.last + 1,
					  &append->rings[which].last, line, &link, err);

	return r < 0 ? r : put_text(append, which, line, &link, err);
}

/* The first line after a break says so. */
static int add_broken(struct append *append, const struct verity_error *why,
		      struct verity_error *err)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_BROKEN,
						  .reason = why};

	return add_line(append, OVERLAY_AUDIT_CHANGES, &entry, err);
}

/* What was only counted becomes a line with the next one that is written. */
static int add_counted(struct append *append, bool repeats, struct verity_error *err)
{
	time_t last = append->head.repeats_time;
	char until[32], detail[64];
	struct tm tm;
	struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_LOST,
					    .count = append->head.lost};
	int r = 0;

	if (append->head.lost)
		r = add_line(append, OVERLAY_AUDIT_CHANGES, &entry, err);
	if (r < 0)
		return r;
	append->head.lost = 0;
	if (!repeats || !append->head.repeats)
		return 0;
	if (!gmtime_r(&last, &tm) ||
	    !strftime(until, sizeof(until), "%Y-%m-%d %H:%M:%S UTC", &tm))
		strcpy(until, "?");
	snprintf(detail, sizeof(detail), "refusals as before, until %s", until);
	entry = (struct overlay_audit_entry){.event = OVERLAY_AUDIT_REPEAT,
					     .count = append->head.repeats,
					     .detail = detail};
	r = add_line(append, OVERLAY_AUDIT_REFUSALS, &entry, err);
	append->head.repeats = 0;
	append->head.repeats_time = 0;
	return r;
}

/* Whether @bytes have a line of this boot that says the same as @line. */
static bool has_line(const char *bytes, size_t size, const char *line, uint64_t boot)
{
	struct overlay_audit_link link;
	const char *end;

	for (; size && (end = memchr(bytes, '\n', size)); bytes = end + 1) {
		size_t length = (size_t)(end - bytes);

		size -= length + 1;
		if (overlay_audit_line_same(bytes, length, line, strlen(line)) &&
		    overlay_audit_line_decode(bytes, length, &link, NULL) == 0 &&
		    link.boot == boot)
			return true;
	}
	return false;
}

/* A program that tries the same again and again adds to a number, and to no file. */
static int add_refusal(struct append *append, const struct overlay_audit_entry *entry,
		       struct verity_error *err)
{
	struct ring *ring = &append->rings[OVERLAY_AUDIT_REFUSALS];
	const struct overlay_audit_stamp *stamp = &append->audit->stamp;
	char line[OVERLAY_AUDIT_LINE_MAX + 1];
	struct overlay_audit_link link;
	int r = overlay_audit_line_encode(entry, stamp, append->head.last + 1,
					  &ring->last, line, &link, err);

	if (r < 0)
		return r;
	if (has_line(ring->files.old, ring->files.old_bytes, line, stamp->boot) ||
	    has_line(ring->files.log, ring->files.log_bytes, line, stamp->boot) ||
	    has_line(ring->text, ring->text_bytes, line, stamp->boot)) {
		append->head.repeats++;
		append->head.repeats_time = stamp->time;
		return 0;
	}
	r = add_counted(append, true, err);
	return r < 0 ? r : add_line(append, OVERLAY_AUDIT_REFUSALS, entry, err);
}

/*
 * Files that were changed are kept for an investigation, and a new chain begins. The
 * numbers go on, so that no two lines of a device have the same.
 */
static int begin_chain(struct append *append, enum overlay_audit_ring which,
		       struct verity_error *err)
{
	struct ring *ring = &append->rings[which];
	int r = overlay_audit_set_aside(append->audit->record_fd, which, err);

	if (r < 0)
		return r;
	overlay_audit_files_free(&ring->files);
	ring->files = (struct overlay_audit_files){.old = NULL};
	ring->log_bytes = ring->log_lines = ring->old_lines = 0;
	ring->log_first = 0;
	ring->last = ring->stored = (struct overlay_audit_link){.number = 0};
	append->head.rings[which] = (struct overlay_audit_end){.first = 0};
	return 0;
}

/* Every line that the head knows is there; newer ones may follow. */
static void continue_chain(struct append *append, enum overlay_audit_ring which)
{
	struct overlay_audit_end *end = &append->head.rings[which];
	struct ring *ring = &append->rings[which];
	const struct overlay_audit_files *files = &ring->files;
	const struct overlay_audit_scan *old = &files->old_scan;

	ring->last = ring->stored = *overlay_audit_newest(files);
	ring->log_bytes = files->scan.good_bytes;
	ring->log_lines = files->scan.lines;
	ring->log_first = files->scan.first.number;
	if (old->lines && old->last.number >= end->first) {
		ring->old_lines = old->lines;
		ring->old_last = old->last;
	}
	if (!ring->last.number)
		return;
	if (end->last == 0)
		end->first = overlay_audit_oldest(files)->number;
	end->last = ring->last.number;
	memcpy(end->digest, ring->last.digest, sizeof(end->digest));
}

/* What the last completed boot knew of the log; number 0 where that is damaged. */
static int load_mark(int record_fd, struct overlay_trials *ret, struct verity_error *err)
{
	int r = overlay_trials_load(record_fd, ret, err);

	return overlay_record_is_damage(r) ? 0 : r;
}

/* It must still be there, unless it was dropped. */
static int check_mark(const struct overlay_trials *mark,
		      const struct overlay_audit_files *files, uint64_t newest,
		      struct verity_error *err)
{
	char digest[2 * VERITY_DIGEST_BYTES + 1];

	if (!mark->audit_number)
		return 0;
	if (newest < mark->audit_number)
		return verity_fail(err, VERITY_E_AUDIT,
				   "the log ends with number %" PRIu64
				   ", and number %" PRIu64
				   " was there when a boot was completed",
				   newest, mark->audit_number);
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++) {
		struct overlay_audit_scan unused;
		struct overlay_audit_link link;

		overlay_audit_scan(files[i].old, files[i].old_bytes, NULL,
				   mark->audit_number, &unused, &link);
		if (!link.number)
			overlay_audit_scan(files[i].log, files[i].log_bytes, NULL,
					   mark->audit_number, &unused, &link);
		verity_hex_encode(link.digest, sizeof(link.digest), digest);
		if (link.number && strcmp(digest, mark->audit_digest) != 0)
			return verity_fail(err, VERITY_E_AUDIT,
					   "number %" PRIu64
					   " is not the line that was there when a boot "
					   "was completed",
					   link.number);
	}
	return 0;
}

/* The numbers of what is there: none is used twice, also where the head was set back. */
static int read_rings(struct append *append, uint64_t *ret_boot, struct verity_error *err)
{
	int record_fd = append->audit->record_fd;
	int r = 0;

	*ret_boot = append->head.boot;
	for (size_t i = 0; r == 0 && i < OVERLAY_AUDIT_RINGS; i++) {
		struct ring *ring = &append->rings[i];
		const struct overlay_audit_link *newest;

		ring->max_bytes =
			append->audit->max_bytes / 4 * overlay_audit_names[i].shares;
		r = overlay_audit_read(record_fd, (enum overlay_audit_ring)i,
				       append->head.rings[i].last, &ring->files, err);
		if (r < 0)
			break;
		newest = overlay_audit_newest(&ring->files);
		if (newest->number > append->head.last)
			append->head.last = newest->number;
		if (newest->boot > *ret_boot)
			*ret_boot = newest->boot;
	}
	if (append->head.last >= OVERLAY_AUDIT_NUMBER_MAX)
		append->head.last = 0;
	return r;
}

static bool has_files(const struct append *append)
{
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		if (append->rings[i].files.old || append->rings[i].files.log)
			return true;
	return false;
}

/* Read what is there; begin a new chain where that was changed. */
static int take_files(struct append *append, bool new_boot, struct verity_error *err)
{
	cleanup_with(overlay_trials_free) struct overlay_trials mark = {0};
	struct overlay_audit_files files[OVERLAY_AUDIT_RINGS];
	struct verity_error why = {.code = VERITY_OK}, whole = {.code = VERITY_OK};
	int record_fd = append->audit->record_fd;
	uint64_t boot;
	bool valid, begun = false;
	int r = load_head(record_fd, &append->head, &valid, &whole);

	if (r < 0) {
		if (err)
			*err = whole;
		return r;
	}
	append->headless = !valid;
	r = read_rings(append, &boot, err);
	if (r == 0)
		r = load_mark(record_fd, &mark, err);
	if (r < 0)
		return r;
	if (new_boot)
		boot = boot < OVERLAY_AUDIT_NUMBER_MAX ? boot + 1 : 1;
	append->head.boot = append->audit->stamp.boot = boot;
	/* @whole: why nothing of it can be believed. */
	if (!valid && whole.code == VERITY_E_NOT_FOUND && has_files(append))
		verity_fail(&whole, VERITY_E_AUDIT, OVERLAY_AUDIT_HEAD ": it is gone");
	else if (valid || whole.code == VERITY_E_NOT_FOUND)
		whole.code = VERITY_OK;
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		files[i] = append->rings[i].files;
	if (whole.code == VERITY_OK)
		(void)!check_mark(&mark, files, append->head.last, &whole);
	if (append->head.last < mark.audit_number)
		append->head.last = mark.audit_number;
	append->before = append->head;
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++) {
		why.code = VERITY_OK;
		if (whole.code == VERITY_OK &&
		    overlay_audit_check_files(&append->rings[i].files,
					      &append->head.rings[i], &why) == 0) {
			continue_chain(append, (enum overlay_audit_ring)i);
			append->before.rings[i] = append->head.rings[i];
			continue;
		}
		r = begin_chain(append, (enum overlay_audit_ring)i, err);
		append->before.rings[i] = append->head.rings[i];
		/* Or the next program would take what comes now for one more break. */
		if (r == 0)
			r = overlay_audit_head_store(record_fd, &append->before, err);
		append->headless = false;
		if (r == 0 && (whole.code == VERITY_OK || !begun))
			r = add_broken(append, whole.code != VERITY_OK ? &whole : &why,
				       err);
		begun = true;
		if (r < 0)
			return r;
	}
	if (begun || append->rings[OVERLAY_AUDIT_CHANGES].last.number ||
	    !overlay_audit_aside(record_fd))
		return 0;
	/* The power was cut between the end of one chain and the first line of this. */
	verity_fail(&why, VERITY_E_AUDIT, "what was there before was set aside");
	return add_broken(append, &why, err);
}

/* What a power cut left of a line is removed first, durably: no line is mixed with it. */
static int open_log(const struct append *append, enum overlay_audit_ring which, int *ret,
		    struct verity_error *err)
{
	const struct ring *ring = &append->rings[which];
	const char *name = overlay_audit_names[which].log;
	cleanup_fd int fd = -1;
	struct stat st;
	int r = verity_io_open(append->audit->record_fd, name,
			       O_WRONLY | O_CREAT | O_NOFOLLOW, &fd, &st, err);

	if (r == -EPERM) {
		overlay_record_unprotect(append->audit->record_fd, name);
		r = verity_io_open(append->audit->record_fd, name,
				   O_WRONLY | O_CREAT | O_NOFOLLOW, &fd, &st, err);
	}
	if (r < 0)
		return r;
	if (st.st_size != (off_t)ring->log_bytes &&
	    (ftruncate(fd, (off_t)ring->log_bytes) < 0 || fsync(fd) < 0))
		return verity_fail_errno(err, errno, "%s", name);
	/* All the space that it may take: others that fill the volume keep no line out.
	 */
	if (ring->log_bytes == 0)
		(void)!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)ring->max_bytes);
	*ret = steal_fd(&fd);
	return 0;
}

/*
 * The newer file becomes the older one, with whole lines only. The head first learns that
 * the older one is not needed any more: then no power cut makes it look as if that had
 * been taken away.
 */
static int rotate(struct append *append, enum overlay_audit_ring which,
		  struct verity_error *err)
{
	const struct overlay_audit_names *names = &overlay_audit_names[which];
	struct overlay_audit_end *end = &append->head.rings[which];
	struct ring *ring = &append->rings[which];
	int record_fd = append->audit->record_fd;
	cleanup_fd int fd = -1;
	int r = open_log(append, which, &fd, err);

	if (r < 0)
		return r;
	if (fsync(fd) < 0)
		return verity_fail_errno(err, errno, "%s", names->log);
	end->first = ring->log_first;
	end->last = ring->stored.number;
	memcpy(end->digest, ring->stored.digest, sizeof(end->digest));
	if (ring->old_lines) {
		end->dropped += ring->old_lines;
		end->dropped_last = ring->old_last.number;
		end->dropped_time = ring->old_last.time;
	}
	/* Not yet of the lines that are still to be written. */
	append->before.rings[which] = *end;
	if (append->before.last < ring->stored.number)
		append->before.last = ring->stored.number;
	r = overlay_audit_head_store(record_fd, &append->before, err);
	if (r < 0)
		return r;
	append->headless = false;
	overlay_record_unprotect(record_fd, names->old);
	if (renameat(record_fd, names->log, record_fd, names->old) < 0 ||
	    fsync(record_fd) < 0)
		return verity_fail_errno(err, errno, "%s", names->log);
	ring->old_lines = ring->log_lines;
	ring->old_last = ring->stored;
	ring->log_bytes = ring->log_lines = 0;
	return 0;
}

/* As many of the lines at @text as a file can still take; 0: not one. */
static size_t fit(const struct ring *ring, const char *text, size_t size)
{
	size_t taken = 0;

	while (taken < size) {
		const char *end = memchr(text + taken, '\n', size - taken);
		size_t next = (size_t)(end - text) + 1;

		if (ring->log_bytes + next > ring->max_bytes &&
		    (taken || ring->log_bytes))
			break;
		taken = next;
	}
	return taken;
}

static int write_lines(struct append *append, enum overlay_audit_ring which,
		       const char *text, size_t size, struct verity_error *err)
{
	const char *name = overlay_audit_names[which].log;
	struct ring *ring = &append->rings[which];
	struct overlay_audit_scan scan;
	struct overlay_audit_link unused;
	cleanup_fd int fd = -1;
	int r = open_log(append, which, &fd, err);

	if (r < 0)
		return r;
	r = verity_io_write(fd, text, size, ring->log_bytes, err);
	if (r == 0 && fsync(fd) < 0)
		r = verity_fail_errno(err, errno, "%s", name);
	/* Nothing is left of lines that could not all be written. */
	if (r < 0 && ftruncate(fd, (off_t)ring->log_bytes) < 0)
		return verity_context(err, r, "%s", name);
	if (r < 0)
		return r;
	overlay_audit_scan(text, size, NULL, 0, &scan, &unused);
	if (ring->log_lines == 0)
		ring->log_first = scan.first.number;
	if (append->head.rings[which].last == 0)
		append->head.rings[which].first = scan.first.number;
	append->head.rings[which].last = scan.last.number;
	memcpy(append->head.rings[which].digest, scan.last.digest, VERITY_DIGEST_BYTES);
	ring->stored = scan.last;
	ring->log_lines += scan.lines;
	ring->log_bytes += size;
	return 0;
}

/* No file ever gets longer than its share, however many lines come at once. */
static int store_ring(struct append *append, enum overlay_audit_ring which,
		      struct verity_error *err)
{
	struct ring *ring = &append->rings[which];
	size_t done = 0;
	int r = 0;

	while (r == 0 && done < ring->text_bytes) {
		size_t size = fit(ring, ring->text + done, ring->text_bytes - done);

		if (size == 0)
			r = rotate(append, which, err);
		else
			r = write_lines(append, which, ring->text + done, size, err);
		done += size;
	}
	return r;
}

static uint64_t count_lines(const struct append *append)
{
	uint64_t count = 0;

	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		for (size_t k = 0; k < append->rings[i].text_bytes; k++)
			count += append->rings[i].text[k] == '\n';
	return count;
}

/* Lines that do not find their way into the log are at least counted. */
static void count_lost(struct append *append)
{
	struct overlay_audit_head head;

	if (overlay_audit_head_load(append->audit->record_fd, &head, NULL) < 0)
		return;
	head.boot = append->head.boot;
	/* A line that only tells what was counted before is counted there already. */
	head.lost += count_lines(append) - (head.lost && !append->head.lost) -
		     (head.repeats && !append->head.repeats);
	(void)!overlay_audit_head_store(append->audit->record_fd, &head, NULL);
}

static int store(struct append *append, struct verity_error *err)
{
	int record_fd = append->audit->record_fd;
	int r = 0;

	/* A head comes before the first line: a log without one was tampered with. */
	if (append->headless && count_lines(append) > 0)
		r = overlay_audit_head_store(record_fd, &append->before, err);
	for (size_t i = 0; r == 0 && i < OVERLAY_AUDIT_RINGS; i++)
		r = store_ring(append, (enum overlay_audit_ring)i, err);
	if (r < 0) {
		count_lost(append);
		return r;
	}
	r = overlay_audit_head_store(record_fd, &append->head, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		if (append->rings[i].text_bytes &&
		    append->rings[i].last.number > append->audit->last.number)
			append->audit->last = append->rings[i].last;
	return 0;
}

/* A lock, the files, what @add adds, and the end of it. */
static int change_log(struct overlay_audit *audit, bool new_boot,
		      int (*add)(struct append *append, const void *what,
				 struct verity_error *err),
		      const void *what, struct verity_error *err)
{
	cleanup_with(append_free_p) struct append append = {.audit = audit};
	cleanup_fd int lock = -1;
	int r;

	if (audit->record_fd < 0)
		return 0;
	audit->last = (struct overlay_audit_link){.number = 0};
	r = overlay_record_lock(audit->record_fd, "audit log", false, &lock, err);
	if (r == 0)
		r = take_files(&append, new_boot, err);
	if (r == 0)
		r = add(&append, what, err);
	if (r == 0)
		r = store(&append, err);
	return r < 0 ? verity_context(err, r, "audit log") : 0;
}

static int add_nothing(struct append *append, const void *what, struct verity_error *err)
{
	(void)append, (void)what, (void)err;
	return 0;
}

int overlay_audit_begin_boot(struct overlay_audit *audit, struct verity_error *err)
{
	return change_log(audit, true, add_nothing, NULL, err);
}

struct entries {
	const struct overlay_audit_entry *items;
	size_t count;
};

static int add_entries(struct append *append, const void *what, struct verity_error *err)
{
	const struct entries *entries = what;
	int r = add_counted(append, false, err);

	for (size_t i = 0; r == 0 && i < entries->count; i++) {
		enum overlay_audit_ring ring = ring_of(entries->items[i].event, false);

		r = ring == OVERLAY_AUDIT_REFUSALS
			    ? add_refusal(append, &entries->items[i], err)
			    : add_line(append, ring, &entries->items[i], err);
	}
	return r;
}

int overlay_audit_append(struct overlay_audit *audit,
			 const struct overlay_audit_entry *entries, size_t count,
			 struct verity_error *err)
{
	const struct entries what = {entries, count};

	return count ? change_log(audit, false, add_entries, &what, err) : 0;
}

/* Whether the lines of the boot that @head names are still there, and say the same. */
static bool is_as_before(const struct append *append,
			 const struct overlay_audit_boot *boot)
{
	const struct overlay_audit_head *head = &append->head;
	const struct overlay_audit_link *oldest =
		overlay_audit_oldest(&append->rings[OVERLAY_AUDIT_BOOTS].files);

	return head->set_boot && oldest->number && oldest->boot <= head->set_boot &&
	       (oldest->boot < head->set_boot ||
		head->rings[OVERLAY_AUDIT_BOOTS].dropped == 0) &&
	       memcmp(head->set, boot->set, sizeof(head->set)) == 0;
}

static int add_boot_line(struct append *append, const struct overlay_audit_boot *boot,
			 bool as_before, struct verity_error *err)
{
	const struct overlay_audit_head *head = &append->head;
	char detail[192] = "";
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_BOOT,
						  .detail = detail};
	size_t used = (size_t)snprintf(detail, sizeof(detail), "%s",
				       boot->detail ? boot->detail : "");

	if (as_before && used < sizeof(detail))
		used += (size_t)snprintf(detail + used, sizeof(detail) - used,
					 "%sas in boot %" PRIu64, used ? ", " : "",
					 head->set_boot);
	if (head->recorded + 1 < head->boot && used < sizeof(detail))
		snprintf(detail + used, sizeof(detail) - used,
			 "%sboot %" PRIu64 " to %" PRIu64 " did not get this far",
			 used ? ", " : "", head->recorded + 1, head->boot - 1);
	return add_line(append, OVERLAY_AUDIT_BOOTS, &entry, err);
}

/* Half a file for one boot: the ring has some, whatever the stores have. */
static int add_boot(struct append *append, const void *what, struct verity_error *err)
{
	const struct ring *ring = &append->rings[OVERLAY_AUDIT_BOOTS];
	const struct overlay_audit_boot *boot = what;
	bool as_before = is_as_before(append, boot);
	struct overlay_audit_entry more = {.event = OVERLAY_AUDIT_REFUSE,
					   .detail = "further packages"};
	size_t i = 0;
	int r = add_counted(append, true, err);

	if (r == 0)
		r = add_boot_line(append, boot, as_before, err);
	append->head.recorded = append->head.boot;
	if (r < 0 || as_before)
		return r;
	append->head.set_boot = append->head.boot;
	memcpy(append->head.set, boot->set, sizeof(append->head.set));
	for (; r == 0 && i < boot->count && ring->text_bytes < ring->max_bytes / 2; i++)
		r = add_line(append, OVERLAY_AUDIT_BOOTS, &boot->entries[i], err);
	if (r < 0 || i == boot->count)
		return r;
	if (boot->entries[i].event == OVERLAY_AUDIT_ACTIVATE)
		more.event = OVERLAY_AUDIT_ACTIVATE;
	for (; i < boot->count; i++)
		more.count += boot->entries[i].count ?: 1;
	return add_line(append, OVERLAY_AUDIT_BOOTS, &more, err);
}

int overlay_audit_end_boot(struct overlay_audit *audit,
			   const struct overlay_audit_boot *boot,
			   struct verity_error *err)
{
	return change_log(audit, false, add_boot, boot, err);
}

int overlay_audit_mark(int record_fd, uint64_t *ret_number,
		       char ret_digest[static 2 * VERITY_DIGEST_BYTES + 1],
		       struct verity_error *err)
{
	const struct overlay_audit_end *newest = NULL;
	struct overlay_audit_head head;
	int r = overlay_audit_head_load(record_fd, &head, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		if (!newest || head.rings[i].last > newest->last)
			newest = &head.rings[i];
	*ret_number = newest->last;
	verity_hex_encode(newest->digest, sizeof(newest->digest), ret_digest);
	return 0;
}

static bool has_any_file(int record_fd)
{
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		if (faccessat(record_fd, overlay_audit_names[i].log, F_OK,
			      AT_SYMLINK_NOFOLLOW) == 0 ||
		    faccessat(record_fd, overlay_audit_names[i].old, F_OK,
			      AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	return false;
}

static void free_all(struct overlay_audit_files (*files)[OVERLAY_AUDIT_RINGS])
{
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		overlay_audit_files_free(&(*files)[i]);
}

static void take_check(const struct overlay_audit_files *files,
		       const struct overlay_audit_end *end,
		       struct overlay_audit_check *check)
{
	const struct overlay_audit_link *oldest = overlay_audit_oldest(files);
	struct overlay_audit_checked *ring = &check->rings[check->count++];

	*ring = (struct overlay_audit_checked){
		.name = files->names->log,
		.lines = files->old_scan.lines + files->scan.lines,
		.first = oldest->number,
		.first_time = oldest->time,
		.dropped = end->dropped,
		.dropped_last = end->dropped_last,
		.dropped_time = end->dropped_time,
	};
	/* The power was cut before the older file was replaced. */
	if (oldest->number && oldest->number <= ring->dropped_last)
		ring->dropped = 0;
	check->lines += ring->lines;
	if (ring->first && (!check->first || ring->first < check->first))
		check->first = ring->first;
	if (overlay_audit_newest(files)->number > check->last)
		check->last = overlay_audit_newest(files)->number;
}

int overlay_audit_verify(int record_fd, uint64_t boot, struct overlay_audit_check *ret,
			 struct verity_error *err)
{
	cleanup_with(free_all) struct overlay_audit_files files[OVERLAY_AUDIT_RINGS] = {
		{.old = NULL}};
	cleanup_with(overlay_trials_free) struct overlay_trials mark = {0};
	struct overlay_audit_check check = {.lines = 0};
	struct overlay_audit_head head = {.boot = 0};
	cleanup_fd int lock = -1;
	const char *aside;
	int r = overlay_record_lock(record_fd, "audit log", true, &lock, err);

	if (r == 0)
		r = load_mark(record_fd, &mark, err);
	if (r < 0)
		return r;
	aside = overlay_audit_aside(record_fd);
	r = overlay_audit_head_load(record_fd, &head, err);
	if (r == -ENOENT && (aside || has_any_file(record_fd)))
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_HEAD ": it is gone");
	if (r == -ENOENT && check_mark(&mark, files, 0, err) < 0)
		return -EBADMSG;
	if (r == -ENOENT && boot > 0)
		return verity_fail(err, VERITY_E_AUDIT,
				   "the log is gone, and this is boot %" PRIu64, boot);
	if (r == 0 && head.boot < boot)
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_HEAD ": boot %" PRIu64
						      ", and this is boot %" PRIu64
						      ": it is an older one",
				   head.boot, boot);
	for (size_t i = 0; r == 0 && i < OVERLAY_AUDIT_RINGS; i++) {
		r = overlay_audit_read(record_fd, (enum overlay_audit_ring)i,
				       head.rings[i].last, &files[i], err);
		if (r == 0)
			r = overlay_audit_check_files(&files[i], &head.rings[i], err);
		if (r == 0)
			take_check(&files[i], &head.rings[i], &check);
	}
	if (r == 0)
		r = check_mark(&mark, files,
			       check.last > head.last ? check.last : head.last, err);
	/* A break that was noticed stays one until its files are taken away. */
	if (r == 0 && aside)
		r = verity_fail(err, VERITY_E_AUDIT,
				"the log was damaged: the damaged file is kept as %s, "
				"and this is reported until that file is deleted",
				aside);
	if (r < 0)
		return r;
	check.repeats = head.repeats;
	check.lost = head.lost;
	*ret = check;
	return 0;
}
