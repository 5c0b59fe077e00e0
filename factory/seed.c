/* SPDX-License-Identifier: MIT */
/* Copies factory configuration to DATA: as a whole under another name, then renamed. */
#include "factory/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/fs/erase.h"
#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

/* The copy, until it is complete: .TARGET.seed */
#define SEED_PREFIX "."
#define SEED_SUFFIX ".seed"

/* Data before the name, or a power cut could leave a complete folder of empty files. */
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

int factory_seed(int root_fd, const char *source, int data_fd, const char *target,
		 struct factory_seeded *ret, struct verity_error *err)
{
	struct factory_seeded done = {0};
	cleanup_fd int source_fd = -1;
	char name[NAME_MAX + 1];
	struct stat st;
	int r;

	if (snprintf(name, sizeof(name), SEED_PREFIX "%s" SEED_SUFFIX, target) >=
	    (int)sizeof(name))
		return verity_fail_errno(err, ENAMETOOLONG, "%s", target);
	/* Also where there is a target: nothing else would ever delete it. */
	r = overlay_erase_tree(data_fd, name, false);
	if (r < 0)
		return verity_fail_errno(err, -r, "deleting %s", name);
	if (fstatat(data_fd, target, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*ret = done;
		return 0;
	}
	if (errno != ENOENT)
		return verity_fail_errno(err, errno, "%s", target);
	/* Packages can change what is there: nothing leads out of the root. */
	source_fd = overlay_open_at(root_fd, source, O_RDONLY | O_DIRECTORY,
				    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (source_fd == -ENOENT) {
		*ret = done;
		return 0;
	}
	if (source_fd == -ELOOP)
		return verity_fail(
			err, VERITY_E_IO,
			"%s: a symbolic link is on the way, and is not followed", source);
	if (source_fd < 0)
		return verity_fail_errno(err, -source_fd, "%s", source);
	r = fill(source_fd, data_fd, name, &done.left, err);
	if (r == 0 && sys_renameat2(data_fd, name, data_fd, target, RENAME_NOREPLACE) < 0)
		r = verity_fail_errno(err, errno, "%s", target);
	if (r < 0) {
		(void)!overlay_erase_tree(data_fd, name, false);
		return r;
	}
	if (fsync(data_fd) < 0)
		return verity_fail_errno(err, errno, "%s", target);
	done.seeded = true;
	*ret = done;
	return 0;
}
