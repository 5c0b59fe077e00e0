/* SPDX-License-Identifier: MIT */
/* The tree of an image in memory: inodes, names and paths, and their order. */
#include "overlay/image/file_tree.h"

#include <errno.h>
#include <search.h>
#include <stdarg.h>
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

/* NULL where memory ran out. @folder: NULL for the root */
static struct image_node *node_new(struct image_node *folder, const char *name)
{
	struct image_node *node = calloc(1, sizeof(*node));

	if (node)
		node->name = strdup(name);
	if (!node || !node->name ||
	    (folder && !tsearch(node, &folder->by_name, node_compare))) {
		node_free(node);
		return NULL;
	}
	node->parent = folder;
	if (folder)
		folder->by_name_count++;
	return node;
}

void image_tree_free(struct image_tree *tree)
{
	struct image_inode *inode, *next_inode;
	struct image_xattr *xattr, *next_xattr;

	if (!tree)
		return;
	node_free(tree->root);
	for (inode = tree->inodes; inode; inode = next_inode) {
		next_inode = inode->next;
		for (xattr = inode->xattrs; xattr; xattr = next_xattr) {
			next_xattr = xattr->next;
			free(xattr);
		}
		free(inode->target);
		free(inode->packed);
		free(inode->runs);
		free(inode);
	}
	free(tree);
}

static int64_t clamp(int64_t value, int64_t high)
{
	if (value < 0)
		return 0;
	return value > high ? high : value;
}

int image_tree_new(int64_t source_date, struct image_tree **ret, struct verity_error *err)
{
	cleanup_with(image_tree_free_p) struct image_tree *tree =
		calloc(1, sizeof(*tree));
	struct image_inode *inode;

	if (!tree)
		return verity_fail_errno(err, ENOMEM, "tree");
	tree->source_date = clamp(source_date, UINT32_MAX);
	tree->inodes_end = &tree->inodes;
	tree->root = node_new(NULL, "");
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
	inode->entry = IMAGE_NO_ENTRY;
	image_inode_set_mtime(tree, inode, mtime);
	*tree->inodes_end = inode;
	tree->inodes_end = &inode->next;
	return inode;
}

void image_inode_set_mtime(const struct image_tree *tree, struct image_inode *inode,
			   int64_t mtime)
{
	inode->mtime = clamp(mtime, tree->source_date);
}

int image_inode_add_xattr(struct image_inode *inode, const char *name, const void *value,
			  size_t value_bytes)
{
	size_t name_bytes = strlen(name) + 1;
	struct image_xattr *xattr = malloc(sizeof(*xattr) + name_bytes + value_bytes);
	struct image_xattr **at = &inode->xattrs, *former;

	if (!xattr)
		return -ENOMEM;
	memcpy(xattr->name, name, name_bytes);
	xattr->value = xattr->name + name_bytes;
	xattr->value_bytes = value_bytes;
	if (value_bytes > 0)
		memcpy(xattr->name + name_bytes, value, value_bytes);
	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	former = *at;
	if (former && strcmp(former->name, name) == 0) {
		*at = former->next;
		free(former);
	}
	xattr->next = *at;
	*at = xattr;
	return 0;
}

struct image_node *image_node_child(const struct image_node *folder, const char *name)
{
	const struct image_node key = {.name = (char *)(uintptr_t)name};
	struct image_node *const *found = tfind(&key, &folder->by_name, node_compare);

	return found ? *found : NULL;
}

int image_node_path(const struct image_node *node, char ret[static IMAGE_PATH_MAX + 1])
{
	char path[IMAGE_PATH_MAX + 1];
	size_t start = sizeof(path) - 1, length;

	path[start] = '\0';
	for (; node->parent; node = node->parent) {
		length = strlen(node->name);
		if (length + 1 > start)
			return -ENAMETOOLONG;
		if (path[start] != '\0')
			path[--start] = '/';
		start -= length;
		memcpy(path + start, node->name, length);
	}
	memcpy(ret, path + start, sizeof(path) - start);
	return 0;
}

static size_t shown_length(unsigned char c)
{
	return c < 0x20 || c >= 0x7f || c == '\\' ? 4 : 1;
}

const char *image_path_show(const char *path, char ret[static IMAGE_PATH_SHOWN])
{
	static const char digits[] = "0123456789abcdef";
	const char *start = path + strlen(path);
	size_t room = IMAGE_PATH_SHOWN - 1 - strlen("..."), used = 0;

	/* The end of a path says more than its beginning. */
	while (start > path && shown_length((unsigned char)start[-1]) <= room)
		room -= shown_length((unsigned char)*--start);
	if (start > path) {
		memcpy(ret, "...", 3);
		used = 3;
	}
	for (; *start; start++) {
		unsigned char c = (unsigned char)*start;

		if (shown_length(c) == 1) {
			ret[used++] = (char)c;
			continue;
		}
		ret[used++] = '\\';
		ret[used++] = 'x';
		ret[used++] = digits[c >> 4];
		ret[used++] = digits[c & 15];
	}
	ret[used] = '\0';
	return ret;
}

int image_node_fail(struct verity_error *err, const struct image_node *node,
		    const char *name, const char *format, ...)
{
	char path[IMAGE_PATH_MAX + 1], whole[2 * IMAGE_PATH_MAX + 2];
	char shown[IMAGE_PATH_SHOWN], message[VERITY_MESSAGE_MAX];
	va_list args;

	if (image_node_path(node, path) < 0)
		snprintf(path, sizeof(path), ".../%.255s", node->name);
	snprintf(whole, sizeof(whole), "%s%s%s", path, name && *path ? "/" : "",
		 name ? name : "");
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return verity_fail(err, VERITY_E_BAD_TREE, "%s: %s",
			   *whole ? image_path_show(whole, shown) : "/", message);
}

int image_node_fail_errno(struct verity_error *err, const struct image_node *node,
			  const char *name, int errno_value)
{
	int r = image_node_fail(err, node, name, "%s", strerror(errno_value));

	if (errno_value != ENOMEM && errno_value != EIO)
		return r;
	if (err)
		err->code = errno_value == EIO ? VERITY_E_IO : VERITY_E_NO_MEMORY;
	return -errno_value;
}

int image_node_set(struct image_tree *tree, struct image_node *folder, const char *name,
		   struct image_inode *inode, bool marker, struct verity_error *err)
{
	struct image_node *node = image_node_child(folder, name);

	if (node && marker) {
		node->hides = true;
		return 0;
	}
	if (!node) {
		if (tree->node_count >= IMAGE_NODES_MAX)
			return image_node_fail(err, folder, name, "more than %u entries",
					       IMAGE_NODES_MAX);
		node = node_new(folder, name);
		if (!node)
			return verity_fail_errno(err, ENOMEM, "tree");
		tree->node_count++;
	}
	/* The new link first: it may be the same inode again. */
	inode->links++;
	if (node->inode) {
		node->inode->links--;
		if (!S_ISDIR(inode->mode) || !S_ISDIR(node->inode->mode)) {
			tdestroy(node->by_name, node_free);
			node->by_name = NULL;
			node->by_name_count = 0;
			node->opaque = false;
		}
	}
	node->inode = inode;
	node->marker = marker;
	node->hides |= marker;
	return 0;
}

void image_node_remove(struct image_tree *tree, struct image_node *folder,
		       const char *name)
{
	struct image_node *node = image_node_child(folder, name);

	if (!node)
		return;
	tdelete(node, &folder->by_name, node_compare);
	folder->by_name_count--;
	tree->node_count--;
	node_free(node);
}

/* For twalk(): twalk_r(), which has a context, is in glibc only. */
static void child_collect(const void *node, VISIT visit, int depth)
{
	struct image_node *child = *(struct image_node *const *)node;
	struct image_node *folder = child->parent;

	(void)depth;
	if (visit == postorder || visit == leaf)
		folder->children[folder->child_count++] = child;
}

int image_node_sort(struct image_node *folder)
{
	folder->child_count = 0;
	free(folder->children);
	folder->children = calloc(folder->by_name_count, sizeof(struct image_node *));
	if (!folder->children && folder->by_name_count > 0)
		return -ENOMEM;
	twalk(folder->by_name, child_collect);
	return 0;
}

static int folder_seal(struct image_tree *tree, struct image_node *folder)
{
	int r = image_node_sort(folder);

	folder->opaque |= folder->hides;
	if (r == 0 && folder->opaque)
		r = image_inode_add_xattr(folder->inode, IMAGE_XATTR_OPAQUE, "y", 1);
	for (size_t i = 0; r == 0 && i < folder->child_count; i++)
		if (S_ISDIR(folder->children[i]->inode->mode))
			r = folder_seal(tree, folder->children[i]);
	for (size_t i = 0; r == 0 && i < folder->child_count; i++) {
		struct image_inode *inode = folder->children[i]->inode;

		if (inode->number == 0)
			inode->number = ++tree->inode_count;
	}
	return r;
}

int image_tree_seal(struct image_tree *tree, struct verity_error *err)
{
	int r = folder_seal(tree, tree->root);

	if (r < 0)
		return verity_fail_errno(err, -r, "tree");
	tree->root->inode->number = ++tree->inode_count;
	return 0;
}
