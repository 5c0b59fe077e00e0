/* SPDX-License-Identifier: MIT */
#include "overlay/image/tree.h"

#include <errno.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>

static int node_compare(const void *a, const void *b)
{
	const struct image_node *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void node_free(void *data)
{
	struct image_node *node = data;

	if (!node)
		return;
	tdestroy(node->by_name, node_free);
	if (node->inode)
		node->inode->links--;
	free(node->children);
	free(node->name);
	free(node);
}

static struct image_node *node_new(const char *name)
{
	struct image_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->name = strdup(name);
	if (!node->name) {
		free(node);
		return NULL;
	}
	return node;
}

static void inode_free(struct image_inode *inode)
{
	struct image_xattr *next;

	for (struct image_xattr *xattr = inode->xattrs; xattr; xattr = next) {
		next = xattr->next;
		free(xattr->name);
		free(xattr->value);
		free(xattr);
	}
	free(inode->target);
	free(inode->packed);
	free(inode->runs);
	free(inode);
}

void image_tree_free(struct image_tree *tree)
{
	struct image_inode *next;

	if (!tree)
		return;
	node_free(tree->root);
	for (struct image_inode *inode = tree->inodes; inode; inode = next) {
		next = inode->next;
		inode_free(inode);
	}
	free(tree);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

int image_tree_new(int64_t source_date, struct image_tree **ret, struct verity_error *err)
{
	cleanup_with(image_tree_free_p) struct image_tree *tree =
		calloc(1, sizeof(*tree));
	struct image_inode *inode;

	if (!tree)
		return verity_fail_errno(err, ENOMEM, "tree");
	tree->source_date = clamp(source_date, 0, UINT32_MAX);
	tree->root = node_new("");
	inode = image_inode_new(tree, S_IFDIR | 0755, tree->source_date);
	if (!tree->root || !inode)
		return verity_fail_errno(err, ENOMEM, "tree");
	tree->root->inode = inode;
	inode->links = 1;
	*ret = steal_ptr(&tree);
	return 0;
}

struct image_inode *image_inode_new(struct image_tree *tree, mode_t mode, int64_t mtime)
{
	struct image_inode *inode = calloc(1, sizeof(*inode));

	if (!inode)
		return NULL;
	inode->mode = mode;
	image_inode_set_mtime(tree, inode, mtime);
	inode->entry = IMAGE_NO_ENTRY;
	inode->next = tree->inodes;
	tree->inodes = inode;
	return inode;
}

void image_inode_set_mtime(const struct image_tree *tree, struct image_inode *inode,
			   int64_t mtime)
{
	inode->mtime = clamp(mtime, 0, tree->source_date);
}

struct image_inode *image_inode_whiteout(struct image_tree *tree)
{
	return image_inode_new(tree, S_IFCHR, tree->source_date);
}

int image_inode_set_device(struct image_inode *inode, uint64_t major, uint64_t minor)
{
	if (major > 0xfff || minor > 0xfffff)
		return -ERANGE;
	/* The kernel's new_encode_dev(). */
	inode->device =
		(uint32_t)((minor & 0xff) | major << 8 | (minor & ~(uint64_t)0xff) << 12);
	return 0;
}

static int xattr_set_value(struct image_xattr *xattr, const void *value, size_t bytes)
{
	/* Never of 0 bytes, so that NULL means no memory. */
	void *copy = malloc(bytes + 1);

	if (!copy)
		return -ENOMEM;
	if (bytes > 0)
		memcpy(copy, value, bytes);
	free(xattr->value);
	xattr->value = copy;
	xattr->value_bytes = bytes;
	return 0;
}

static struct image_xattr *xattr_insert(struct image_xattr **place, const char *name)
{
	struct image_xattr *xattr = calloc(1, sizeof(*xattr));

	if (!xattr)
		return NULL;
	xattr->name = strdup(name);
	if (!xattr->name) {
		free(xattr);
		return NULL;
	}
	xattr->next = *place;
	*place = xattr;
	return xattr;
}

int image_inode_add_xattr(struct image_inode *inode, const char *name, const void *value,
			  size_t value_bytes)
{
	struct image_xattr **place = &inode->xattrs;
	struct image_xattr *xattr;

	while (*place && strcmp((*place)->name, name) < 0)
		place = &(*place)->next;
	xattr = *place;
	if (!xattr || strcmp(xattr->name, name) != 0)
		xattr = xattr_insert(place, name);
	if (!xattr)
		return -ENOMEM;
	return xattr_set_value(xattr, value, value_bytes);
}

const struct image_xattr *image_inode_xattr(const struct image_inode *inode,
					    const char *name)
{
	for (const struct image_xattr *xattr = inode->xattrs; xattr; xattr = xattr->next)
		if (strcmp(xattr->name, name) == 0)
			return xattr;
	return NULL;
}

struct image_node *image_node_child(const struct image_node *folder, const char *name)
{
	const struct image_node key = {.name = (char *)(uintptr_t)name};
	struct image_node *const *found = tfind(&key, &folder->by_name, node_compare);

	return found ? *found : NULL;
}

/* NULL where memory ran out. */
static struct image_node *node_insert(struct image_tree *tree, struct image_node *folder,
				      const char *name)
{
	struct image_node *node = node_new(name);

	if (!node || !tsearch(node, &folder->by_name, node_compare)) {
		node_free(node);
		return NULL;
	}
	node->parent = folder;
	tree->node_count++;
	return node;
}

/* Makes the node as new: nothing below it, nothing known of it. */
static void node_clear(struct image_node *node)
{
	tdestroy(node->by_name, node_free);
	node->by_name = NULL;
	node->opaque = false;
}

int image_node_set(struct image_tree *tree, struct image_node *folder, const char *name,
		   struct image_inode *inode, bool marker, struct verity_error *err)
{
	struct image_node *node = image_node_child(folder, name);

	if (node && marker)
		return 0;
	if (!node && tree->node_count >= IMAGE_NODES_MAX)
		return image_node_fail(err, folder, name, "more than %u entries",
				       IMAGE_NODES_MAX);
	if (!node)
		node = node_insert(tree, folder, name);
	if (!node)
		return verity_fail_errno(err, ENOMEM, "tree");
	/* The new link first: it may be the same inode once more. */
	inode->links++;
	if (node->inode) {
		node->inode->links--;
		if (!S_ISDIR(inode->mode) || !S_ISDIR(node->inode->mode))
			node_clear(node);
	}
	node->inode = inode;
	node->marker = marker;
	return 0;
}

bool image_node_opaque(const struct image_node *node)
{
	return node->opaque || image_inode_xattr(node->inode, "trusted.overlay.opaque");
}
