/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The preamble of a package file: head, manifest, signature and padding, all that comes
 * before the tree.
 */

#include "verity/format/format.h"

/* Room for the largest preamble. */
#define VERITY_PREAMBLE_MAX                                                              \
	((VERITY_HEAD_BYTES + VERITY_MANIFEST_MAX + VERITY_SIGNATURE_MAX +               \
	  VERITY_BLOCK - 1) /                                                            \
	 VERITY_BLOCK * VERITY_BLOCK)

/**
 * verity_preamble_bytes - length of the preamble, a multiple of VERITY_BLOCK
 */
size_t verity_preamble_bytes(const struct verity_head *head);

/**
 * verity_preamble_open - open a package file
 * @name:      relative to @dirfd; a final link is not followed where that is not AT_FDCWD
 * @ret:       read-only; the caller closes it; set on success only
 * @ret_bytes: length of the file
 *
 * Return: 0; -EINVAL (NOT_A_FILE) for anything but a regular file; -errno.
 */
int verity_preamble_open(int dirfd, const char *name, int *ret, uint64_t *ret_bytes,
			 struct verity_error *err) must_check;

/**
 * verity_preamble_read - read it, as long as its head says it is
 * @ret: room for VERITY_PREAMBLE_MAX bytes
 *
 * Return: 0; -EBADMSG; -errno.
 */
int verity_preamble_read(int fd, uint64_t file_bytes, uint8_t *ret,
			 struct verity_head *ret_head,
			 struct verity_error *reason) must_check;
