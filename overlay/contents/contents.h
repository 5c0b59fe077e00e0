/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a package brings: the paths in its image, read with libsquashfs and mounted
 * nowhere. Part of wmopkg alone: libsquashfs never gets near a booting device.
 */

#include "verity/package/package.h"

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

struct overlay_contents_entry {
	const char *path; /* from the root, without a leading slash; owned by the list */
	const char *target; /* of a link, likewise; NULL otherwise */
	enum overlay_contents_kind kind;
	/*
	 * It has an attribute by which overlayfs looks elsewhere (redirect, metacopy).
	 * `create` writes none; what is seen there is up to the kernel.
	 */
	bool redirected;
};

struct overlay_contents_text;

/* Zero is a list of nothing. The root folder itself is no entry. */
struct overlay_contents {
	struct overlay_contents_entry *entries; /* owned; by path, byte by byte */
	size_t count;
	struct overlay_contents_text *text; /* owned: paths and targets */
};

/**
 * overlay_contents_read - list the image of a verified package
 * @ret: set on success alone; overlay_contents_free()
 *
 * An image that was allowed without a trusted signature is listed as well: all sizes in
 * it are bounded before they are used. Names are as they stand in the image, which may be
 * any bytes but '/' and 0. Reads the image's inodes and listings once, none of its data;
 * memory is 32 bytes and the length of its path an entry, half as much again while it is
 * read, and about 1 MiB for the compressor.
 *
 * Return: 0; -EBADMSG (BAD_IMAGE) where the image is no sound squashfs; -E2BIG (TOO_MANY)
 * for more paths than a limit; -EOPNOTSUPP (UNSUPPORTED) for a compressor that
 * libsquashfs does not have; -errno.
 */
int overlay_contents_read(const struct verity_verified *verified,
			  struct overlay_contents *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_contents_find - what stands at @path; NULL where nothing does
 */
const struct overlay_contents_entry *overlay_contents_find(
	const struct overlay_contents *contents, const char *path);

void overlay_contents_free(struct overlay_contents *contents);
