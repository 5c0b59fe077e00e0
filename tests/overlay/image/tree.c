/* SPDX-License-Identifier: MIT */
#include "tests/overlay/image/tree.h"
#include "overlay/image/output_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <ftw.h>
#include <sqfs/compressor.h>
#include <sqfs/dir_reader.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/super.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int entry_remove(const char *path, const struct stat *st, int kind,
			struct FTW *place)
{
	(void)st;
	(void)kind;
	(void)place;
	return remove(path);
}

/* A failed test leaves by longjmp(): what it made goes with the group's folder. */
static struct tree_scratch group;

int tree_group_setup(void **state)
{
	(void)state;
	strcpy(group.path, "/tmp/wmopkg-image-XXXXXX");
	return mkdtemp(group.path) && chmod(group.path, 0755) == 0 ? 0 : -1;
}

int tree_group_teardown(void **state)
{
	(void)state;
	tree_scratch_free(&group);
	return 0;
}

void tree_scratch_make(struct tree_scratch *ret)
{
	snprintf(ret->path, sizeof(ret->path), "%s/XXXXXX", group.path);
	assert_non_null(mkdtemp(ret->path));
	assert_int_equal(chmod(ret->path, 0755), 0);
}

void tree_scratch_free(struct tree_scratch *scratch)
{
	nftw(scratch->path, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void file_make(const char *path, const struct tree_entry *entry)
{
	FILE *file = fopen(path, "wx");

	assert_non_null(file);
	if (entry->text)
		fputs(entry->text, file);
	assert_int_equal(fflush(file), 0);
	if (entry->bytes > 0)
		assert_int_equal(ftruncate(fileno(file), (off_t)entry->bytes), 0);
	assert_int_equal(fclose(file), 0);
}

void tree_make(const char *path, const struct tree_entry *entries, size_t count)
{
	char place[4096], target[4096];

	for (const struct tree_entry *entry = entries; entry < entries + count; entry++) {
		int r = 0;

		snprintf(place, sizeof(place), "%s/%s", path, entry->path);
		if (entry->type == 'd')
			r = mkdir(place, entry->mode);
		else if (entry->type == 'f')
			file_make(place, entry);
		else if (entry->type == 'l')
			r = symlink(entry->text, place);
		else if (entry->type == 'p')
			r = mkfifo(place, entry->mode);
		else if (entry->type == 'h') {
			snprintf(target, sizeof(target), "%s/%s", path, entry->text);
			r = link(target, place);
		}
		if (r == 0 && (entry->type == 'd' || entry->type == 'f'))
			r = chmod(place, entry->mode);
		if (r != 0)
			fail_msg("cannot make %s", place);
	}
}

static void entry_describe(struct archive_entry *to, const struct tree_entry *from)
{
	uint64_t bytes = from->text ? strlen(from->text) : 0;

	archive_entry_copy_pathname(to, from->path);
	archive_entry_set_perm(to, from->mode);
	archive_entry_set_uid(to, from->owner);
	archive_entry_set_gid(to, from->owner);
	archive_entry_set_mtime(to, 1000, 0);
	archive_entry_set_filetype(to, from->type == 'd'   ? AE_IFDIR
				       : from->type == 'l' ? AE_IFLNK
				       : from->type == 'c' ? AE_IFCHR
				       : from->type == 'p' ? AE_IFIFO
							   : AE_IFREG);
	if (from->type == 'l')
		archive_entry_copy_symlink(to, from->text);
	if (from->type == 'h')
		archive_entry_copy_hardlink(to, from->text);
	if (from->type != 'f')
		return;
	archive_entry_set_size(to, (int64_t)(from->bytes ? from->bytes : bytes));
	if (from->bytes > 0)
		archive_entry_sparse_add_entry(to, 0, (int64_t)bytes);
}

static void xattr_describe(struct archive_entry *to, const char *text)
{
	const char *equals = strchr(text, '=');
	char name[256];

	assert_non_null(equals);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	archive_entry_xattr_add_entry(to, name, equals + 1, strlen(equals + 1));
}

static void entry_write(struct archive *archive, const struct tree_entry *entry)
{
	struct archive_entry *described = archive_entry_new();

	entry_describe(described, entry);
	if (entry->xattr)
		xattr_describe(described, entry->xattr);
	if (archive_write_header(archive, described) != ARCHIVE_OK)
		fail_msg("%s: %s", entry->path, archive_error_string(archive));
	if (entry->type == 'f' && entry->text)
		archive_write_data(archive, entry->text, strlen(entry->text));
	archive_entry_free(described);
}

void tree_archive(const char *path, const char *format, const char *filter,
		  const struct tree_entry *entries, size_t count)
{
	struct archive *archive = archive_write_new();

	assert_non_null(archive);
	assert_int_equal(archive_write_set_format_by_name(archive, format), ARCHIVE_OK);
	if (filter)
		assert_int_equal(archive_write_add_filter_by_name(archive, filter),
				 ARCHIVE_OK);
	if (strcmp(format, "pax") == 0)
		archive_write_set_options(archive, "pax:hdrcharset=BINARY");
	assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++)
		entry_write(archive, &entries[i]);
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_write_free(archive);
}

int tree_image(const char *source, const char *compressor, unsigned threads,
	       int *ret_result, struct verity_error *err)
{
	const struct overlay_image_options options = {
		.compressor = compressor, .threads = threads, .source_date = 1700000000};
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct overlay_image_notes notes;
	uint64_t bytes = 12345;
	struct stat st;

	assert_true(fd >= 0);
	*ret_result = overlay_image_write(source, fd, &options, &bytes, &notes, err);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(bytes, *ret_result == 0 ? st.st_size : 12345);
	return fd;
}

static void inode_sizes(const sqfs_inode_generic_t *inode, uint32_t *links,
			uint64_t *size)
{
	*links = 1;
	*size = 0;
	if (inode->base.type == SQFS_INODE_FILE ||
	    inode->base.type == SQFS_INODE_EXT_FILE)
		sqfs_inode_get_file_size(inode, size);
	if (inode->base.type == SQFS_INODE_EXT_FILE)
		*links = inode->data.file_ext.nlink;
	else if (inode->base.type == SQFS_INODE_DIR)
		*links = inode->data.dir.nlink;
	else if (inode->base.type == SQFS_INODE_EXT_DIR)
		*links = inode->data.dir_ext.nlink;
}

static void node_print(FILE *out, const sqfs_tree_node_t *node)
{
	static const char types[16] = {[S_IFDIR >> 12] = 'd', [S_IFREG >> 12] = 'f',
				       [S_IFLNK >> 12] = 'l', [S_IFCHR >> 12] = 'c',
				       [S_IFBLK >> 12] = 'b', [S_IFIFO >> 12] = 'p',
				       [S_IFSOCK >> 12] = 's'};
	unsigned mode = node->inode->base.mode;
	uint32_t links;
	uint64_t size;
	char *path;

	assert_int_equal(sqfs_tree_node_get_path(node, &path), 0);
	inode_sizes(node->inode, &links, &size);
	fprintf(out, "%c %o %u %u %llu %s", types[mode >> 12], mode & 07777, node->uid,
		links, (unsigned long long)size, path);
	if (S_ISLNK(mode))
		fprintf(out, " -> %.*s", (int)node->inode->data.slink.target_size,
			(const char *)node->inode->extra);
	fputc('\n', out);
	free(path);
	for (const sqfs_tree_node_t *below = node->children; below; below = below->next)
		node_print(out, below);
}

/* The whole image; sqfs_dir_tree_destroy(). */
static sqfs_tree_node_t *tree_read(int fd)
{
	int failed = 0;
	sqfs_file_t *file = image_file_new(fd, &failed);
	sqfs_id_table_t *ids = sqfs_id_table_create(0);
	sqfs_compressor_config_t config;
	sqfs_compressor_t *compressor;
	sqfs_dir_reader_t *reader;
	sqfs_tree_node_t *root;
	sqfs_super_t super;

	assert_int_equal(sqfs_super_read(&super, file), 0);
	sqfs_compressor_config_init(&config, super.compression_id, super.block_size,
				    SQFS_COMP_FLAG_UNCOMPRESS);
	assert_int_equal(sqfs_compressor_create(&config, &compressor), 0);
	assert_int_equal(sqfs_id_table_read(ids, file, &super, compressor), 0);
	reader = sqfs_dir_reader_create(&super, compressor, file, 0);
	assert_non_null(reader);
	assert_int_equal(sqfs_dir_reader_get_full_hierarchy(reader, ids, NULL, 0, &root),
			 0);
	sqfs_destroy(reader);
	sqfs_destroy(compressor);
	sqfs_destroy(ids);
	sqfs_destroy(file);
	return root;
}

uint32_t tree_time(int fd, const char *name)
{
	sqfs_tree_node_t *root = tree_read(fd);
	uint32_t seconds = 0;

	for (const sqfs_tree_node_t *node = root->children; node; node = node->next)
		if (strcmp((const char *)node->name, name) == 0)
			seconds = node->inode->base.mod_time;
	sqfs_dir_tree_destroy(root);
	return seconds;
}

char *tree_list(int fd)
{
	sqfs_tree_node_t *root = tree_read(fd);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	node_print(out, root);
	fclose(out);
	sqfs_dir_tree_destroy(root);
	return text;
}
