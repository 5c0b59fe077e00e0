/* SPDX-License-Identifier: MIT */
/* Copies name by name, each in the open folder above it. */
#include "overlay/fs/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "overlay/fs/xattrs.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/io.h"

/* One copying of a tree, and where in it we are. */
struct walk {
	struct overlay_copy_left left;
	char path[sizeof(((struct overlay_copy_left *)0)->first)]; /* for messages only */
	char failed[sizeof(((struct overlay_copy_left *)0)->first)];
};

/*
 * Owner first: a change of owner takes the set-id bits and capabilities away. Mode before
 * attributes, of which an access list is one.
 */
static int set_look(int from_fd, int to_fd, const char *path, const struct stat *st,
		    size_t *ret_left)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	mode_t mode = st->st_mode & 07777;
	int r;

	if (S_ISREG(st->st_mode) && (mode & (S_ISUID | S_ISGID)) &&
	    overlay_xattrs_nosuid(from_fd))
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
	if (fchownat(to_fd, path, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISLNK(st->st_mode) && fchmodat(to_fd, path, mode, 0) < 0))
		return -errno;
	r = overlay_xattrs_copy(from_fd, to_fd, path, ret_left);
	if (r < 0)
		return r;
	return utimensat(to_fd, path, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int overlay_copy_look(int from_fd, int to_fd, const char *path)
{
	struct stat st;

	if (fstatat(from_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return set_look(from_fd, to_fd, path, &st, NULL);
}

static bool is_copied(const struct stat *st)
{
	return S_ISDIR(st->st_mode) || S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
}

static int make_one(int from_fd, int to_fd, const char *path, const struct stat *st)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	cleanup_fd int from = -1, to = -1;
	char target[PATH_MAX];
	ssize_t size;
	int r;

	if (S_ISDIR(st->st_mode)) {
		r = mkdirat(to_fd, path, 0700) < 0 ? -errno : 0;
	} else if (S_ISREG(st->st_mode)) {
		r = verity_io_open(from_fd, path, O_RDONLY | O_NOFOLLOW, &from, NULL,
				   NULL);
		to = r < 0 ? -1 : openat(to_fd, path, flags, 0600);
		if (r == 0)
			r = to < 0 ? -errno
				   : verity_io_copy(from, 0, to, 0, (uint64_t)st->st_size,
						    NULL);
	} else {
		size = readlinkat(from_fd, path, target, sizeof(target) - 1);
		if (size < 0)
			return -errno;
		target[size] = '\0';
		r = symlinkat(target, to_fd, path) < 0 ? -errno : 0;
	}
	return r == -EEXIST ? 0 : r;
}

int overlay_copy_one(int from_fd, int to_fd, const char *path, const struct stat *st)
{
	int r = is_copied(st) ? make_one(from_fd, to_fd, path, st) : 0;

	if (r < 0 || !is_copied(st) || S_ISDIR(st->st_mode))
		return r;
	return set_look(from_fd, to_fd, path, st, NULL);
}

/* The path of the first thing that something is wrong with goes into the message. */
static void note_path(const struct walk *walk, char *ret, size_t size)
{
	if (ret[0] == '\0')
		snprintf(ret, size, "%s", walk->path);
}

static int fill_folder(struct walk *walk, int from_fd, int to_fd, unsigned depth);

/* A folder's look comes last, because filling it changes its times. */
static int copy_whole(struct walk *walk, int from_fd, int to_fd, const char *name,
		      unsigned depth)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	size_t left = 0;
	struct stat st;
	int r;

	if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!is_copied(&st)) {
		walk->left.things++;
		note_path(walk, walk->left.first, sizeof(walk->left.first));
		return 0;
	}
	r = make_one(from_fd, to_fd, name, &st);
	if (r == 0 && S_ISDIR(st.st_mode)) {
		cleanup_fd int from = -1, to = -1;

		if (depth == OVERLAY_COPY_DEPTH_MAX)
			return -ELOOP;
		from = openat(from_fd, name, flags);
		to = from < 0 ? -1 : openat(to_fd, name, flags);
		r = to < 0 ? -errno : fill_folder(walk, from, to, depth + 1);
	}
	if (r == 0)
		r = set_look(from_fd, to_fd, name, &st, &left);
	walk->left.attributes += left;
	if (left > 0)
		note_path(walk, walk->left.first, sizeof(walk->left.first));
	return r;
}

static int copy_item(struct walk *walk, int from_fd, int to_fd, const char *name,
		     unsigned depth)
{
	size_t length = strlen(walk->path);
	int r;

	snprintf(walk->path + length, sizeof(walk->path) - length, "%s%s",
		 length > 0 ? "/" : "", name);
	r = copy_whole(walk, from_fd, to_fd, name, depth);
	if (r < 0)
		note_path(walk, walk->failed, sizeof(walk->failed));
	walk->path[length] = '\0';
	return r;
}

static int fill_folder(struct walk *walk, int from_fd, int to_fd, unsigned depth)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int r = verity_dir_open(from_fd, ".", &dir), next = 0;

	while (r == 0 && (next = verity_dir_next(dir, &item)) > 0)
		r = copy_item(walk, from_fd, to_fd, item->d_name, depth);
	return r < 0 ? r : next;
}

int overlay_copy_tree(int from_fd, int to_fd, const char *path)
{
	struct walk walk = {0};

	return copy_item(&walk, from_fd, to_fd, path, 0);
}

int overlay_copy_below(int from_fd, int to_fd, struct overlay_copy_left *ret_left,
		       struct verity_error *err)
{
	struct walk walk = {0};
	struct stat st;
	int r = fill_folder(&walk, from_fd, to_fd, 0);

	if (r == 0)
		r = fstat(from_fd, &st) < 0 ? -errno : 0;
	if (r == 0)
		r = set_look(from_fd, to_fd, ".", &st, &walk.left.attributes);
	if (ret_left)
		*ret_left = walk.left;
	if (r == -ELOOP)
		return verity_fail(err, VERITY_E_IO, "%s: over %d folders deep",
				   walk.failed, OVERLAY_COPY_DEPTH_MAX);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s",
					 walk.failed[0] ? walk.failed : ".");
	return 0;
}

int overlay_copy_opaque(int to_fd, const char *path)
{
	cleanup_fd int fd =
		openat(to_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return -errno;
	return 0;
}
