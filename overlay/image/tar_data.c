/* SPDX-License-Identifier: MIT */
#include "overlay/image/source.h"
#include "overlay/image/tar.h"

#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>

struct feed {
	struct image_tar tar;
	struct image_writer *writer;
	const char *path;            /* of the current entry, for messages; borrowed */
	struct image_inode **wanted; /* by number; NULL for what needs no data */
	uint64_t wanted_count;
};

static void feed_close_p(struct feed *feed)
{
	image_tar_close_p(&feed->tar);
	free(feed->wanted);
}

/* Whose data each entry of the archive is: those that nothing has replaced since. */
static int wanted_collect(struct feed *feed, const struct image_tree *tree,
			  struct verity_error *err)
{
	for (const struct image_inode *inode = tree->inodes; inode; inode = inode->next)
		if (inode->number != 0 && inode->entry != IMAGE_NO_ENTRY &&
		    inode->entry >= feed->wanted_count)
			feed->wanted_count = inode->entry + 1;
	if (feed->wanted_count < SIZE_MAX)
		feed->wanted = calloc((size_t)feed->wanted_count + 1,
				      sizeof(struct image_inode *));
	if (!feed->wanted)
		return verity_fail_errno(err, ENOMEM, "tree");
	for (struct image_inode *inode = tree->inodes; inode; inode = inode->next)
		if (inode->number != 0 && inode->entry != IMAGE_NO_ENTRY)
			feed->wanted[inode->entry] = inode;
	return 0;
}

static int changed(const struct feed *feed, struct verity_error *err)
{
	char shown[IMAGE_PATH_SHOWN];

	return verity_fail(err, VERITY_E_BAD_TREE, "%s: changed while it was read",
			   image_path_show(feed->path, shown));
}

static int data_feed(const struct feed *feed, uint64_t bytes, struct verity_error *err)
{
	const void *part;
	size_t count;
	int64_t place;
	int r = 0, a;

	while (r == 0) {
		a = archive_read_data_block(feed->tar.archive, &part, &count, &place);
		if (a == ARCHIVE_EOF)
			break;
		if (a != ARCHIVE_OK)
			return image_tar_fail(&feed->tar, feed->path, err);
		if (place < 0 || (uint64_t)place < feed->writer->place ||
		    (uint64_t)place > bytes || count > bytes - (uint64_t)place)
			return changed(feed, err);
		if ((uint64_t)place > feed->writer->place)
			r = image_data_hole(feed->writer,
					    (uint64_t)place - feed->writer->place, err);
		if (r == 0 && count > 0)
			r = image_data_write(feed->writer, part, count, err);
	}
	if (r == 0 && feed->writer->place < bytes)
		r = image_data_hole(feed->writer, bytes - feed->writer->place, err);
	return r;
}

static int entry_feed(struct feed *feed, struct archive_entry *entry,
		      struct verity_error *err)
{
	struct image_inode *inode = NULL;
	int r;

	if (feed->tar.entry < feed->wanted_count)
		inode = feed->wanted[feed->tar.entry];
	if (!inode)
		return 0;
	feed->wanted[feed->tar.entry] = NULL;
	feed->path = archive_entry_pathname(entry);
	if (!feed->path || !S_ISREG(archive_entry_mode(entry)) ||
	    (uint64_t)archive_entry_size(entry) != inode->bytes)
		return verity_fail(err, VERITY_E_BAD_TREE, "changed while it was read");
	r = image_data_begin(feed->writer, inode, err);
	if (r == 0)
		r = data_feed(feed, inode->bytes, err);
	return r == 0 ? image_data_end(feed->writer, err) : r;
}

int image_tar_feed(int fd, struct image_tree *tree, struct image_writer *writer,
		   struct verity_error *err)
{
	cleanup_with(feed_close_p) struct feed feed = {.writer = writer};
	struct archive_entry *entry;
	int r = wanted_collect(&feed, tree, err);

	if (r == 0)
		r = image_tar_open(fd, &feed.tar, err);
	while (r == 0) {
		r = image_tar_next(&feed.tar, &entry, err);
		if (r <= 0)
			break;
		r = entry_feed(&feed, entry, err);
	}
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < feed.wanted_count; i++)
		if (feed.wanted[i])
			return verity_fail(err, VERITY_E_BAD_TREE,
					   "changed while it was read");
	return 0;
}
