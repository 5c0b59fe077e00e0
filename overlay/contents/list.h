/* SPDX-License-Identifier: MIT */
#pragma once

/* A list of paths, each with what stands there: of an image, or of the engine's layer. */

#include <stdint.h>

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#define OVERLAY_CONTENTS_MAX      (1U << 18)  /* paths of one image */
#define OVERLAY_CONTENTS_TEXT_MAX (64U << 20) /* bytes of all its paths and targets */
#define OVERLAY_CONTENTS_PATH_MAX 4095        /* bytes, the kernel's limit */
#define OVERLAY_CONTENTS_NAME_MAX 255         /* likewise */

/* What stands at a path, and what it does to what lies below in the stack. */
enum overlay_contents_kind {
	OVERLAY_CONTENTS_FILE,
	OVERLAY_CONTENTS_FOLDER, /* is merged with what lies below it */
	OVERLAY_CONTENTS_OPAQUE, /* a folder that hides all that lies below it */
	OVERLAY_CONTENTS_LINK,
	OVERLAY_CONTENTS_WHITEOUT, /* deletes what lies below it */
	OVERLAY_CONTENTS_SPECIAL,  /* device, pipe, socket */
};

struct overlay_contents_look {
	enum overlay_contents_kind kind;
	uint16_t mode; /* permissions; of a folder only, likewise the owner */
	uint32_t uid, gid;
};

struct overlay_contents_entry {
	const char *path; /* from the root, without a leading slash; owned by the list */
	const char *target; /* of a link, likewise; NULL otherwise */
	enum overlay_contents_kind kind;
	/*
	 * It has an extended attribute that makes overlayfs look elsewhere (redirect,
	 * metacopy). `create` writes none; the kernel decides what is seen there.
	 */
	bool redirected;
	/*
	 * Of the engine's layer: a folder that it has only where a library in it is kept,
	 * so that it says nothing of the folder's mode and owner.
	 */
	bool library_way;
	uint16_t mode; /* permissions; of a folder only, likewise the owner */
	uint32_t uid, gid;
};

struct overlay_contents_text;

/* Zero is an empty list. The root folder itself is no entry. */
struct overlay_contents {
	struct overlay_contents_entry *entries; /* owned; by path, byte by byte */
	size_t count;
	struct overlay_contents_text *text; /* owned: paths and targets */
};

/**
 * overlay_contents_find - the entry at @path; NULL if there is none
 */
const struct overlay_contents_entry *overlay_contents_find(
	const struct overlay_contents *contents, const char *path);

void overlay_contents_free(struct overlay_contents *contents);

/* How much one list may cost. */
struct contents_limits {
	size_t entries;
	size_t text_bytes;
	uint64_t reads; /* of an image: about two for a block of 8 KiB */
};

/**
 * contents_limits_lower - what is left after a list that was read within @limits
 */
void contents_limits_lower(struct contents_limits *limits,
			   const struct overlay_contents *contents);

/* A list that is being built: entries in any order, space for more, and its limits. */
struct contents_list {
	struct overlay_contents contents;
	size_t allocated;  /* entries */
	size_t text_bytes; /* used so far */
	const struct contents_limits *limits;
};

/**
 * contents_list_add - add an entry
 * @folder: path of its folder; "" for the root
 * @name:   @name_bytes of it, without a final 0; what no path can hold is refused
 * @ret:    the entry, valid until the next is added; its path is set, the rest is zero
 *
 * Return: 0; -EBADMSG (BAD_IMAGE); -E2BIG (TOO_MANY); -ENOMEM.
 */
int contents_list_add(struct contents_list *list, const char *folder, const char *name,
		      size_t name_bytes, struct overlay_contents_entry **ret,
		      struct verity_error *err) must_check;

/**
 * contents_list_text - memory for a text of @bytes that lives as long as the list
 * @ret: @bytes + 1, zero
 */
int contents_list_text(struct contents_list *list, size_t bytes, char **ret,
		       struct verity_error *err) must_check;

/**
 * contents_list_finish - sort the list and hand it out
 * @ret: set on success only; overlay_contents_free(); @list is then empty
 *
 * Return: 0; -EBADMSG (BAD_IMAGE) for a path that is there twice.
 */
int contents_list_finish(struct contents_list *list, struct overlay_contents *ret,
			 struct verity_error *err) must_check;
