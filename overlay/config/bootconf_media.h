/* SPDX-License-Identifier: MIT */
#pragma once

/* An entry of wmopkg.media: LABEL:MATCH, a name for a medium and how to recognise it.
 * Pure. */

#include "verity/util/name.h"

#include <stdbool.h>
#include <stddef.h>

#define OVERLAY_MATCH_MAX 128 /* bytes */

/* The label that always exists; the boot configuration cannot redefine it. */
#define OVERLAY_MEDIA_EXTERNAL "external"

struct overlay_media {
	char label[VERITY_NAME_MAX + 1];
	char match[OVERLAY_MATCH_MAX + 1]; /* printable; see overlay_media_match() */
};

enum overlay_match {
	OVERLAY_MATCH_LABEL,     /* LABEL= of the file system */
	OVERLAY_MATCH_UUID,      /* UUID= of the file system */
	OVERLAY_MATCH_PARTLABEL, /* PARTLABEL= of the partition */
	OVERLAY_MATCH_DEVICE,    /* a path below /dev */
};

/**
 * overlay_media_decode - read one entry
 * @text: @size bytes, not 0-terminated
 * @ret:  filled on success only
 *
 * Return: whether it is well-formed.
 */
bool overlay_media_decode(const char *text, size_t size, struct overlay_media *ret);

/**
 * overlay_media_match - how a medium is recognised
 * @ret_value: what it must have; of OVERLAY_MATCH_DEVICE the path, which holds no "..";
 *             borrowed from @media
 */
enum overlay_match overlay_media_match(const struct overlay_media *media,
				       const char **ret_value);
