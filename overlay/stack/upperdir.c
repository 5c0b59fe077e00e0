/* SPDX-License-Identifier: MIT */
/* Mounts LAYERS/up, and makes the folders of a hierarchy in it. */
#include "overlay/stack/upperdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/copy.h"
#include "overlay/fs/mkdir.h"
#include "overlay/fs/open_beneath.h"
#include "overlay/stack/stack_plan.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/sys.h"

static int make_mountpoint(const char *layers, char ret[static PATH_MAX],
			   struct verity_error *err)
{
	snprintf(ret, PATH_MAX, "%s/" OVERLAY_UPPER_FOLDER, layers);
	return overlay_folder_make(ret, 0700, err);
}

int overlay_upper_mount_tmpfs(const char *layers, struct verity_error *err)
{
	char path[PATH_MAX];
	int r = make_mountpoint(layers, path, err);

	if (r == 0 && mount("wmopkg-upper", path, "tmpfs", MS_NODEV, "mode=0700") < 0)
		r = verity_fail_errno(err, errno, "a tmpfs for changes");
	return r;
}

int overlay_upper_mount_data(const char *layers, int data_fd, const char *name,
			     struct verity_error *err)
{
	char path[PATH_MAX];
	cleanup_fd int fd = -1, tree = -1;
	int r = make_mountpoint(layers, path, err);

	if (r < 0)
		return r;
	if (data_fd < 0)
		return verity_fail(err, VERITY_E_NOT_FOUND, "DATA is not there");
	fd = overlay_beneath_make(data_fd, name);
	if (fd < 0)
		return verity_fail_errno(err, -fd, "DATA/%s", name);
	tree = sys_open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0 ||
	    sys_move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return verity_fail_errno(err, errno, "DATA/%s", name);
	return 0;
}

/* The folder of a hierarchy in @name, and a relative link to it, wherever LAYERS moves
 * to. */
static int make_part(int folder, const char *view, const char *up, const char *name,
		     const char *hierarchy, struct verity_error *err)
{
	char part[PATH_MAX], link[PATH_MAX], target[PATH_MAX];
	cleanup_fd int fd = -1;

	snprintf(part, sizeof(part), "%s%s", name, hierarchy);
	snprintf(link, sizeof(link), "%s/%s", view, name);
	snprintf(target, sizeof(target), "%s/%s", up, part);
	fd = overlay_beneath_make(folder, part);
	if (fd < 0)
		return verity_fail_errno(err, -fd, "the folder for changes: %s", part);
	if ((unlink(link) < 0 && errno != ENOENT) || symlink(target, link) < 0)
		return verity_fail_errno(err, errno, "%s", link);
	return steal_fd(&fd);
}

int overlay_upper_give(const char *layers, const char *view, const char *hierarchy,
		       const char *base, int *ret, struct verity_error *err)
{
	const char *up = strcmp(view, layers) == 0 ? OVERLAY_UPPER_FOLDER
						   : "../" OVERLAY_UPPER_FOLDER;
	cleanup_fd int folder = -1, upper = -1, work = -1, base_fd = -1;
	cleanup_dir DIR *names = NULL;
	const struct dirent *any;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/" OVERLAY_UPPER_FOLDER, layers);
	folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return verity_fail_errno(err, errno, "%s", path);
	work = make_part(folder, view, up, OVERLAY_STACK_WORK, hierarchy, err);
	if (work < 0)
		return work;
	upper = make_part(folder, view, up, OVERLAY_STACK_UPPER, hierarchy, err);
	if (upper < 0)
		return upper;
	/*
	 * What is seen of the folder itself is that of the upper. An empty one may be
	 * what a power cut left before it had the owner, mode and times of what lies
	 * below.
	 */
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = base_fd < 0 ? -errno : 0;
	if (r == 0 && verity_dir_open(upper, ".", &names) == 0 &&
	    verity_dir_next(names, &any) == 0)
		r = overlay_copy_look(base_fd, upper, ".");
	if (r < 0)
		return verity_fail_errno(err, -r, "the folder for changes");
	*ret = steal_fd(&upper);
	return 0;
}

void overlay_upper_unmount(const char *layers)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_UPPER_FOLDER, layers);
	(void)umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
}
