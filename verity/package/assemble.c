/* SPDX-License-Identifier: MIT */

/* Writing a package file. */

#include "verity/package/assemble.h"

#include <stdint.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

int verity_package_assemble(int fd, const void *manifest, size_t manifest_bytes,
			    const void *signature, size_t signature_bytes,
			    const struct verity_blocks *blocks, struct verity_error *err)
{
	cleanup_with(verity_manifest_free_p) struct verity_manifest *decoded = NULL;
	static const uint8_t zeros[VERITY_BLOCK];
	uint8_t bytes[VERITY_HEAD_BYTES];
	struct verity_head head;
	struct verity_layout layout;
	int r;

	if (manifest_bytes > UINT32_MAX || signature_bytes > UINT32_MAX)
		return verity_fail(err, VERITY_E_BAD_SIZES,
				   "manifest or signature too long");
	head = (struct verity_head){(uint32_t)manifest_bytes, (uint32_t)signature_bytes};

	/* The readers' own checks, before anything is written. */
	verity_head_encode(&head, bytes);
	r = verity_head_decode(bytes, &head, err);
	if (r == 0)
		r = verity_manifest_decode(manifest, manifest_bytes, &decoded, err);
	if (r == 0)
		r = verity_layout_compute(&head, decoded->image_bytes, &layout, err);
	if (r == 0)
		r = verity_io_write(fd, bytes, sizeof(bytes), 0, err);
	if (r == 0)
		r = verity_io_write(fd, manifest, manifest_bytes, layout.manifest_start,
				    err);
	if (r == 0)
		r = verity_io_write(fd, signature, signature_bytes,
				    layout.signature_start, err);
	if (r == 0)
		r = verity_io_write(fd, zeros,
				    (size_t)(layout.tree_start - layout.padding_start),
				    layout.padding_start, err);
	if (r == 0)
		r = verity_io_copy(blocks->fd, blocks->tree_start, fd, layout.tree_start,
				   layout.tree_bytes, err);
	if (r == 0)
		r = verity_io_copy(blocks->fd, blocks->image_start, fd,
				   layout.image_start, layout.image_bytes, err);
	return r;
}
