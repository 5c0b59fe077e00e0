/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The tree that becomes an image, in memory without its data: names (nodes) that lead to
 * inodes, so that hard links are two nodes with one inode. Filled in any order, then
 * sealed: sorted by the bytes of the names and numbered.
 */

#include "overlay/image/notes.h"
#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#include <stdint.h>
#include <sys/types.h>

#define IMAGE_NAME_MAX  255          /* bytes, the kernel's limit */
#define IMAGE_PATH_MAX  4095         /* bytes, the kernel's limit */
#define IMAGE_FILE_MAX  (1ULL << 40) /* bytes of one file, holes and all */
#define IMAGE_XATTR_MAX 65536        /* bytes of one value, the kernel's limit */
#define IMAGE_NODES_MAX (1U << 26)   /* names of one tree */
#define IMAGE_NO_ENTRY  UINT64_MAX

#define IMAGE_XATTR_OPAQUE "trusted.overlay.opaque" /* of a folder, "y" */

struct sqfs_inode_generic_t;

struct image_xattr {
	struct image_xattr *next; /* by name */
	const void *value;        /* in the same allocation */
	size_t value_bytes;
	char name[];
};

/* Whole blocks of a file that are a hole. */
struct image_run {
	uint64_t block; /* number of the first, from the start of the file */
	uint64_t count;
};

struct image_inode {
	struct image_inode *next; /* all that the tree owns, in the order of creation */

	mode_t mode; /* type and permissions */
	uint32_t uid;
	uint32_t gid;
	int64_t mtime;   /* s since 1970 */
	uint32_t device; /* as squashfs encodes it; device nodes only */
	char *target;    /* symbolic links only */
	uint64_t bytes;  /* regular files only */
	uint64_t entry;  /* regular files from a tar: number of the archive's entry */
	struct image_xattr *xattrs;
	uint32_t links; /* names that lead here */

	/* What packing leaves for the inode table. */
	struct sqfs_inode_generic_t *packed; /* regular files only */
	struct image_run *runs;
	size_t run_count;
	uint32_t number; /* 1 .. inode_count, set by sealing */
	uint64_t ref;    /* into the inode table */
	bool data_done;
	bool written;
};

struct image_node {
	struct image_node *parent; /* NULL for the root */
	char *name;                /* "" for the root */
	struct image_inode *inode;
	bool marker; /* a whiteout from a `.wh.` file: any real entry replaces it */
	bool hides;  /* the source has a `.wh.` file for it: a folder becomes opaque */
	bool opaque; /* a `.wh..wh..opq` file lies in it */

	void *by_name; /* tsearch() tree of the children */
	size_t by_name_count;
	struct image_node **children; /* sorted; set by sealing */
	size_t child_count;
};

struct image_tree {
	struct image_node *root; /* always a folder, 0755 root */
	struct image_inode *inodes;
	struct image_inode **inodes_end;
	uint32_t inode_count; /* reachable ones; set by sealing */
	size_t node_count;
	int64_t source_date;
	bool all_attributes; /* those of the build host, too; for image_rules_xattr() */
	bool is_base;        /* what a tree is compared with: no attributes are read */
	bool is_list;        /* a base whose source is a list, see image_base_print() */
	bool keep_owners;    /* of a folder's files */
	struct overlay_image_notes notes;
};

/**
 * image_tree_new - a tree that is an empty root folder
 * @source_date: bound and default of times; clamped to what squashfs can store
 * @ret:         set on success only; free with image_tree_free()
 */
int image_tree_new(int64_t source_date, struct image_tree **ret,
		   struct verity_error *err) must_check;

void image_tree_free(struct image_tree *tree);
DEFINE_CLEANUP(struct image_tree, image_tree_free);

/**
 * image_inode_new - an inode that no name leads to yet, owned by the tree
 * @mtime: clamped to 0 .. source_date
 *
 * Return: NULL where memory ran out.
 */
struct image_inode *image_inode_new(struct image_tree *tree, mode_t mode, int64_t mtime);

/**
 * image_inode_set_mtime - set the time, clamped to 0 .. source_date
 */
void image_inode_set_mtime(const struct image_tree *tree, struct image_inode *inode,
			   int64_t mtime);

/**
 * image_inode_add_xattr - copy an attribute in; a later value of the same name wins
 *
 * Return: 0; -ENOMEM.
 */
int image_inode_add_xattr(struct image_inode *inode, const char *name, const void *value,
			  size_t value_bytes) must_check;

/**
 * image_node_child - the entry of a folder; NULL where there is none
 */
struct image_node *image_node_child(const struct image_node *folder, const char *name);

/**
 * image_node_set - let @name in @folder lead to @inode
 * @marker: the entry stems from a `.wh.` file, and gives way to a real one; a folder is
 *          then opaque, as the file hides what the layers below have of this name only
 *
 * What had the name before is replaced with all below it; of two folders, the entries are
 * kept and the later one's attributes count.
 */
int image_node_set(struct image_tree *tree, struct image_node *folder, const char *name,
		   struct image_inode *inode, bool marker,
		   struct verity_error *err) must_check;

/**
 * image_node_remove - remove the entry @name of @folder with all below it, if it is there
 */
void image_node_remove(struct image_tree *tree, struct image_node *folder,
		       const char *name);

/**
 * image_node_path - the path of a node from the root, without a leading slash
 *
 * Return: 0; -ENAMETOOLONG.
 */
int image_node_path(const struct image_node *node,
		    char ret[static IMAGE_PATH_MAX + 1]) must_check;

/**
 * image_node_fail - fill @err with BAD_TREE, the node's path before the message
 * @name: an entry of @node that is no node itself; NULL for @node
 */
int image_node_fail(struct verity_error *err, const struct image_node *node,
		    const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * image_path_show - @path in printable form: control and non-ASCII bytes as \xNN, a long
 * one without its beginning
 *
 * Return: @ret.
 */
const char *image_path_show(const char *path, char ret[static IMAGE_PATH_SHOWN]);

/**
 * image_node_fail_errno - the same for a failed system call
 *
 * Return: -ENOMEM and -EIO as they are; -EINVAL (BAD_TREE) for what the tree's owner can
 * correct.
 */
int image_node_fail_errno(struct verity_error *err, const struct image_node *node,
			  const char *name, int errno_value);

/**
 * image_node_sort - list the entries of a folder, by the bytes of their names
 *
 * Return: 0; -ENOMEM.
 */
int image_node_sort(struct image_node *folder) must_check;

/**
 * image_tree_seal - sort and number the tree; nothing is added after that
 *
 * The entries of one folder get numbers in a row, after all that lies below them: the
 * order in which the inode table is written.
 */
int image_tree_seal(struct image_tree *tree, struct verity_error *err) must_check;
