/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a package brings: the paths in its image, read with libsquashfs and mounted
 * nowhere. Part of wmopkg alone: libsquashfs never gets near a booting device.
 */

#include "verity/package.h"

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
	enum overlay_contents_kind kind;
};

struct overlay_contents {
	struct overlay_contents_entry *entries; /* owned; by path, byte by byte */
	size_t count;
};

/**
 * overlay_contents_read - list the image of a verified package
 * @ret: set on success alone; overlay_contents_free()
 *
 * An image that was allowed without a trusted signature is listed as well: all sizes in
 * it are bounded before they are used.
 *
 * Return: 0; -EBADMSG where the image is no sound squashfs; -E2BIG (UNSUPPORTED) for more
 * paths than a limit; -errno.
 */
int overlay_contents_read(const struct verity_verified *verified,
			  struct overlay_contents *ret,
			  struct verity_error *err) must_check;

void overlay_contents_free(struct overlay_contents *contents);
