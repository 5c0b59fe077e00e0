/* SPDX-License-Identifier: MIT */
/* Walks the tree beside its base. */
#include "overlay/image/base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/fs/standard_folders.h"
#include "verity/util/text.h"

#define LIST_HEAD "#mtree\n. type=dir mode="
#define LIST_END  "\n# end\n"

struct walk {
	struct image_tree *tree;
	const struct overlay_closure *libraries;
	bool keep_looks, force;
};

struct look {
	mode_t mode; /* permissions */
	uint32_t uid, gid;
};

static void note(struct overlay_image_notes *notes, const char *path,
		 const struct image_inode *inode, const struct look *look)
{
	char shown[IMAGE_PATH_SHOWN];

	if (notes->folders++ > 0)
		return;
	snprintf(notes->folder, sizeof(notes->folder),
		 "/%s (%04o %" PRIu32 ":%" PRIu32 ", there %04o %" PRIu32 ":%" PRIu32 ")",
		 image_path_show(path, shown), (unsigned)inode->mode & 07777, inode->uid,
		 inode->gid, (unsigned)look->mode, look->uid, look->gid);
}

static void take_look(const struct walk *walk, struct image_node *node, const char *path,
		      const struct image_node *base)
{
	const struct overlay_standard_folder *standard =
		base ? NULL : overlay_standard_folder_find(path);
	struct image_inode *inode = node->inode;
	struct look look = {0};

	if (base)
		look = (struct look){base->inode->mode & 07777, base->inode->uid,
				     base->inode->gid};
	else if (standard)
		look.mode = standard->mode;
	else
		return;
	if ((inode->mode & 07777) == look.mode && inode->uid == look.uid &&
	    inode->gid == look.gid)
		return;
	note(&walk->tree->notes, path, inode, &look);
	if (walk->keep_looks)
		return;
	inode->mode = S_IFDIR | look.mode;
	inode->uid = look.uid;
	inode->gid = look.gid;
}

/* What is here in place of the firmware's must not take away what is reached by it. */
static int check_type(const struct walk *walk, const struct image_node *node,
		      const struct image_node *base, struct verity_error *err)
{
	mode_t type = node->inode->mode & S_IFMT, below = base->inode->mode & S_IFMT;

	/* A whiteout deletes on purpose. */
	if (walk->force || (type == S_IFCHR && node->inode->device == 0))
		return 0;
	if (type == S_IFDIR && below == S_IFLNK)
		return image_node_fail(
			err, node, NULL,
			"a folder, and in the base a link to %s: nothing would be "
			"reached by the link any more (move what is in the folder to "
			"where the link leads, or use --force)",
			base->inode->target);
	if (type == S_IFDIR && below != S_IFDIR)
		return image_node_fail(err, node, NULL,
				       "a folder, and in the base a file (use --force to "
				       "replace it)");
	if (type != S_IFDIR && below == S_IFDIR)
		return image_node_fail(
			err, node, NULL,
			"not a folder, and in the base a folder: all that is in it would "
			"be hidden (use --force to replace it)");
	return 0;
}

/* What every loader reads is kept by every firmware. */
static void note_library(const struct walk *walk, const char *path)
{
	struct overlay_image_notes *notes = &walk->tree->notes;

	if (strcmp(path, OVERLAY_CLOSURE_CACHE) != 0 &&
	    strcmp(path, OVERLAY_CLOSURE_PRELOAD) != 0 &&
	    !overlay_paths_has(&walk->libraries->tried, path) &&
	    !overlay_paths_has(&walk->libraries->there, path))
		return;
	if (notes->libraries++ == 0)
		image_path_show(path, notes->library);
}

static int visit(const struct walk *walk, struct image_node *folder,
		 const struct image_node *base, bool known, struct verity_error *err)
{
	char path[IMAGE_PATH_MAX + 1];
	int r = 0;

	for (size_t i = 0; r == 0 && i < folder->child_count; i++) {
		struct image_node *node = folder->children[i];
		const struct image_node *below =
			base ? image_node_child(base, node->name) : NULL;

		if (image_node_path(node, path) < 0)
			continue; /* too long a path is refused later */
		if (!S_ISDIR(node->inode->mode))
			note_library(walk, path);
		if (below)
			r = check_type(walk, node, below, err);
		if (r < 0 || !S_ISDIR(node->inode->mode))
			continue;
		if (below && !S_ISDIR(below->inode->mode))
			below = NULL;
		if (below || !known)
			take_look(walk, node, path, below);
		r = visit(walk, node, below, known, err);
	}
	return r;
}

int image_base_apply(struct image_tree *tree, const struct image_node *base,
		     const struct overlay_closure *libraries, bool keep_looks, bool force,
		     struct verity_error *err)
{
	const struct walk walk = {tree, libraries, keep_looks, force};

	return visit(&walk, tree->root, base, base != NULL, err);
}

/* As mtree(5) has it: bytes that are not plain are octal. */
static void put_name(FILE *out, const char *name)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c <= ' ' || c >= 0x7f || strchr("\\#*?[=", c))
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "link";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "file";
	}
}

static int node_print(const struct image_node *node, FILE *out)
{
	const struct image_inode *inode = node->inode;
	char path[IMAGE_PATH_MAX + 1];
	int r = image_node_path(node, path);

	if (r < 0)
		return r;
	if (node->parent) {
		fputs("\n./", out);
		put_name(out, path);
		fprintf(out, " type=%s mode=", type_name(inode->mode));
	} else {
		fputs(LIST_HEAD, out);
	}
	fprintf(out, "%04o uid=%" PRIu32 " gid=%" PRIu32, (unsigned)inode->mode & 07777,
		inode->uid, inode->gid);
	if (S_ISLNK(inode->mode)) {
		fputs(" link=", out);
		put_name(out, inode->target);
	}
	for (size_t i = 0; r == 0 && i < node->child_count; i++)
		r = node_print(node->children[i], out);
	return r;
}

int image_base_print(const struct image_node *root, FILE *out)
{
	int r = node_print(root, out);

	fputs(LIST_END, out);
	return r;
}

int image_base_is_list(int fd, bool *ret, struct verity_error *err)
{
	const ssize_t head = sizeof(LIST_HEAD) - 1, end = sizeof(LIST_END) - 1;
	char found[sizeof(LIST_HEAD)];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "cannot read it");
	n = pread(fd, found, sizeof(found), 0);
	if (n >= 0 && (n < head || memcmp(found, LIST_HEAD, (size_t)head) != 0)) {
		*ret = false;
		return 0;
	}
	if (n >= 0)
		n = pread(fd, found, (size_t)end, st.st_size - end);
	if (n < 0)
		return verity_fail_errno(err, errno, "cannot read it");
	if (n != end || memcmp(found, LIST_END, (size_t)end) != 0)
		return verity_fail(err, VERITY_E_BAD_TREE,
				   "the end of the list is missing (save it again with "
				   "'wmopkg-build base')");
	*ret = true;
	return 0;
}
