/* SPDX-License-Identifier: MIT */
/*
 * A folder as the source of an image.
 *
 * Of libarchive's disk reader (3.6) only archive_read_disk_entry_from_file() is used. Its
 * walk, archive_read_disk_open(), does not do what a reproducible image needs: it hands
 * out data in the order of the disk; it opens names without O_NOFOLLOW and O_NONBLOCK, so
 * a folder that is replaced while it is read leads elsewhere, and a FIFO blocks; and it
 * does not keep the errno of a folder that cannot be opened.
 */
#include "overlay/image/entry.h"
#include "overlay/image/rules.h"
#include "overlay/image/sources.h"
#include "verity/util/dir.h"
#include "verity/util/io.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define READ_BYTES (256 * 1024)

/* A file that has several names, to be recognised by the next of them. */
struct known {
	dev_t device;
	ino_t number;
	struct image_inode *inode;
};

struct scan {
	int fd; /* the source; borrowed */
	struct image_tree *tree;
	struct archive *disk;
	struct archive_entry *entry; /* used for one entry after another */
	void *known;                 /* tsearch() tree */
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

/* NULL where memory ran out. */
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

/*
 * Opens the folder of a node, one name after another from the source: no link is followed
 * and a deep tree takes no more descriptors than a flat one.
 *
 * Return: a descriptor; -errno.
 */
static int folder_open(int fd, const struct image_node *node)
{
	char path[IMAGE_PATH_MAX + 1], *rest = path, *name;
	int at = image_node_path(node, path);

	if (at == 0) {
		at = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		at = at < 0 ? -errno : at;
	}
	while (at >= 0 && (name = strsep(&rest, "/")) && *name) {
		int below =
			openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		below = below < 0 ? -errno : below;
		close(at);
		at = below;
	}
	return at;
}

/*
 * A libarchive that was built without extended attributes reports none: files would lose
 * their capabilities, and opaque folders what they hide.
 */
static int xattrs_check(struct scan *scan, const char *path,
			const struct image_node *folder, const char *shown,
			struct verity_error *err)
{
	static const char *const kept[] = {"security.capability", IMAGE_XATTR_OPAQUE,
					   "user.overlay.opaque",
					   "user.fuseoverlayfs.opaque"};
	bool lost = scan->tree->all_attributes;

	if (scan->tree->is_base || archive_entry_xattr_count(scan->entry) > 0 ||
	    llistxattr(path, NULL, 0) <= 0)
		return 0;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && !lost; i++)
		lost = lgetxattr(path, kept[i], NULL, 0) >= 0;
	if (!lost)
		return 0;
	return image_node_fail(err, folder, shown,
			       "its extended attributes cannot be read: this libarchive "
			       "was built without them (use one that has them, or a tar "
			       "file)");
}

/*
 * Fills @scan->entry. libarchive takes names only, so they are read below the folder's
 * descriptor, and the entry must be the same file after as before. ACLs are looked for
 * here, as a libarchive built without them reports none.
 * @name: "." for the folder itself
 */
static int entry_read(struct scan *scan, int dirfd, const struct image_node *folder,
		      const char *name, struct stat *ret, struct verity_error *err)
{
	static const char *const acls[] = {"system.posix_acl_access",
					   "system.posix_acl_default"};
	const char *shown = strcmp(name, ".") == 0 ? NULL : name;
	char path[sizeof("/proc/self/fd/-2147483648/") + IMAGE_NAME_MAX];
	struct stat after;
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	if (fstatat(dirfd, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return image_node_fail_errno(err, folder, shown, errno);
	if (S_ISLNK(ret->st_mode) && ret->st_size == 0)
		return image_node_fail(
			err, folder, shown,
			"a link of no length, as in /proc (unmount what is "
			"not part of the tree)");
	archive_entry_clear(scan->entry);
	archive_entry_copy_sourcepath(scan->entry, path);
	if (archive_read_disk_entry_from_file(scan->disk, scan->entry, -1, ret) !=
	    ARCHIVE_OK)
		return image_node_fail_errno(err, folder, shown,
					     archive_errno(scan->disk));
	for (size_t i = 0; i < 2; i++)
		if (lgetxattr(path, acls[i], NULL, 0) >= 0)
			archive_entry_xattr_add_entry(scan->entry, acls[i], "", 0);
	r = xattrs_check(scan, path, folder, shown, err);
	if (r < 0)
		return r;
	if (!scan->tree->keep_owners) {
		archive_entry_set_uid(scan->entry, 0);
		archive_entry_set_gid(scan->entry, 0);
	}
	if (fstatat(dirfd, name, &after, AT_SYMLINK_NOFOLLOW) < 0)
		return image_node_fail_errno(err, folder, shown, errno);
	if (after.st_dev != ret->st_dev || after.st_ino != ret->st_ino ||
	    after.st_mode != ret->st_mode || after.st_size != ret->st_size)
		return image_node_fail(err, folder, shown, "changed while it was read");
	return 0;
}

/*
 * A set-user-ID program of the person who built it would be one of root, as its owner
 * becomes root. Which of two files is noted does not depend on the order of the disk.
 */
static void set_ids_clear(struct scan *scan, const struct image_node *folder,
			  const char *name, const struct stat *st,
			  struct image_inode *inode)
{
	struct overlay_image_notes *notes = &scan->tree->notes;
	mode_t others = (st->st_uid ? S_ISUID : 0) | (st->st_gid ? S_ISGID : 0);
	char path[IMAGE_PATH_MAX + 1], whole[2 * IMAGE_PATH_MAX + 2];
	char shown[IMAGE_PATH_SHOWN];

	/* a base is compared with, and its folders keep what the firmware has */
	if (!(inode->mode & others) || scan->tree->is_base)
		return;
	inode->mode &= ~others;
	/* folder_scan() refused what has no path */
	if (image_node_path(folder, path) < 0)
		path[0] = '\0';
	snprintf(whole, sizeof(whole), "%s%s%s", path, *path ? "/" : "", name);
	image_path_show(whole, shown);
	if (notes->set_ids++ == 0 || strcmp(shown, notes->set_id_path) < 0)
		strcpy(notes->set_id_path, shown);
}

static int entry_add(struct scan *scan, int dirfd, struct image_node *folder,
		     const char *name, struct verity_error *err)
{
	struct image_inode *inode = NULL;
	struct known *known = NULL;
	struct stat st;
	int r = entry_read(scan, dirfd, folder, name, &st, err);

	if (r < 0)
		return r;
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1) {
		known = known_find(scan, &st);
		if (!known)
			return verity_fail_errno(err, ENOMEM, "tree");
		inode = known->inode;
	}
	if (!inode) {
		r = image_entry_inode(scan->tree, folder, name, scan->entry, &inode, err);
		if (r < 0)
			return r;
		set_ids_clear(scan, folder, name, &st, inode);
	}
	if (known)
		known->inode = inode;
	return image_rules_add(scan->tree, folder, name, inode, err);
}

/* Reads one folder, and closes it before those below it are opened. */
static int folder_read(struct scan *scan, struct image_node *folder,
		       struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	struct stat st;
	int fd = folder_open(scan->fd, folder), r = 0, next = 0;

	if (fd < 0)
		return image_node_fail_errno(err, folder, NULL, -fd);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return verity_fail_errno(err, ENOMEM, "tree");
	}
	if (!folder->parent) {
		r = entry_read(scan, fd, folder, ".", &st, err);
		if (r == 0)
			r = image_entry_root(scan->tree, scan->entry, err);
	}
	while (r == 0 && (next = verity_dir_next(dir, &entry)) > 0)
		r = entry_add(scan, fd, folder, entry->d_name, err);
	return r == 0 && next < 0 ? image_node_fail_errno(err, folder, NULL, -next) : r;
}

static int folder_scan(struct scan *scan, struct image_node *folder,
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
			r = folder_scan(scan, folder->children[i], err);
	return r;
}

int image_dir_scan(int fd, struct image_tree *tree, struct verity_error *err)
{
	struct scan scan = {
		.fd = fd,
		.tree = tree,
		.disk = archive_read_disk_new(),
		.entry = archive_entry_new(),
	};
	int r;

	if (!scan.disk || !scan.entry ||
	    archive_read_disk_set_behavior(
		    scan.disk, ARCHIVE_READDISK_NO_ACL | ARCHIVE_READDISK_NO_FFLAGS |
				       ARCHIVE_READDISK_NO_SPARSE) != ARCHIVE_OK ||
	    archive_read_disk_set_symlink_physical(scan.disk) != ARCHIVE_OK)
		r = verity_fail_errno(err, ENOMEM, "tree");
	else
		r = folder_scan(&scan, tree->root, err);
	tdestroy(scan.known, free);
	archive_entry_free(scan.entry);
	archive_read_free(scan.disk);
	return r;
}

struct feed {
	int fd; /* the source; borrowed */
	struct image_writer *writer;
	char *buffer;
};

/* Asks for the next data before each read: holes are not read, however long they are. */
static int data_copy(const struct feed *feed, const struct image_node *node, int fd,
		     struct verity_error *err)
{
	uint64_t at = 0, bytes = node->inode->bytes;
	int r = 0;

	while (r == 0 && at < bytes) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA);
		size_t want;
		ssize_t n;

		if ((data < 0 && errno == ENXIO) ||
		    (data >= 0 && (uint64_t)data >= bytes))
			break;
		/* other errors: a file system that does not know its holes */
		if (data > (off_t)at)
			at = (uint64_t)data;
		want = bytes - at < READ_BYTES ? (size_t)(bytes - at) : READ_BYTES;
		n = pread(fd, feed->buffer, want, (off_t)at);
		if (n < 0 && errno != EINTR)
			return image_node_fail_errno(err, node, NULL, errno);
		if (n == 0)
			return image_node_fail(err, node, NULL,
					       "changed while it was read");
		if (n > 0)
			r = image_data_put(feed->writer, at, feed->buffer, (size_t)n,
					   err);
		at += n > 0 ? (uint64_t)n : 0;
	}
	return r;
}

static int file_data(const struct feed *feed, int dirfd, const struct image_node *node,
		     struct verity_error *err)
{
	cleanup_fd int fd = -1;
	struct verity_error why;
	struct stat st;
	int r = verity_io_open(dirfd, node->name, O_RDONLY | O_NOFOLLOW, &fd, &st, &why);

	if (r < 0 && why.code != VERITY_E_NOT_A_FILE)
		return image_node_fail_errno(err, node, NULL, -r);
	if (r < 0 || (uint64_t)st.st_size != node->inode->bytes)
		return image_node_fail(err, node, NULL, "changed while it was read");
	r = image_data_begin(feed->writer, node->inode, err);
	if (r == 0)
		r = data_copy(feed, node, fd, err);
	if (r == 0)
		r = image_data_end(feed->writer, err);
	if (r == 0 && (fstat(fd, &st) < 0 || (uint64_t)st.st_size != node->inode->bytes))
		return image_node_fail(err, node, NULL, "changed while it was read");
	return r;
}

static int folder_data(const struct feed *feed, const struct image_node *folder,
		       struct verity_error *err)
{
	int fd = -1, r = 0;

	for (size_t i = 0; r == 0 && i < folder->child_count; i++) {
		const struct image_node *node = folder->children[i];

		if (!S_ISREG(node->inode->mode) || node->inode->data_done)
			continue;
		if (fd < 0)
			fd = folder_open(feed->fd, folder);
		r = fd < 0 ? image_node_fail_errno(err, folder, NULL, -fd)
			   : file_data(feed, fd, node, err);
	}
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; r == 0 && i < folder->child_count; i++)
		if (S_ISDIR(folder->children[i]->inode->mode))
			r = folder_data(feed, folder->children[i], err);
	return r;
}

int image_dir_data(int fd, struct image_tree *tree, struct image_writer *writer,
		   struct verity_error *err)
{
	cleanup_free char *buffer = malloc(READ_BYTES);
	const struct feed feed = {.fd = fd, .writer = writer, .buffer = buffer};

	if (!buffer)
		return verity_fail_errno(err, ENOMEM, "tree");
	return folder_data(&feed, tree->root, err);
}
