/* SPDX-License-Identifier: MIT */
#pragma once

/* What a source has and its image does not, so that a program can say it. */

#include <stdbool.h>
#include <stdint.h>

#define IMAGE_PATH_SHOWN 256 /* bytes of a path in a message, with the 0 */

struct overlay_image_notes {
	bool empty;                             /* there is nothing but the root */
	uint64_t attributes;                    /* that were left out */
	char attribute_names[IMAGE_PATH_SHOWN]; /* each once; as many as have space */
	uint64_t set_ids;                       /* files whose set-id bits were cleared */
	char set_id_path[IMAGE_PATH_SHOWN];     /* one of them */
	uint64_t libraries;             /* that devices do not take from a package */
	char library[IMAGE_PATH_SHOWN]; /* one of them */
	uint64_t folders; /* that look different in what the tree will lie over */
	char folder[IMAGE_PATH_SHOWN + 64]; /* one of them, and both looks */
};
