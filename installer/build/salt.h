/* SPDX-License-Identifier: MIT */
#pragma once

/* The salt of a package's hash tree. */

#include "verity/format/manifest.h"

/**
 * build_derive_salt - give a manifest its salt
 * @fd:       holds the image, from its start; borrowed
 * @manifest: has name, version and image_bytes already
 *
 * It comes from name, version and image, so that the same tree gives the same bytes; it
 * is there to keep equal blocks of different packages from having equal digests.
 *
 * Return: 0; -errno for I/O; -ENOMEM.
 */
int build_derive_salt(int fd, struct verity_manifest *manifest,
		      struct verity_error *err) must_check;
