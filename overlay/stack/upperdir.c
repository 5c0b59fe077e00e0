/* SPDX-License-Identifier: MIT */
#include "overlay/stack/upperdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "overlay/fs/copy.h"
#include "overlay/fs/mkdir.h"
#include "overlay/fs/open_beneath.h"
#include "overlay/stack/stack_plan.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

static int make_place(const char *layers, char ret[static PATH_MAX],
		      struct verity_error *err)
{
	snprintf(ret, PATH_MAX, "%s/" OVERLAY_UPPER_PLACE, layers);
	return overlay_folder_make(ret, 0700, err);
}

int overlay_upper_mount_tmpfs(const char *layers, struct verity_error *err)
{
	char place[PATH_MAX];
	int r = make_place(layers, place, err);

	if (r < 0)
		return r;
	if (mount("wmopkg-upper", place, "tmpfs", MS_NODEV, "mode=0700") < 0)
		return verity_fail_errno(err, errno, "a tmpfs for changes");
	return 0;
}

static int open_folder(int data_fd, const char *name, struct verity_error *err)
{
	int fd;

	if (data_fd < 0)
		return verity_fail(err, VERITY_E_NOT_FOUND, "DATA is not there");
	fd = overlay_beneath_make(data_fd, name);
	return fd < 0 ? verity_fail_errno(err, -fd, "DATA/%s", name) : fd;
}

int overlay_upper_mount_data(const char *layers, int data_fd, const char *name,
			     struct verity_error *err)
{
	char place[PATH_MAX];
	int r = make_place(layers, place, err);
	cleanup_fd int fd = r < 0 ? -1 : open_folder(data_fd, name, err);
	cleanup_fd int tree = -1;

	if (r < 0 || fd < 0)
		return r < 0 ? r : fd;
	tree = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0 ||
	    move_mount(tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return verity_fail_errno(err, errno, "DATA/%s", name);
	return 0;
}

/* Relative, so that it holds wherever LAYERS is moved to. */
static int make_link(const char *view, const char *up, const char *name,
		     const char *hierarchy, struct verity_error *err)
{
	char path[PATH_MAX];
	char target[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", view, name);
	snprintf(target, sizeof(target), "%s/%s%s", up, name, hierarchy);
	if ((unlink(path) < 0 && errno != ENOENT) || symlink(target, path) < 0)
		return verity_fail_errno(err, errno, "%s", path);
	return 0;
}

static int make_folder(int place, const char *path, struct verity_error *err)
{
	int fd = overlay_beneath_make(place, path);

	return fd < 0 ? verity_fail_errno(err, -fd, "the folder for changes: %s", path)
		      : fd;
}

static bool is_empty(int fd)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	size_t count = 0;

	if (verity_dir_open(fd, ".", &dir) < 0)
		return false;
	while ((item = readdir(dir)))
		count +=
			strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0;
	return count == 0;
}

/*
 * The look of the folder that is on top of all is what is seen. An empty one may be what
 * a power cut left before it had any.
 */
static int copy_look(const char *base, int upper, struct verity_error *err)
{
	cleanup_fd int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;

	if (r == 0 && is_empty(upper))
		r = overlay_copy_look(fd, upper, ".");
	return r < 0 ? verity_fail_errno(err, -r, "the folder for changes") : 0;
}

int overlay_upper_give(const char *layers, const char *view, const char *hierarchy,
		       const char *base, int *ret, struct verity_error *err)
{
	const char *up = strcmp(view, layers) == 0 ? OVERLAY_UPPER_PLACE
						   : "../" OVERLAY_UPPER_PLACE;
	char path[PATH_MAX];
	cleanup_fd int place = -1, upper = -1, work = -1;
	int r;

	snprintf(path, sizeof(path), "%s/" OVERLAY_UPPER_PLACE, layers);
	place = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0)
		return verity_fail_errno(err, errno, "%s", path);
	snprintf(path, sizeof(path), OVERLAY_STACK_WORK "%s", hierarchy);
	work = make_folder(place, path, err);
	if (work < 0)
		return work;
	snprintf(path, sizeof(path), OVERLAY_STACK_UPPER "%s", hierarchy);
	upper = make_folder(place, path, err);
	if (upper < 0)
		return upper;
	r = copy_look(base, upper, err);
	if (r == 0)
		r = make_link(view, up, OVERLAY_STACK_UPPER, hierarchy, err);
	if (r == 0)
		r = make_link(view, up, OVERLAY_STACK_WORK, hierarchy, err);
	if (r == 0)
		*ret = steal_fd(&upper);
	return r;
}

void overlay_upper_unmount(const char *layers)
{
	char place[PATH_MAX];

	snprintf(place, sizeof(place), "%s/" OVERLAY_UPPER_PLACE, layers);
	(void)umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW);
}
