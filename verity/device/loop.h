/* SPDX-License-Identifier: MIT */
#pragma once

/* Loop devices: a range of an open file as a read-only block device. */

#include "verity/util/error.h"

#include <stdint.h>

#define VERITY_LOOP_PATH_MAX 32

struct verity_loop {
	int fd; /* the owner closes it; the device goes with its last user */
	char path[VERITY_LOOP_PATH_MAX];
};

/**
 * verity_loop_open - the descriptor for requests
 * @ret: the caller closes it; set on success only
 *
 * Makes the device node where it is missing, and so loads the kernel's module.
 *
 * Return: 0; -EOPNOTSUPP (KERNEL_FEATURE) where the kernel has no loop devices; -errno.
 */
int verity_loop_open(int *ret, struct verity_error *err) must_check;

/**
 * verity_loop_attach - make @bytes of @file_fd from @start on a block device
 * @control:       of verity_loop_open()
 * @start, @bytes: multiples of VERITY_BLOCK
 * @ret:           set on success only
 *
 * Safe against other processes that look for a loop device at the same time. Direct
 * I/O where the file system can, so that blocks are not cached twice. Makes device nodes
 * that are missing. Nothing is read.
 *
 * Return: 0; -EOPNOTSUPP (KERNEL_FEATURE) where the kernel is too old; -errno.
 */
int verity_loop_attach(int control, int file_fd, uint64_t start, uint64_t bytes,
		       struct verity_loop *ret, struct verity_error *err) must_check;
