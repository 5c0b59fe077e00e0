/* SPDX-License-Identifier: MIT */
/* The end of an image: inodes, folder listings, tables and super block. */
#include "overlay/image/writer.h"

#include <sqfs/error.h>
#include <sqfs/inode.h>
#include <string.h>
#include <sys/stat.h>

#define NO_XATTRS UINT32_MAX

/* Writes the listing; every entry's inode has been written already. */
static int folder_pack(struct image_writer *writer, const struct image_tree *tree,
		       const struct image_node *folder, uint32_t xattrs,
		       sqfs_inode_generic_t **ret)
{
	/* The root's parent is the first number that no inode has, as in mksquashfs. */
	uint32_t parent =
		folder->parent ? folder->parent->inode->number : tree->inode_count + 1;
	uint32_t links = 2;
	int r = sqfs_dir_writer_begin(writer->folders, 0);

	for (size_t i = 0; r == 0 && i < folder->child_count; i++) {
		const struct image_inode *inode = folder->children[i]->inode;

		links += S_ISDIR(inode->mode);
		r = sqfs_dir_writer_add_entry(writer->folders, folder->children[i]->name,
					      inode->number, inode->ref,
					      (sqfs_u16)inode->mode);
	}
	if (r == 0)
		r = sqfs_dir_writer_end(writer->folders);
	if (r != 0)
		return r;
	*ret = sqfs_dir_writer_create_inode(writer->folders, 0, xattrs, parent);
	if (!*ret)
		return SQFS_ERROR_ALLOC;
	/* libsquashfs 1.3 adds an index from 256 entries on, and 1.2 from 64 KiB on: it
	 * is left out where it can be, so that both write the same. */
	(void)sqfs_inode_make_basic(*ret);
	if ((*ret)->base.type == SQFS_INODE_DIR)
		(*ret)->data.dir.nlink = links;
	else
		(*ret)->data.dir_ext.nlink = links;
	return 0;
}

/* All but folders. */
static int inode_pack(struct image_inode *inode, sqfs_inode_generic_t **ret)
{
	uint32_t length = inode->target ? (uint32_t)strlen(inode->target) : 0;
	sqfs_inode_generic_t *packed = steal_ptr(&inode->packed);

	if (!S_ISREG(inode->mode))
		packed = calloc(1, sizeof(*packed) + length);
	if (!packed)
		return SQFS_ERROR_ALLOC;
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		if (inode->links > 1 && sqfs_inode_make_extended(packed) == 0)
			packed->data.file_ext.nlink = inode->links;
		break;
	case S_IFLNK:
		packed->base.type = SQFS_INODE_SLINK;
		packed->data.slink.nlink = inode->links;
		packed->data.slink.target_size = length;
		packed->payload_bytes_available = length;
		packed->payload_bytes_used = length;
		memcpy(packed->extra, inode->target, length);
		break;
	case S_IFCHR:
	case S_IFBLK:
		packed->base.type =
			S_ISCHR(inode->mode) ? SQFS_INODE_CDEV : SQFS_INODE_BDEV;
		packed->data.dev.nlink = inode->links;
		packed->data.dev.devno = inode->device;
		break;
	default:
		packed->base.type =
			S_ISFIFO(inode->mode) ? SQFS_INODE_FIFO : SQFS_INODE_SOCKET;
		packed->data.ipc.nlink = inode->links;
	}
	*ret = packed;
	return 0;
}

static int inode_put(struct image_writer *writer, struct image_inode *inode,
		     sqfs_inode_generic_t *packed, uint32_t xattrs)
{
	uint64_t block;
	uint32_t offset;
	int r;

	packed->base.mode = (sqfs_u16)inode->mode;
	packed->base.mod_time = (uint32_t)inode->mtime;
	packed->base.inode_number = inode->number;
	r = sqfs_id_table_id_to_index(writer->ids, inode->uid, &packed->base.uid_idx);
	if (r == 0)
		r = sqfs_id_table_id_to_index(writer->ids, inode->gid,
					      &packed->base.gid_idx);
	if (r == 0 && xattrs != NO_XATTRS)
		r = sqfs_inode_set_xattr_index(packed, xattrs);
	if (r != 0)
		return r;
	sqfs_meta_writer_get_position(writer->inodes, &block, &offset);
	inode->ref = block << 16 | offset;
	inode->written = true;
	return sqfs_meta_writer_write_inode(writer->inodes, packed);
}

static int node_write(struct image_writer *writer, const struct image_tree *tree,
		      const struct image_node *node, struct verity_error *err)
{
	cleanup_free sqfs_inode_generic_t *packed = NULL;
	const struct image_xattr *xattr = node->inode->xattrs;
	uint32_t xattrs = NO_XATTRS;
	int r = 0;

	if (node->inode->written)
		return 0;
	if (xattr) {
		r = sqfs_xattr_writer_begin(writer->xattrs, 0);
		for (; r == 0 && xattr; xattr = xattr->next)
			r = sqfs_xattr_writer_add(writer->xattrs, xattr->name,
						  xattr->value, xattr->value_bytes);
		if (r == 0)
			r = sqfs_xattr_writer_end(writer->xattrs, &xattrs);
	}
	if (r != 0)
		return image_writer_fail(writer, err, r, "attributes");
	r = S_ISDIR(node->inode->mode) ? folder_pack(writer, tree, node, xattrs, &packed)
				       : inode_pack(node->inode, &packed);
	if (r == 0)
		r = inode_put(writer, node->inode, packed, xattrs);
	return r == 0 ? 0 : image_writer_fail(writer, err, r, "inodes");
}

/* In the order in which sealing numbered them. */
static int below_write(struct image_writer *writer, const struct image_tree *tree,
		       const struct image_node *folder, struct verity_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < folder->child_count; i++)
		if (S_ISDIR(folder->children[i]->inode->mode))
			r = below_write(writer, tree, folder->children[i], err);
	for (size_t i = 0; r == 0 && i < folder->child_count; i++)
		r = node_write(writer, tree, folder->children[i], err);
	return r;
}

static int tables_write(struct image_writer *writer)
{
	sqfs_super_t *super = &writer->super;
	int r = sqfs_meta_writer_flush(writer->inodes);

	if (r == 0)
		r = sqfs_meta_writer_flush(writer->listings);
	super->directory_table_start = writer->file->get_size(writer->file);
	if (r == 0)
		r = sqfs_meta_write_write_to_file(writer->listings);
	if (r == 0)
		r = sqfs_frag_table_write(writer->fragments, writer->file, super,
					  writer->compressor);
	if (r == 0)
		r = sqfs_id_table_write(writer->ids, writer->file, super,
					writer->compressor);
	if (r == 0)
		r = sqfs_xattr_writer_flush(writer->xattrs, writer->file, super,
					    writer->compressor);
	super->bytes_used = writer->file->get_size(writer->file);
	return r == 0 ? sqfs_super_write(super, writer->file) : r;
}

int image_meta_write(struct image_writer *writer, struct image_tree *tree,
		     uint64_t *ret_bytes, struct verity_error *err)
{
	int r;

	writer->super.inode_table_start = writer->file->get_size(writer->file);
	writer->super.inode_count = tree->inode_count;
	r = below_write(writer, tree, tree->root, err);
	if (r == 0)
		r = node_write(writer, tree, tree->root, err);
	if (r < 0)
		return r;
	writer->super.root_inode_ref = tree->root->inode->ref;
	r = tables_write(writer);
	if (r != 0)
		return image_writer_fail(writer, err, r, "tables");
	*ret_bytes = writer->super.bytes_used;
	return 0;
}
