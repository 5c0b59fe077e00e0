/* SPDX-License-Identifier: MIT */
/* From a tree in any order to one that is the same on every host. */
#include "overlay/image/tree.h"

#include <errno.h>
#include <search.h>
#include <sys/stat.h>

struct sealing {
	struct image_node *folder;
	bool failed;
};

static void collect(const void *place, VISIT visit, void *context)
{
	struct image_node *const *node = place;
	struct sealing *sealing = context;
	struct image_node *folder = sealing->folder, **grown;

	if ((visit != postorder && visit != leaf) || sealing->failed)
		return;
	/* Doubles at each power of two. */
	if ((folder->child_count & (folder->child_count - 1)) == 0) {
		size_t room = folder->child_count ? 2 * folder->child_count : 1;

		grown = reallocarray(folder->children, room, sizeof(*grown));
		if (!grown) {
			sealing->failed = true;
			return;
		}
		folder->children = grown;
	}
	folder->children[folder->child_count++] = *node;
}

int image_node_sort(struct image_node *folder)
{
	struct sealing sealing = {.folder = folder};

	free(folder->children);
	folder->children = NULL;
	folder->child_count = 0;
	twalk_r(folder->by_name, collect, &sealing);
	return sealing.failed ? -ENOMEM : 0;
}

static void inode_number(struct image_tree *tree, struct image_inode *inode)
{
	if (inode->number == 0)
		inode->number = ++tree->inode_count;
}

static int folder_seal(struct image_tree *tree, struct image_node *folder)
{
	int r = image_node_sort(folder);

	if (r == 0 && folder->opaque)
		r = image_inode_add_xattr(folder->inode, "trusted.overlay.opaque", "y",
					  1);
	for (size_t i = 0; r == 0 && i < folder->child_count; i++)
		if (S_ISDIR(folder->children[i]->inode->mode))
			r = folder_seal(tree, folder->children[i]);
	for (size_t i = 0; r == 0 && i < folder->child_count; i++)
		inode_number(tree, folder->children[i]->inode);
	return r;
}

int image_tree_seal(struct image_tree *tree, struct verity_error *err)
{
	int r = folder_seal(tree, tree->root);

	if (r < 0)
		return verity_fail_errno(err, -r, "tree");
	inode_number(tree, tree->root->inode);
	return 0;
}
