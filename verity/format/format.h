/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The package file, format 1: where each part is. Pure: bytes in, struct out.
 *
 *	8        magic "WMOPKG01"
 *	4        manifest bytes, little-endian, 2 .. VERITY_MANIFEST_MAX
 *	4        signature bytes, 0 (unsigned) .. VERITY_SIGNATURE_MAX
 *	…        manifest, one JSON object
 *	…        signature, DER CMS SignedData, detached, over the manifest only
 *	…        zeros up to a multiple of VERITY_BLOCK
 *	4096 × T dm-verity hash tree, the top level first
 *	4096 × D squashfs image, zero-padded to a multiple of VERITY_BLOCK
 *
 * The file has no offsets: each follows from the sizes before it.
 */

#include "verity/util/error.h"
#include "verity/util/sizes.h"

#include <stdint.h>

#define VERITY_MAGIC           "WMOPKG01"
#define VERITY_MAGIC_BYTES     8
#define VERITY_STATEMENT_MAGIC "WMOSTM01" /* verity/statement/statement.h */
#define VERITY_HEAD_BYTES      16         /* magic and the two sizes */
#define VERITY_MANIFEST_MIN    2
#define VERITY_MANIFEST_MAX    65536

struct verity_head {
	uint32_t manifest_bytes;
	uint32_t signature_bytes;
};

/* Offsets in the file, in bytes. */
struct verity_layout {
	uint64_t manifest_start; /* always VERITY_HEAD_BYTES */
	uint64_t signature_start;
	uint64_t padding_start;
	uint64_t tree_start; /* a multiple of VERITY_BLOCK */
	uint64_t tree_bytes; /* 0 for an image of one block */
	uint64_t image_start;
	uint64_t image_bytes; /* with padding: a multiple of VERITY_BLOCK */
	uint64_t file_bytes;
};

/**
 * verity_round_up_block - @bytes, up to the next multiple of VERITY_BLOCK
 */
uint64_t verity_round_up_block(uint64_t bytes);

/**
 * verity_head_decode - read the first VERITY_HEAD_BYTES of a package
 * @bytes: VERITY_HEAD_BYTES of them
 *
 * Return: 0; -EBADMSG where the magic is another (WRONG_TYPE: a statement's) or a size is
 * out of its range.
 */
int verity_head_decode(const uint8_t bytes[static VERITY_HEAD_BYTES],
		       struct verity_head *ret, struct verity_error *err) must_check;

/**
 * verity_head_encode - write @head as the first VERITY_HEAD_BYTES of a package
 */
void verity_head_encode(const struct verity_head *head,
			uint8_t ret[static VERITY_HEAD_BYTES]);

/**
 * verity_head_end - bytes from the start of the file to the end of the signature
 */
uint64_t verity_head_end(const struct verity_head *head);

/**
 * verity_layout_compute - offsets of the parts of a package
 * @image_bytes: the manifest's image.bytes, before padding; 1 .. VERITY_IMAGE_MAX
 *
 * Return: 0; -EBADMSG where @image_bytes is out of its range.
 */
int verity_layout_compute(const struct verity_head *head, uint64_t image_bytes,
			  struct verity_layout *ret, struct verity_error *err) must_check;
