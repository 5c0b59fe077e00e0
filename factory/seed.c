/* SPDX-License-Identifier: MIT */
#include "factory/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "factory/erase.h"
#include "verity/util/cleanup.h"

/* The copy, until it is whole: .TARGET.seed */
#define SEED_PREFIX "."
#define SEED_SUFFIX ".seed"

/*
 * Packages have a say in what is there: nothing leads out of the root or elsewhere. No
 * such folder is none to copy: -1.
 */
static int open_source(int root_fd, const char *source, int *ret,
		       struct verity_error *err)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, root_fd, source, &how, sizeof(how));

	if (fd < 0 && errno == ELOOP)
		return verity_fail(
			err, VERITY_E_IO,
			"%s: there is a link in the way, and it is not followed", source);
	if (fd < 0 && errno != ENOENT)
		return verity_fail_errno(err, errno, "%s", source);
	*ret = (int)fd;
	return 0;
}

/* Data before the name, or a cut would leave a whole folder of empty files. */
static int fill(int source_fd, int data_fd, const char *name,
		struct overlay_copy_left *ret_left, struct verity_error *err)
{
	cleanup_fd int fd = -1;
	int r;

	if (mkdirat(data_fd, name, 0700) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	fd = openat(data_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", name);
	r = overlay_copy_below(source_fd, fd, ret_left, err);
	if (r < 0)
		return verity_context(err, r, "%s", name);
	return syncfs(fd) < 0 ? verity_fail_errno(err, errno, "%s", name) : 0;
}

static int fill_and_name(int source_fd, int data_fd, const char *name, const char *target,
			 struct overlay_copy_left *ret_left, struct verity_error *err)
{
	int r = fill(source_fd, data_fd, name, ret_left, err);

	if (r == 0 && renameat2(data_fd, name, data_fd, target, RENAME_NOREPLACE) < 0)
		r = verity_fail_errno(err, errno, "%s", target);
	if (r < 0) {
		(void)!factory_erase_tree(data_fd, name);
		return r;
	}
	return fsync(data_fd) < 0 ? verity_fail_errno(err, errno, "%s", target) : 0;
}

/* Leftovers go also where there is a target: nobody else will ever delete them. */
static int look_at_data(int data_fd, const char *name, const char *target,
			bool *ret_exists, struct verity_error *err)
{
	struct stat st;
	int r = factory_erase_tree(data_fd, name);

	if (r < 0)
		return verity_fail_errno(err, -r, "deleting %s", name);
	*ret_exists = fstatat(data_fd, target, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!*ret_exists && errno != ENOENT)
		return verity_fail_errno(err, errno, "%s", target);
	return 0;
}

int factory_seed(int root_fd, const char *source, int data_fd, const char *target,
		 struct factory_seeded *ret, struct verity_error *err)
{
	struct factory_seeded done = {0};
	cleanup_fd int source_fd = -1;
	char name[NAME_MAX + 1];
	bool there = false;
	int r;

	if (snprintf(name, sizeof(name), SEED_PREFIX "%s" SEED_SUFFIX, target) >=
	    (int)sizeof(name))
		return verity_fail_errno(err, ENAMETOOLONG, "%s", target);
	r = look_at_data(data_fd, name, target, &there, err);
	if (r == 0 && !there)
		r = open_source(root_fd, source, &source_fd, err);
	if (r == 0 && source_fd >= 0) {
		r = fill_and_name(source_fd, data_fd, name, target, &done.left, err);
		done.seeded = true;
	}
	if (r < 0)
		return r;
	*ret = done;
	return 0;
}
