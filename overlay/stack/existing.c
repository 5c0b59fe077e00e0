/* SPDX-License-Identifier: MIT */
#include "overlay/stack/existing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "overlay/fs/mountinfo.h"
#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

#define PARAMETERS "/sys/module/overlay/parameters"

void overlay_former_free(struct overlay_former *former)
{
	if (!former)
		return;
	for (size_t i = 0; former->lowers && i < former->options.count; i++)
		cleanup_fd_p(&former->lowers[i]);
	cleanup_fd_p(&former->upper);
	cleanup_fd_p(&former->work);
	free(former->lowers);
	free(former->source);
	free(former->text);
	overlay_former_options_free(&former->options);
	free(former);
}

DEFINE_CLEANUP(struct overlay_former, overlay_former_free);
DEFINE_CLEANUP(struct overlay_mountinfo, overlay_mountinfo_free);

/* A way that is not shown is the kernel's own. */
static bool is_on(const struct overlay_former_options *options,
		  enum overlay_former_feature feature)
{
	char path[128];
	cleanup_file FILE *file = NULL;

	if (options->features[feature] != OVERLAY_FORMER_UNSAID)
		return options->features[feature] == OVERLAY_FORMER_ON;
	snprintf(path, sizeof(path), PARAMETERS "/%s",
		 overlay_former_feature_name(feature));
	file = fopen(path, "re");
	return file && fgetc(file) == 'Y';
}

/* What was made with these does not fit what our stack is mounted with. */
static int check_features(const struct overlay_former_options *options,
			  struct verity_error *err)
{
	for (int i = 0; i < OVERLAY_FORMER_FEATURES; i++) {
		enum overlay_former_feature feature = (enum overlay_former_feature)i;

		if (is_on(options, feature))
			return verity_fail(err, VERITY_E_STACK,
					   "it is mounted with %s=on",
					   overlay_former_feature_name(feature));
	}
	return 0;
}

/* A folder, and not one of an overlay: of the very one, or of another below it. */
static bool is_layer(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type != OVERLAYFS_SUPER_MAGIC;
}

/* @root_fd: below that; -1: where it says. */
static int open_layer(int root_fd, const char *path)
{
	cleanup_fd int fd = -1;

	if (path[0] != '/')
		return -1;
	if (root_fd >= 0)
		fd = overlay_beneath_open(root_fd, path, true);
	else
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && is_layer(fd) ? steal_fd(&fd) : -1;
}

/* With a backslash of the upper's path as a letter, or as an escape. */
static int open_upper(int root_fd, const char *path)
{
	cleanup_free char *plain = strdup(path);
	int fd = open_layer(root_fd, path);

	if (fd >= 0 || !plain)
		return fd;
	overlay_former_unescape(plain);
	return open_layer(root_fd, plain);
}

static void close_all(struct overlay_former *former)
{
	for (size_t i = 0; i < former->options.count; i++) {
		cleanup_fd_p(&former->lowers[i]);
		former->lowers[i] = -1;
	}
	cleanup_fd_p(&former->upper);
	cleanup_fd_p(&former->work);
	former->upper = former->work = -1;
}

/* Return: NULL, or the path that is not there. */
static const char *open_all(struct overlay_former *former, int root_fd)
{
	struct overlay_former_options *options = &former->options;

	close_all(former);
	for (size_t i = 0; i < options->count; i++) {
		former->lowers[i] = open_layer(root_fd, options->lowers[i]);
		if (former->lowers[i] < 0)
			return options->lowers[i];
	}
	if (!options->upper)
		return NULL;
	former->upper = open_upper(root_fd, options->upper);
	former->work = open_upper(root_fd, options->work);
	if (former->upper < 0 || former->work < 0)
		return former->upper < 0 ? options->upper : options->work;
	return NULL;
}

/* Layer number @index, the one on top first; -1 after the last. */
static int layer_at(const struct overlay_former *former, size_t index)
{
	if (former->upper >= 0 && index-- == 0)
		return former->upper;
	return index < former->options.count ? former->lowers[index] : -1;
}

/* Whether a name is to be seen, by the rules of overlayfs. */
static bool is_seen(const struct overlay_former *former, const char *name)
{
	struct stat st;
	int fd;

	for (size_t i = 0; (fd = layer_at(former, i)) >= 0; i++)
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return !S_ISCHR(st.st_mode) || st.st_rdev != 0;
	return false;
}

/* Whether all names of a folder are seen in the overlay as they are in the layers. */
static bool fits(const struct overlay_former *former, int folder, int root_fd)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	struct stat st;

	if (verity_dir_open(folder, ".", &dir) < 0)
		return false;
	while ((item = readdir(dir))) {
		bool there =
			fstatat(root_fd, item->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0;

		if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0 &&
		    there != is_seen(former, item->d_name))
			return false;
	}
	return true;
}

static bool is_whole(const struct overlay_former *former, int root_fd)
{
	int fd;

	for (size_t i = 0; (fd = layer_at(former, i)) >= 0; i++)
		if (!fits(former, fd, root_fd))
			return false;
	return fits(former, root_fd, root_fd);
}

static int resolve(struct overlay_former *former, const char *root,
		   struct verity_error *err)
{
	cleanup_fd int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *missing;
	const char *below;

	if (root_fd < 0)
		return verity_fail_errno(err, errno, "%s", root);
	missing = open_all(former, -1);
	if (!missing && is_whole(former, root_fd))
		return 0;
	below = open_all(former, root_fd);
	if (!below && is_whole(former, root_fd))
		return 0;
	if (missing)
		return verity_fail(err, VERITY_E_STACK,
				   "its folder %s is not to be found any more", missing);
	return verity_fail(err, VERITY_E_STACK,
			   "what its folders hold now is not what is seen in it");
}

static int read_flags(const char *root, unsigned long *ret)
{
	static const struct {
		unsigned long seen, flag;
	} flags[] = {
		{ST_RDONLY, MS_RDONLY},     {ST_NOSUID, MS_NOSUID},
		{ST_NODEV, MS_NODEV},       {ST_NOEXEC, MS_NOEXEC},
		{ST_NOATIME, MS_NOATIME},   {ST_NODIRATIME, MS_NODIRATIME},
		{ST_RELATIME, MS_RELATIME},
	};
	struct statvfs fs;

	if (statvfs(root, &fs) < 0)
		return -errno;
	*ret = 0;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (fs.f_flag & flags[i].seen)
			*ret |= flags[i].flag;
	return 0;
}

/* A part of an overlay that is mounted elsewhere has more to it than what is seen here.
 */
static int check_mount(const char *root, const struct overlay_mountinfo *info,
		       struct verity_error *err)
{
	struct statx st;
	char part[3] = "";

	if (sscanf(info->line, "%*s %*s %*s %2s", part) != 1 || strcmp(part, "/") != 0)
		return verity_fail(err, VERITY_E_STACK, "it is a part of one");
	if (statx(AT_FDCWD, root, 0, STATX_TYPE, &st) < 0 ||
	    !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return verity_fail(err, VERITY_E_STACK, "it is a folder in one");
	return 0;
}

static int fill(struct overlay_former *former, const char *root, struct verity_error *err)
{
	cleanup_with(overlay_mountinfo_free_p) struct overlay_mountinfo *info = NULL;
	int r = overlay_mountinfo_get(root, &info, err);

	if (r == 0)
		r = check_mount(root, info, err);
	if (r == 0)
		r = overlay_former_options_parse(info->options, &former->options, err);
	if (r == 0)
		r = check_features(&former->options, err);
	if (r < 0)
		return r;
	former->source = strdup(info->source);
	former->text = strdup(info->options);
	former->lowers = calloc(former->options.count + 1, sizeof(int));
	for (size_t i = 0; former->lowers && i < former->options.count; i++)
		former->lowers[i] = -1;
	if (!former->source || !former->text || !former->lowers)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = read_flags(root, &former->flags);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", root);
	return resolve(former, root, err);
}

int overlay_former_find(const char *root, struct overlay_former **ret,
			struct verity_error *err)
{
	cleanup_with(overlay_former_free_p) struct overlay_former *former =
		calloc(1, sizeof(*former));
	int r;

	if (!former)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	former->upper = former->work = -1;
	r = fill(former, root, err);
	if (r < 0)
		return verity_context(
			err, r, "%s is an overlay that packages cannot be part of", root);
	*ret = steal_ptr(&former);
	return 0;
}

size_t overlay_former_roots(const struct overlay_former *former)
{
	return former->options.count;
}
