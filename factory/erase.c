/* SPDX-License-Identifier: MIT */
#include "factory/erase.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "factory/erase_force.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

/*
 * Down to here a folder stays open while what is in it is deleted, so that each is read
 * once. Further down one folder is open at a time, and the way back is "..": then they
 * are read again after each folder in them, which costs time and no memory.
 */
#define OPEN_DEPTH 32

#define TOLD_EVERY 256 /* deletions */

struct run {
	const struct factory_eraser *eraser;
	uint64_t deleted;
};

static bool is_self_or_above(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Which of the two it is, the kernel finds out at no cost. */
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

static int force_unlink(int dir_fd, const char *name, int why)
{
	if (why == -EBUSY && factory_unmount_at(dir_fd, name))
		why = unlink_any(dir_fd, name);
	if (why == -EPERM || why == -EACCES) {
		factory_unprotect_at(dir_fd, name);
		why = unlink_any(dir_fd, name);
	}
	if (why < 0 && factory_delete_subvolume(dir_fd, name))
		why = 0;
	return why;
}

/* -ENOTEMPTY for a folder that has something in it. */
static int delete_one(struct run *run, int dir_fd, const char *name)
{
	const struct factory_eraser *eraser = run->eraser;
	int r = unlink_any(dir_fd, name);

	if (r < 0 && eraser->force)
		r = force_unlink(dir_fd, name, r);
	if (r == 0 && ++run->deleted % TOLD_EVERY == 0 && eraser->progress)
		eraser->progress(eraser->context, run->deleted);
	return r;
}

static int open_below(int dir_fd, const char *name)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
}

/* A folder without permissions is still its owner's to delete. */
static int open_folder(const struct run *run, int dir_fd, const char *name)
{
	int fd = open_below(dir_fd, name);
	struct stat st;

	if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		fd = open_below(dir_fd, name);
	if (fd < 0)
		return -errno;
	if (geteuid() != 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU)
		(void)fchmod(fd, 0700);
	if (run->eraser->force)
		factory_unprotect(fd);
	return fd;
}

/*
 * Delete what is in the folder @fd up to the first folder that is not empty.
 *
 * Return: 1 with its name; 0 where nothing is left; -errno.
 */
static int empty_to_folder(struct run *run, int fd, char ret_name[static NAME_MAX + 1])
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int opened = verity_dir_open(fd, ".", &dir);

	if (opened < 0)
		return opened;
	while (errno = 0, item = readdir(dir)) {
		int r = 0;

		if (!is_self_or_above(item->d_name))
			r = delete_one(run, fd, item->d_name);
		if (r == -ENOTEMPTY) {
			snprintf(ret_name, NAME_MAX + 1, "%s", item->d_name);
			return 1;
		}
		if (r < 0)
			return r;
	}
	return -errno;
}

/* Empty the folder @at, which is taken, without going deeper into our own stack. */
static int erase_deep(struct run *run, int at)
{
	cleanup_fd int fd = at;
	char name[NAME_MAX + 1] = "";
	uint64_t depth = 0;
	int next, r;

	while ((r = empty_to_folder(run, fd, name)) >= 0) {
		if (r == 0 && depth == 0)
			return 0;
		next = r > 0 ? open_folder(run, fd, name) : open_below(fd, "..");
		if (next < 0)
			return r > 0 ? next : -errno;
		if (r > 0)
			depth++;
		else
			depth--;
		close(fd);
		fd = next;
	}
	return r;
}

static int erase_any(struct run *run, int dir_fd, const char *name, unsigned depth);

/*
 * Empty the folder @at, which is taken. What cannot be deleted does not keep the rest,
 * unless it is the whole file system that takes no changes.
 */
static int erase_below(struct run *run, int at, unsigned depth)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int first = 0;

	if (depth >= OPEN_DEPTH)
		return erase_deep(run, at);
	dir = fdopendir(at);
	if (!dir) {
		close(at);
		return -ENOMEM;
	}
	while (first != -EROFS && (errno = 0, item = readdir(dir))) {
		int r = is_self_or_above(item->d_name)
				? 0
				: erase_any(run, at, item->d_name, depth);

		if (r < 0 && (first == 0 || r == -EROFS))
			first = r;
	}
	return first < 0 ? first : -errno;
}

static int erase_any(struct run *run, int dir_fd, const char *name, unsigned depth)
{
	int r = delete_one(run, dir_fd, name);
	int fd;

	if (r != -ENOTEMPTY)
		return r;
	fd = open_folder(run, dir_fd, name);
	r = fd < 0 ? fd : erase_below(run, fd, depth + 1);
	return r < 0 ? r : delete_one(run, dir_fd, name);
}

int factory_erase_tree(int dir_fd, const char *name)
{
	static const struct factory_eraser plain;
	struct run run = {.eraser = &plain};
	struct stat st;

	/* On a read-only file system, deleting what is not there fails as well. */
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return erase_any(&run, dir_fd, name, 0);
}

/* As a new file system has it: nobody else's, and with nothing in it. */
static int empty_kept(struct run *run, int dir_fd, const char *name)
{
	int fd;

	if (run->eraser->force)
		(void)factory_unmount_at(dir_fd, name);
	fd = open_folder(run, dir_fd, name);
	if (fd == -ENOTDIR || fd == -ELOOP)
		return erase_any(run, dir_fd, name, 0);
	if (fd < 0)
		return fd;
	if (fchmod(fd, 0700) < 0 || (geteuid() == 0 && fchown(fd, 0, 0) < 0)) {
		int r = -errno;

		close(fd);
		return r;
	}
	return erase_below(run, fd, 1);
}

/* One look at the folder: what can be deleted is. What cannot is in @err, the first. */
static int erase_pass(struct run *run, int dir_fd, struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	const char *keep = run->eraser->keep;
	const struct dirent *item;
	int first = verity_dir_open(dir_fd, ".", &dir);

	if (first < 0)
		return verity_fail_errno(err, -first, "reading it");
	while (first != -EROFS && (errno = 0, item = readdir(dir))) {
		int r = 0;

		if (keep && strcmp(item->d_name, keep) == 0)
			r = empty_kept(run, dir_fd, item->d_name);
		else if (!is_self_or_above(item->d_name))
			r = erase_any(run, dir_fd, item->d_name, 0);
		if (r < 0 && (first == 0 || r == -EROFS))
			first = verity_fail_errno(err, -r, "%s", item->d_name);
	}
	if (first == 0 && errno != 0)
		first = verity_fail_errno(err, errno, "reading it");
	return first;
}

int factory_erase_below(int dir_fd, const struct factory_eraser *eraser,
			struct verity_error *err)
{
	struct run run = {.eraser = eraser};
	uint64_t before;
	int r;

	if (eraser->force)
		factory_unprotect(dir_fd);
	/* Some file systems pass over names while others are deleted: look again. */
	do {
		before = run.deleted;
		r = erase_pass(&run, dir_fd, err);
	} while (run.deleted > before);
	if (eraser->progress)
		eraser->progress(eraser->context, run.deleted);
	if (r < 0)
		return r;
	return syncfs(dir_fd) < 0 ? verity_fail_errno(err, errno, "syncing it") : 0;
}
