/* SPDX-License-Identifier: MIT */
#include "overlay/image/rules.h"
#include "overlay/image/source.h"
#include "verity/util/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* A file with more than one name, to recognise it by the next of them. */
struct known {
	dev_t device;
	ino_t number;
	struct image_inode *inode;
};

struct scan {
	int fd; /* the source; borrowed */
	struct image_tree *tree;
	void *known; /* tsearch() tree */
};

static int known_compare(const void *a, const void *b)
{
	const struct known *left = a, *right = b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return 0;
}

int image_dir_open(int fd, const struct image_node *node)
{
	int parent, below;

	if (!node->parent)
		return openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	parent = image_dir_open(fd, node->parent);
	if (parent < 0)
		return -1;
	below = openat(parent, node->name,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0) {
		int saved = errno;

		close(parent);
		errno = saved;
		return -1;
	}
	close(parent);
	return below;
}

/* What the entry is called for the system calls that cannot take a descriptor. */
struct entry_path {
	char text[sizeof("/proc/self/fd/-2147483648/") + IMAGE_NAME_MAX];
};

static int xattr_take(const struct entry_path *path, const char *xattr,
		      const struct image_node *folder, const char *name,
		      struct image_inode *inode, struct verity_error *err)
{
	cleanup_free char *value = malloc(IMAGE_XATTR_MAX);
	ssize_t bytes;

	if (!value)
		return verity_fail_errno(err, ENOMEM, "tree");
	bytes = lgetxattr(path->text, xattr, value, IMAGE_XATTR_MAX);
	if (bytes < 0 && errno == ENODATA)
		return 0;
	if (bytes < 0)
		return image_node_fail_errno(err, folder, name, errno);
	return image_rules_xattr(inode, folder, name, xattr, value, (size_t)bytes, err);
}

static int xattrs_take(int dirfd, const struct image_node *folder, const char *name,
		       struct image_inode *inode, struct verity_error *err)
{
	cleanup_free char *names = NULL;
	struct entry_path path;
	ssize_t bytes;
	int r = 0;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d/%s", dirfd,
		 name ? name : ".");
	bytes = llistxattr(path.text, NULL, 0);
	if (bytes == 0 || (bytes < 0 && errno == ENOTSUP))
		return 0;
	if (bytes > 0) {
		names = malloc((size_t)bytes);
		if (!names)
			return verity_fail_errno(err, ENOMEM, "tree");
		bytes = llistxattr(path.text, names, (size_t)bytes);
	}
	if (bytes < 0)
		return image_node_fail_errno(err, folder, name, errno);
	for (char *xattr = names; r == 0 && xattr < names + bytes;
	     xattr += strlen(xattr) + 1)
		r = xattr_take(&path, xattr, folder, name, inode, err);
	return r;
}

static int target_take(int dirfd, const struct image_node *folder, const char *name,
		       struct image_inode *inode, struct verity_error *err)
{
	char target[IMAGE_PATH_MAX + 1];
	ssize_t length = readlinkat(dirfd, name, target, sizeof(target));

	if (length < 0)
		return image_node_fail_errno(err, folder, name, errno);
	if ((size_t)length >= sizeof(target))
		return image_node_fail(err, folder, name, "link to too long a path");
	inode->target = strndup(target, (size_t)length);
	if (!inode->target)
		return verity_fail_errno(err, ENOMEM, "tree");
	return 0;
}

static int details_take(int dirfd, const struct image_node *folder, const char *name,
			const struct stat *st, struct image_inode *inode,
			struct verity_error *err)
{
	int r = 0;

	if (S_ISLNK(st->st_mode))
		r = target_take(dirfd, folder, name, inode, err);
	else if (S_ISREG(st->st_mode))
		inode->bytes = (uint64_t)st->st_size;
	else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		r = image_inode_set_device(inode, major(st->st_rdev),
					   minor(st->st_rdev)) < 0
			    ? image_node_fail(err, folder, name,
					      "device number too large")
			    : 0;
	if (r < 0)
		return r;
	if (inode->bytes > IMAGE_FILE_MAX)
		return image_node_fail(err, folder, name, "larger than 1 TiB");
	return xattrs_take(dirfd, folder, name, inode, err);
}

/* What is known of the file; NULL where memory ran out. */
static struct known *known_find(struct scan *scan, const struct stat *st)
{
	struct known *fresh = calloc(1, sizeof(*fresh)), **found;

	if (!fresh)
		return NULL;
	fresh->device = st->st_dev;
	fresh->number = st->st_ino;
	found = tsearch(fresh, &scan->known, known_compare);
	if (!found || *found != fresh)
		free(fresh);
	return found ? *found : NULL;
}

static int entry_take(struct scan *scan, int dirfd, struct image_node *folder,
		      const char *name, const struct stat *st, struct verity_error *err)
{
	struct image_inode *inode;
	struct known *known = NULL;
	int r;

	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
		known = known_find(scan, st);
		if (!known)
			return verity_fail_errno(err, ENOMEM, "tree");
		if (known->inode)
			return image_rules_add(scan->tree, folder, name, known->inode,
					       err);
	}
	inode = image_inode_new(scan->tree, st->st_mode & (S_IFMT | 07777),
				st->st_mtim.tv_sec);
	if (!inode)
		return verity_fail_errno(err, ENOMEM, "tree");
	r = details_take(dirfd, folder, name, st, inode, err);
	if (r < 0)
		return r;
	if (known)
		known->inode = inode;
	return image_rules_add(scan->tree, folder, name, inode, err);
}

static int entries_take(struct scan *scan, DIR *dir, struct image_node *folder,
			struct verity_error *err)
{
	struct dirent *entry;
	struct stat st;
	int r = 0;

	for (errno = 0; r == 0 && (entry = readdir(dir)); errno = 0) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return image_node_fail_errno(err, folder, entry->d_name, errno);
		r = entry_take(scan, dirfd(dir), folder, entry->d_name, &st, err);
	}
	if (r == 0 && errno != 0)
		return image_node_fail_errno(err, folder, NULL, errno);
	return r;
}

/* Reads one folder, and closes it before any below it is opened. */
static int folder_read(struct scan *scan, struct image_node *folder,
		       struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	cleanup_fd int fd = image_dir_open(scan->fd, folder);
	struct stat st;
	int r = 0;

	if (fd < 0 || !(dir = fdopendir(fd)))
		return image_node_fail_errno(err, folder, NULL, errno);
	fd = -1;
	if (!folder->parent) {
		if (fstat(dirfd(dir), &st) < 0)
			return image_node_fail_errno(err, folder, NULL, errno);
		image_inode_set_mtime(scan->tree, folder->inode, st.st_mtim.tv_sec);
		r = xattrs_take(dirfd(dir), folder, NULL, folder->inode, err);
	}
	return r == 0 ? entries_take(scan, dir, folder, err) : r;
}

static int folder_take(struct scan *scan, struct image_node *folder,
		       struct verity_error *err)
{
	char path[IMAGE_PATH_MAX + 1];
	int r;

	if (image_node_path(folder, path) < 0)
		return image_node_fail(err, folder, NULL, "path longer than %d bytes",
				       IMAGE_PATH_MAX);
	r = folder_read(scan, folder, err);
	if (r == 0 && image_node_sort(folder) < 0)
		return verity_fail_errno(err, ENOMEM, "tree");
	for (size_t i = 0; r == 0 && i < folder->child_count; i++)
		if (S_ISDIR(folder->children[i]->inode->mode))
			r = folder_take(scan, folder->children[i], err);
	return r;
}

int image_dir_scan(int fd, struct image_tree *tree, struct verity_error *err)
{
	struct scan scan = {.fd = fd, .tree = tree};
	int r = folder_take(&scan, tree->root, err);

	tdestroy(scan.known, free);
	return r;
}
