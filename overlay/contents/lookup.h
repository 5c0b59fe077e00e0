/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which layer of a stack supplies a path, and what it hides: the rules of overlayfs
 * (Linux Documentation/filesystems/overlayfs.rst), applied to lists of contents. Nothing
 * is mounted, and only the caller's look() reads anything.
 *
 * Paths are from the root, without a leading slash and without links, "." or ".." in
 * them; "" is the root.
 */

#include "overlay/contents/list.h"

/* What lies below all packages. */
struct overlay_lookup_base {
	/*
	 * What stands at @path; the folders above it are folders.
	 *
	 * Return: 0; -ENOENT (@err is not filled); -errno.
	 */
	int (*look)(void *context, const char *path, struct overlay_contents_look *ret,
		    struct verity_error *err);
	void *context; /* borrowed */
};

struct overlay_lookup {
	const struct overlay_contents *const *layers; /* the one on top first; borrowed */
	size_t count;
	struct overlay_lookup_base base; /* its number is @count */

	/*
	 * With hierarchies, layers show only in them: paths of folders of the base, none
	 * within another; borrowed.
	 */
	bool limited;
	const char *const *hierarchies;
	size_t hierarchies_count;
};

enum overlay_lookup_status {
	OVERLAY_LOOKUP_PRESENT,
	OVERLAY_LOOKUP_DELETED, /* a layer deletes it, or a folder it lies in */
	OVERLAY_LOOKUP_HIDDEN,  /* a layer has an opaque folder above it */
	OVERLAY_LOOKUP_BLOCKED, /* a layer has something above it that is not a folder */
	OVERLAY_LOOKUP_ABSENT,  /* no layer has it */
};

struct overlay_lookup_result {
	enum overlay_lookup_status status;
	size_t layer;                    /* which supplies or hides it */
	enum overlay_contents_kind kind; /* where present; FOLDER for any */
	uint16_t mode; /* of a folder: what it looks like; likewise its owner */
	uint32_t uid, gid;
	const struct overlay_contents_entry *entry; /* NULL: of the base */
};

/**
 * overlay_lookup_find - what is seen at @path
 * @from:       number of the topmost layer that takes part
 * @ret_merged: NULL, or @count + 1 of them: the layers that a folder is merged from
 *
 * Return: 0; -ENOENT (NOT_FOUND) for too long a path; -ENOMEM; what look() returned.
 */
int overlay_lookup_find(const struct overlay_lookup *stack, size_t from, const char *path,
			struct overlay_lookup_result *ret, bool *ret_merged,
			struct verity_error *err) must_check;

/* What an entry of a layer does to what lies below it. */
enum overlay_lookup_effect {
	OVERLAY_LOOKUP_ADDS, /* nothing lay there */
	OVERLAY_LOOKUP_REPLACES,
	OVERLAY_LOOKUP_DELETES,
	OVERLAY_LOOKUP_HIDES,   /* all that is in a folder */
	OVERLAY_LOOKUP_CHANGES, /* mode or owner of a folder that is merged */
};

struct overlay_lookup_change {
	const struct overlay_contents_entry *entry;
	enum overlay_lookup_effect effect;
	struct overlay_lookup_result below; /* what lay there; not for ADDS */
	bool covered;                       /* by another layer: it is not what is seen */
	size_t by;
};

/**
 * overlay_lookup_changes - all that a layer changes, by path
 * @take: called for each; a negative return ends it and is returned
 *
 * Folders that are merged with what lies below and look the same, and whiteouts of what
 * is not there, change nothing and are left out.
 */
int overlay_lookup_changes(const struct overlay_lookup *stack, size_t layer,
			   int (*take)(void *context,
				       const struct overlay_lookup_change *change,
				       struct verity_error *err),
			   void *context, struct verity_error *err) must_check;
