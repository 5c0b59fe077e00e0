/* SPDX-License-Identifier: MIT */
/* A tar archive as a tree, as `create` reads it, and its data where there is little. */
#include "tests/fuzz/pieces.h"

#include <sys/mman.h>

#include "overlay/fs/protect.h"
#include "overlay/image/rules.h"
#include "overlay/image/sources.h"

#define DATA_MAX (1 << 20) /* bytes of all files: a hole of 1 TiB takes its time */

static int new_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	require(fd >= 0);
	return fd;
}

/* The names of a folder are in order and lead nowhere else; returns the bytes of files.
 */
static uint64_t check(const struct image_node *node, bool accepted)
{
	uint64_t bytes = S_ISREG(node->inode->mode) ? node->inode->bytes : 0;
	char path[IMAGE_PATH_MAX + 1];

	require(!accepted || image_node_path(node, path) == 0);
	require(!accepted || !overlay_protected_path(path));
	require(bytes <= IMAGE_FILE_MAX);
	for (size_t i = 0; i < node->child_count; i++) {
		const struct image_node *child = node->children[i];

		require(S_ISDIR(node->inode->mode) && child->parent == node);
		require(child->name[0] && !strchr(child->name, '/') &&
			strcmp(child->name, ".") != 0 && strcmp(child->name, "..") != 0);
		require(strlen(child->name) <= IMAGE_NAME_MAX);
		require(i == 0 || strcmp(node->children[i - 1]->name, child->name) < 0);
		bytes += check(child, accepted);
		require(bytes < UINT64_MAX / 2);
	}
	return bytes;
}

static void write_image(int fd, struct image_tree *tree)
{
	struct image_writer *writer;
	int out = new_file("image");
	uint64_t bytes = 0;

	require(image_writer_new(out, "gzip", 1, (uint32_t)tree->source_date, &writer,
				 NULL) == 0);
	if (image_tar_data(fd, tree, writer, NULL) == 0 &&
	    image_data_finish(writer, tree, NULL) == 0)
		(void)!image_meta_write(writer, tree, &bytes, NULL);
	image_writer_free(writer);
	close(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_tree *tree;
	int fd = new_file("tar");
	bool accepted;

	require(write(fd, data, size) == (ssize_t)size);
	require(image_tree_new(1000000000, &tree, NULL) == 0);
	if (image_tar_scan(fd, tree, NULL) == 0) {
		image_rules_prune(tree);
		require(image_tree_seal(tree, NULL) == 0);
		accepted = image_rules_check(tree->root, NULL) == 0;
		if (check(tree->root, accepted) <= DATA_MAX && accepted)
			write_image(fd, tree);
	}
	image_tree_free(tree);
	close(fd);
	return 0;
}
