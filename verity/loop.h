/* SPDX-License-Identifier: MIT */
#pragma once

/* Loop devices: a stretch of an open file as a read-only block device. */

#include "verity/error.h"

#include <stdint.h>

#define VERITY_LOOP_PATH_MAX 32

struct verity_loop {
	int fd; /* owner's to close; the device goes with its last user */
	char path[VERITY_LOOP_PATH_MAX];
};

/**
 * verity_loop_attach - make @bytes of @file_fd from @start on a block device
 * @start, @bytes: multiples of VERITY_BLOCK
 * @ret:           set on success alone
 *
 * Direct I/O where the file system can, so that blocks are not cached twice. Makes device
 * nodes that are missing.
 *
 * Return: 0; -EOPNOTSUPP (KERNEL_FEATURE) where the kernel has no loop devices; -errno.
 */
int verity_loop_attach(int file_fd, uint64_t start, uint64_t bytes,
		       struct verity_loop *ret, struct verity_error *err) must_check;
