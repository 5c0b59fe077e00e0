/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is seen at a path of a stack, by whom, and what it hides: overlayfs's rules (Linux
 * Documentation/filesystems/overlayfs.rst) over lists of contents. Nothing is mounted,
 * and nothing is read but what the caller's look() reads.
 *
 * Paths are from the root, without a leading slash and without links, "." or ".." in
 * them; "" is the root.
 */

#include "overlay/contents/list.h"

/* What lies below all packages. */
struct overlay_shadow_base {
	/*
	 * What stands at @path; the folders above it are folders.
	 *
	 * Return: 0; -ENOENT (@err is not filled); -errno.
	 */
	int (*look)(void *context, const char *path, enum overlay_contents_kind *ret,
		    struct verity_error *err);
	void *context; /* borrowed */
};

struct overlay_shadow {
	const struct overlay_contents *const *layers; /* the one on top first; borrowed */
	size_t count;
	struct overlay_shadow_base base; /* its number is @count */

	/*
	 * Where there are hierarchies, a layer shows in them alone. As paths; folders of
	 * the base, none within another; borrowed.
	 */
	bool limited;
	const char *const *hierarchies;
	size_t hierarchies_count;
};

enum overlay_shadow_fate {
	OVERLAY_SHADOW_PRESENT,
	OVERLAY_SHADOW_DELETED, /* a layer deletes it, or a folder it lies in */
	OVERLAY_SHADOW_HIDDEN,  /* it lies in a folder that a layer has anew */
	OVERLAY_SHADOW_BLOCKED, /* it lies in what is no folder in a layer */
	OVERLAY_SHADOW_ABSENT,  /* no layer has it */
};

struct overlay_shadow_view {
	enum overlay_shadow_fate fate;
	size_t layer;                               /* which shows it, or takes it away */
	enum overlay_contents_kind kind;            /* where present; FOLDER for any */
	const struct overlay_contents_entry *entry; /* NULL: of the base */
};

/**
 * overlay_shadow_look - what is seen at @path
 * @from:       number of the layer to begin with: what lies above is not there
 * @ret_merged: NULL, or @count + 1 of them: which layers a folder is merged of
 */
int overlay_shadow_look(const struct overlay_shadow *stack, size_t from, const char *path,
			struct overlay_shadow_view *ret, bool *ret_merged,
			struct verity_error *err) must_check;

/* What an entry of a layer does to what lies below it. */
enum overlay_shadow_deed {
	OVERLAY_SHADOW_ADDS, /* nothing lay there */
	OVERLAY_SHADOW_REPLACES,
	OVERLAY_SHADOW_DELETES,
	OVERLAY_SHADOW_HIDES, /* all that is in a folder */
};

struct overlay_shadow_change {
	const struct overlay_contents_entry *entry;
	enum overlay_shadow_deed deed;
	struct overlay_shadow_view below; /* what lay there; not for ADDS */
	bool covered;                     /* by another layer: it is not what is seen */
	size_t by;
};

/**
 * overlay_shadow_changes - all that a layer changes, by path
 * @take: called for each; a negative return ends it and is returned
 *
 * Folders that are merged with what lies below, and whiteouts of what is not there,
 * change nothing and are left out.
 */
int overlay_shadow_changes(const struct overlay_shadow *stack, size_t layer,
			   int (*take)(void *context,
				       const struct overlay_shadow_change *change,
				       struct verity_error *err),
			   void *context, struct verity_error *err) must_check;
