/* SPDX-License-Identifier: MIT */
#include "overlay/image/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define READ_BYTES (256 * 1024)

struct feed {
	int fd; /* the source; borrowed */
	struct image_writer *writer;
	char *buffer;
};

/* One file being read: where it is in the tree is for messages. */
struct reading {
	int fd;
	const struct image_node *node;
	uint64_t bytes;
	bool sparse;
};

static int changed(const struct reading *reading, struct verity_error *err)
{
	return image_node_fail(err, reading->node, NULL, "changed while it was read");
}

static int part_feed(const struct feed *feed, const struct reading *reading,
		     uint64_t place, uint64_t end, struct verity_error *err)
{
	int r = 0;

	while (r == 0 && place < end) {
		size_t want =
			end - place < READ_BYTES ? (size_t)(end - place) : READ_BYTES;
		ssize_t n = pread(reading->fd, feed->buffer, want, (off_t)place);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return image_node_fail_errno(err, reading->node, NULL, errno);
		if (n == 0)
			return changed(reading, err);
		place += (uint64_t)n;
		r = image_data_write(feed->writer, feed->buffer, (size_t)n, err);
	}
	return r;
}

/* Where the next data begins and ends, at or after @place; at most to the file's end. */
static void part_find(const struct reading *reading, uint64_t place, uint64_t *ret_start,
		      uint64_t *ret_end)
{
	off_t start, end;

	*ret_start = place;
	*ret_end = reading->bytes;
	if (!reading->sparse)
		return;
	start = lseek(reading->fd, (off_t)place, SEEK_DATA);
	if (start < 0 && errno == ENXIO)
		start = (off_t)reading->bytes;
	if (start < 0)
		return; /* a file system that does not know its holes */
	if ((uint64_t)start > reading->bytes)
		start = (off_t)reading->bytes;
	*ret_start = (uint64_t)start;
	end = lseek(reading->fd, start, SEEK_HOLE);
	if (end >= start && (uint64_t)end < reading->bytes)
		*ret_end = (uint64_t)end;
}

static int data_feed(const struct feed *feed, const struct reading *reading,
		     struct verity_error *err)
{
	uint64_t place = 0, start, end;
	int r = 0;

	while (r == 0 && place < reading->bytes) {
		part_find(reading, place, &start, &end);
		if (start > place)
			r = image_data_hole(feed->writer, start - place, err);
		if (r == 0)
			r = part_feed(feed, reading, start, end, err);
		place = end;
	}
	return r;
}

static int file_feed(const struct feed *feed, int dirfd, const struct image_node *node,
		     struct verity_error *err)
{
	struct image_inode *inode = node->inode;
	struct reading reading = {.node = node, .bytes = inode->bytes};
	cleanup_fd int fd =
		openat(dirfd, node->name,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return image_node_fail_errno(err, node, NULL, errno);
	if (fstat(fd, &st) < 0)
		return image_node_fail_errno(err, node, NULL, errno);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != inode->bytes)
		return changed(&reading, err);
	reading.fd = fd;
	reading.sparse = (uint64_t)st.st_blocks * 512 < inode->bytes;
	r = image_data_begin(feed->writer, inode, err);
	if (r == 0)
		r = data_feed(feed, &reading, err);
	if (r == 0)
		r = image_data_end(feed->writer, err);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != reading.bytes)
		return changed(&reading, err);
	return 0;
}

static int files_feed(const struct feed *feed, const struct image_node *folder,
		      struct verity_error *err)
{
	cleanup_fd int fd = -1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < folder->child_count; i++) {
		const struct image_node *node = folder->children[i];

		if (!S_ISREG(node->inode->mode) || node->inode->data_done)
			continue;
		if (fd < 0)
			fd = image_dir_open(feed->fd, folder);
		if (fd < 0)
			return image_node_fail_errno(err, folder, NULL, errno);
		r = file_feed(feed, fd, node, err);
	}
	return r;
}

static int folder_feed(const struct feed *feed, const struct image_node *folder,
		       struct verity_error *err)
{
	int r = files_feed(feed, folder, err);

	for (size_t i = 0; r == 0 && i < folder->child_count; i++)
		if (S_ISDIR(folder->children[i]->inode->mode))
			r = folder_feed(feed, folder->children[i], err);
	return r;
}

int image_dir_feed(int fd, struct image_tree *tree, struct image_writer *writer,
		   struct verity_error *err)
{
	cleanup_free char *buffer = malloc(READ_BYTES);
	struct feed feed = {.fd = fd, .writer = writer, .buffer = buffer};

	if (!buffer)
		return verity_fail_errno(err, ENOMEM, "tree");
	return folder_feed(&feed, tree->root, err);
}
