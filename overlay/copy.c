/* SPDX-License-Identifier: MIT */
#include "overlay/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "verity/cleanup.h"
#include "verity/io.h"

#define DEPTH_MAX 32 /* of folders */

static void cleanup_dir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Owner first: a change of owner takes the set-id bits away. */
static int set_look(int to_fd, const char *path, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};

	if (fchownat(to_fd, path, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(to_fd, path, st->st_mode & 07777, 0) < 0)
		return -errno;
	return utimensat(to_fd, path, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int overlay_copy_look(int from_fd, int to_fd, const char *path)
{
	struct stat st;

	if (fstatat(from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return set_look(to_fd, path, &st);
}

static int copy_file(int from_fd, int to_fd, const char *path, const struct stat *st)
{
	cleanup_fd int from = openat(from_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int to = openat(
		to_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (from < 0 || to < 0)
		return -errno;
	return verity_io_copy(from, 0, to, 0, (uint64_t)st->st_size, NULL);
}

static int copy_link(int from_fd, int to_fd, const char *path)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(from_fd, path, target, sizeof(target) - 1);

	if (size < 0)
		return -errno;
	target[size] = '\0';
	return symlinkat(target, to_fd, path) < 0 ? -errno : 0;
}

int overlay_copy_one(int from_fd, int to_fd, const char *path, const struct stat *st)
{
	int r;

	if (S_ISDIR(st->st_mode))
		r = mkdirat(to_fd, path, 0700) < 0 ? -errno : 0;
	else if (S_ISREG(st->st_mode))
		r = copy_file(from_fd, to_fd, path, st);
	else if (S_ISLNK(st->st_mode))
		r = copy_link(from_fd, to_fd, path);
	else
		return 0;
	if (r < 0 && r != -EEXIST)
		return r;
	return set_look(to_fd, path, st);
}

static int copy_below(int from_fd, int to_fd, const char *path, unsigned depth);

static int copy_any(int from_fd, int to_fd, const char *path, unsigned depth)
{
	struct stat st;
	int r;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	if (fstatat(from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = overlay_copy_one(from_fd, to_fd, path, &st);
	if (r < 0 || !S_ISDIR(st.st_mode))
		return r;
	r = copy_below(from_fd, to_fd, path, depth + 1);
	/* Again, because filling a folder changes its times. */
	return r < 0 ? r : set_look(to_fd, path, &st);
}

static int copy_below(int from_fd, int to_fd, const char *path, unsigned depth)
{
	int fd = openat(from_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_with(cleanup_dir_p) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	cleanup_free char *below = malloc(PATH_MAX);
	const struct dirent *item;
	int r = 0;

	if (!dir || !below)
		return -errno;
	while (r == 0 && (item = readdir(dir))) {
		if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
			continue;
		if (snprintf(below, PATH_MAX, "%s/%s", path, item->d_name) >= PATH_MAX)
			return -ENAMETOOLONG;
		r = copy_any(from_fd, to_fd, below, depth);
	}
	return r;
}

int overlay_copy_tree(int from_fd, int to_fd, const char *path)
{
	return copy_any(from_fd, to_fd, path, 0);
}

int overlay_copy_opaque(int to_fd, const char *path)
{
	cleanup_fd int fd =
		openat(to_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return -errno;
	return 0;
}
