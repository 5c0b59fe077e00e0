/* SPDX-License-Identifier: MIT */
#pragma once

/* Putting a package file together from its parts. */

#include "verity/format/manifest.h"
#include "verity/hashtree/tree.h"

/**
 * verity_package_assemble - write a package
 * @fd:        empty regular file, open for writing; borrowed
 * @manifest:  the manifest's exact bytes
 * @signature: DER; NULL with 0 bytes for an unsigned package
 * @blocks:    where the tree and the padded image are now
 *
 * Return: 0; -EBADMSG where a size is outside its limit or the manifest cannot be read
 * back; -errno for I/O.
 */
int verity_package_assemble(int fd, const void *manifest, size_t manifest_bytes,
			    const void *signature, size_t signature_bytes,
			    const struct verity_blocks *blocks,
			    struct verity_error *err) must_check;
