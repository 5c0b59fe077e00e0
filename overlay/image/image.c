/* SPDX-License-Identifier: MIT */
/* Writes an image: reads the source's tree, checks it, then copies data and tables. */
#include "overlay/image/image.h"
#include "overlay/image/base.h"
#include "overlay/image/rules.h"
#include "overlay/image/sources.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int source_open(const char *source, int *ret_fd, bool *ret_folder,
		       struct verity_error *err)
{
	int fd = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;
	struct verity_error why = {.code = VERITY_OK};

	*ret_folder = fd >= 0;
	if (r == -ENOTDIR)
		r = verity_io_open(AT_FDCWD, source, O_RDONLY, &fd, NULL, &why);
	if (r == -EACCES || r == -EPERM)
		return verity_fail(err, VERITY_E_BAD_TREE, "no permission to read it");
	if (why.code == VERITY_E_NOT_A_FILE)
		return verity_fail(err, VERITY_E_BAD_TREE,
				   "neither a folder nor a tar archive");
	if (r < 0)
		return verity_fail_errno(err, -r, "cannot open it");
	*ret_fd = fd;
	return 0;
}

/* @ret: image_tree_free() */
static int base_read(const char *source, struct image_tree **ret,
		     struct overlay_closure *ret_libraries, struct verity_error *err)
{
	cleanup_with(image_tree_free_p) struct image_tree *tree = NULL;
	cleanup_fd int fd = -1;
	const struct overlay_closure_tree root = {overlay_closure_at_root, &fd};
	char shown[IMAGE_PATH_SHOWN];
	bool folder = false;
	struct stat st;
	int r = source_open(source, &fd, &folder, err);

	if (r == 0)
		r = image_tree_new(0, &tree, err);
	if (r < 0)
		return verity_context(err, r, "%s", image_path_show(source, shown));
	tree->is_base = true;
	tree->keep_owners = fstat(fd, &st) == 0 && st.st_uid == 0;
	if (!folder)
		r = image_base_is_list(fd, &tree->is_list, err);
	if (r == 0)
		r = folder ? image_dir_scan(fd, tree, err)
			   : image_tar_scan(fd, tree, err);
	if (r == 0)
		r = image_tree_seal(tree, err);
	if (r == 0)
		r = image_rules_check_kind(tree, err);
	/* Other sources do not have the data of files, or not in this order. */
	if (r == 0 && folder && ret_libraries)
		r = overlay_closure_add_protected(ret_libraries, &root, NULL, err);
	if (r < 0)
		return verity_context(err, r, "%s", image_path_show(source, shown));
	*ret = steal_ptr(&tree);
	return 0;
}

int overlay_image_list(const char *source, char **ret, struct verity_error *err)
{
	cleanup_with(image_tree_free_p) struct image_tree *tree = NULL;
	cleanup_free char *text = NULL;
	size_t bytes;
	FILE *out;
	int r = base_read(source, &tree, NULL, err);

	if (r < 0)
		return r;
	out = open_memstream(&text, &bytes);
	if (!out)
		return verity_no_memory(err);
	r = image_base_print(tree->root, out);
	if (!verity_text_end(out, &text))
		return verity_no_memory(err);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", source);
	*ret = steal_ptr(&text);
	return 0;
}

/* Where a processor has 32 bits, its time_t may be another than that of this program. */
static int check_archive_times(struct verity_error *err)
{
	const int64_t when = INT64_C(0x123456789);
	struct archive_entry *entry = archive_entry_new();
	bool same;

	if (!entry)
		return verity_no_memory(err);
	archive_entry_set_mtime(entry, when, 0);
	same = archive_entry_mtime(entry) == when;
	archive_entry_free(entry);
	return same ? 0
		    : verity_fail(err, VERITY_E_UNSUPPORTED,
				  "libarchive of this host has no 64-bit times (build it "
				  "with -D_TIME_BITS=64)");
}

int overlay_image_write(const char *source, int fd,
			const struct overlay_image_options *options, uint64_t *ret_bytes,
			struct overlay_image_notes *ret_notes, struct verity_error *err)
{
	cleanup_with(image_tree_free_p) struct image_tree *tree = NULL;
	cleanup_with(image_tree_free_p) struct image_tree *base = NULL;
	cleanup_with(overlay_closure_free) struct overlay_closure libraries = {0};
	cleanup_with(image_writer_free_p) struct image_writer *writer = NULL;
	cleanup_fd int source_fd = -1;
	char shown[IMAGE_PATH_SHOWN];
	bool folder = false;
	int r = options->base ? base_read(options->base, &base, &libraries, err) : 0;

	if (r < 0)
		return r;
	r = check_archive_times(err);
	if (r == 0)
		r = source_open(source, &source_fd, &folder, err);
	if (r == 0)
		r = image_tree_new(options->source_date, &tree, err);
	if (r == 0)
		r = image_writer_new(fd, options->compressor, options->threads,
				     (uint32_t)tree->source_date, &writer, err);
	if (r == 0)
		tree->all_attributes = options->all_attributes;
	if (r == 0)
		r = folder ? image_dir_scan(source_fd, tree, err)
			   : image_tar_scan(source_fd, tree, err);
	if (r == 0) {
		image_rules_prune(tree);
		r = image_tree_seal(tree, err);
	}
	if (r == 0)
		r = image_rules_check_kind(tree, err);
	if (r == 0)
		r = image_base_apply(tree, base ? base->root : NULL, &libraries,
				     options->keep_looks, options->force, err);
	if (r == 0)
		r = image_rules_check(tree->root, err);
	if (r == 0)
		r = folder ? image_dir_data(source_fd, tree, writer, err)
			   : image_tar_data(source_fd, tree, writer, err);
	if (r == 0)
		r = image_data_finish(writer, tree, err);
	if (r == 0)
		r = image_meta_write(writer, tree, ret_bytes, err);
	if (r < 0)
		return verity_context(err, r, "%s", image_path_show(source, shown));
	tree->notes.empty = tree->root->child_count == 0;
	*ret_notes = tree->notes;
	return 0;
}
