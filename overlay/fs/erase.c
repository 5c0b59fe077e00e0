/* SPDX-License-Identifier: MIT */
/* Deletes trees: by descriptors, without following links, in constant memory. */
#include "overlay/fs/erase.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/fs/erase_force.h"
#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

/*
 * Down to this depth a folder stays open while what is in it is deleted, so that each is
 * read once. Deeper, one folder is open at a time, and the way back is "..": they are
 * read again after each folder in them, which costs time but no memory.
 */
#define OPEN_DEPTH 32

#define REPORT_EVERY 256 /* deletions */

struct run {
	const struct overlay_eraser *eraser;
	uint64_t deleted;
};

/* The kernel finds out at no cost which of the two it is. */
static int unlink_any(int dir_fd, const char *name)
{
	int why;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	why = errno;
	if (why != EISDIR && why != EPERM)
		return -why;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno == ENOTDIR)
		return -why;
	return errno == EEXIST ? -ENOTEMPTY : -errno;
}

/* -ENOTEMPTY for a folder that is not empty. */
static int delete_one(struct run *run, int dir_fd, const char *name)
{
	const struct overlay_eraser *eraser = run->eraser;
	int r;

	if (eraser->most && run->deleted == eraser->most)
		return -E2BIG;
	r = unlink_any(dir_fd, name);
	if (r == -EBUSY && eraser->force && overlay_unmount_at(dir_fd, name))
		r = unlink_any(dir_fd, name);
	if ((r == -EPERM || r == -EACCES) && eraser->force) {
		overlay_unprotect_at(dir_fd, name);
		r = unlink_any(dir_fd, name);
	}
	if (r < 0 && eraser->force && overlay_delete_subvolume(dir_fd, name))
		r = 0;
	if (r == 0 && ++run->deleted % REPORT_EVERY == 0 && eraser->progress)
		eraser->progress(eraser->context, run->deleted);
	return r;
}

static int open_below(int dir_fd, const char *name)
{
	return overlay_open_at(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
			       RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
}

/* The owner of a folder without permissions can still delete it. */
static int open_folder(const struct run *run, int dir_fd, const char *name)
{
	int fd = open_below(dir_fd, name);
	struct stat st;

	if (fd == -EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		fd = open_below(dir_fd, name);
	if (fd < 0)
		return fd;
	if (geteuid() != 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU)
		(void)fchmod(fd, 0700);
	if (run->eraser->force)
		overlay_unprotect(fd);
	return fd;
}

/*
 * Deletes what is in the folder @fd up to the first folder that is not empty.
 *
 * Return: 1 with its name; 0 where nothing is left; -errno.
 */
static int empty_to_folder(struct run *run, int fd, char ret_name[static NAME_MAX + 1])
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int r = verity_dir_open(fd, ".", &dir);

	while (r == 0 && (r = verity_dir_next(dir, &item)) > 0) {
		r = delete_one(run, fd, item->d_name);
		if (r == -ENOTEMPTY) {
			snprintf(ret_name, NAME_MAX + 1, "%s", item->d_name);
			return 1;
		}
	}
	return r;
}

/* Empties the folder @at, which is closed, without a deeper stack of ours. */
static int erase_deep(struct run *run, int at)
{
	cleanup_fd int fd = at;
	char name[NAME_MAX + 1] = "";
	uint64_t depth = 0;
	int next, r;

	while ((r = empty_to_folder(run, fd, name)) > 0 || (r == 0 && depth > 0)) {
		next = r > 0 ? open_folder(run, fd, name) : open_below(fd, "..");
		if (next < 0)
			return next;
		depth += r > 0 ? 1 : -1;
		close(fd);
		fd = next;
	}
	return r;
}

static int erase_below(struct run *run, int at, unsigned depth, struct verity_error *err);

static int erase_any(struct run *run, int dir_fd, const char *name, unsigned depth)
{
	int r = delete_one(run, dir_fd, name);
	int fd;

	if (r != -ENOTEMPTY)
		return r;
	fd = open_folder(run, dir_fd, name);
	r = fd < 0 ? fd : erase_below(run, fd, depth + 1, NULL);
	return r < 0 ? r : delete_one(run, dir_fd, name);
}

/* As a new file system has it: owned by root, empty. */
static int empty_kept(struct run *run, int dir_fd, const char *name)
{
	int fd, r = 0;

	if (run->eraser->force)
		(void)overlay_unmount_at(dir_fd, name);
	fd = open_folder(run, dir_fd, name);
	if (fd == -ENOTDIR || fd == -ELOOP)
		return erase_any(run, dir_fd, name, 0);
	if (fd < 0)
		return fd;
	if (fchmod(fd, 0700) < 0 || (geteuid() == 0 && fchown(fd, 0, 0) < 0))
		r = -errno;
	if (r == 0)
		return erase_below(run, fd, 1, NULL);
	close(fd);
	return r;
}

/*
 * Empties the folder @at, which is closed. What cannot be deleted does not keep the rest,
 * unless the whole file system is read-only.
 * @err: filled with the first name in the folder that is still there; may be NULL
 */
static int erase_below(struct run *run, int at, unsigned depth, struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	const char *keep = depth == 0 ? run->eraser->keep : NULL;
	const char *spare = depth == 0 ? run->eraser->spare : NULL;
	const struct dirent *item;
	int first = 0, next = 0;

	if (depth >= OPEN_DEPTH)
		return erase_deep(run, at);
	dir = fdopendir(at);
	if (!dir) {
		close(at);
		return verity_fail_errno(err, ENOMEM, "reading it");
	}
	while (first != -EROFS && first != -E2BIG &&
	       (next = verity_dir_next(dir, &item)) > 0) {
		int r = 0;

		if (keep && strcmp(item->d_name, keep) == 0)
			r = empty_kept(run, at, item->d_name);
		else if (!spare || strcmp(item->d_name, spare) != 0)
			r = erase_any(run, at, item->d_name, depth);
		if (r < 0 && (first == 0 || r == -EROFS || r == -E2BIG))
			first = verity_fail_errno(err, -r, "%s", item->d_name);
	}
	return first == 0 && next < 0 ? verity_fail_errno(err, -next, "reading it")
				      : first;
}

static int erase_tree(int dir_fd, const char *name, const struct overlay_eraser *eraser)
{
	struct run run = {.eraser = eraser};
	struct stat st;

	/* On a read-only file system, deleting what is not there fails as well. */
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return erase_any(&run, dir_fd, name, 0);
}

int overlay_erase_tree(int dir_fd, const char *name, bool force)
{
	const struct overlay_eraser eraser = {.force = force};

	return erase_tree(dir_fd, name, &eraser);
}

int overlay_erase_some(int dir_fd, const char *name, uint64_t most)
{
	const struct overlay_eraser eraser = {.force = true, .most = most};

	return erase_tree(dir_fd, name, &eraser);
}

int overlay_erase_below(int dir_fd, const struct overlay_eraser *eraser,
			struct verity_error *err)
{
	struct run run = {.eraser = eraser};
	uint64_t before;
	int r;

	if (eraser->force)
		overlay_unprotect(dir_fd);
	/* Some file systems skip names while others are deleted: read it again. */
	do {
		int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		before = run.deleted;
		r = fd < 0 ? verity_fail_errno(err, errno, "reading it")
			   : erase_below(&run, fd, 0, err);
	} while (run.deleted > before);
	if (eraser->progress)
		eraser->progress(eraser->context, run.deleted);
	if (r < 0)
		return r;
	return syncfs(dir_fd) < 0 ? verity_fail_errno(err, errno, "syncing it") : 0;
}
