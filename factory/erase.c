/* SPDX-License-Identifier: MIT */
#include "factory/erase.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/cleanup.h"

static void cleanup_dir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int erase_any(int dir_fd, const char *name, unsigned depth);

static int erase_below(DIR *dir, unsigned depth)
{
	const struct dirent *item;
	int r = 0;

	while (r == 0 && (errno = 0, item = readdir(dir)))
		if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
			r = erase_any(dirfd(dir), item->d_name, depth);
	return r < 0 ? r : -errno;
}

/* A folder without permissions is still its owner's to delete. */
static int open_folder(int dir_fd, const char *name, const struct stat *st)
{
	if ((st->st_mode & S_IRWXU) != S_IRWXU && fchmodat(dir_fd, name, 0700, 0) < 0)
		return -errno;
	return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int erase_folder(int dir_fd, const char *name, const struct stat *above,
			const struct stat *st, unsigned depth)
{
	cleanup_fd int fd = -1;
	cleanup_with(cleanup_dir_p) DIR *dir = NULL;
	int r;

	if (depth >= FACTORY_ERASE_DEPTH_MAX)
		return -ELOOP;
	if (st->st_dev != above->st_dev)
		return -EXDEV;
	fd = open_folder(dir_fd, name, st);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	(void)steal_fd(&fd);
	r = erase_below(dir, depth + 1);
	if (r < 0)
		return r;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int erase_any(int dir_fd, const char *name, unsigned depth)
{
	struct stat above;
	struct stat st;

	if (fstatat(dir_fd, ".", &above, 0) < 0)
		return -errno;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return erase_folder(dir_fd, name, &above, &st, depth);
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

int factory_erase_tree(int dir_fd, const char *name)
{
	return erase_any(dir_fd, name, 0);
}
