/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the squashfs of kernels can read: version 4.0 alone. The running one is built with
 * some of the compressors, and with or without extended attributes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "verity/util/error.h"

/**
 * overlay_kernel_reads_attributes - whether it reads extended attributes
 * @mount_fd: of any squashfs
 *
 * Return: true also if that cannot be found out. Needs /proc.
 */
bool overlay_kernel_reads_attributes(int mount_fd);

/**
 * overlay_image_check_version - whether there is a kernel that can read an image
 * @fd, @start: where the image begins
 *
 * Return: 0; -EBADMSG (BAD_IMAGE) if it is no squashfs, or one of another version;
 * -errno.
 */
int overlay_image_check_version(int fd, uint64_t start,
				struct verity_error *err) must_check;

/**
 * overlay_image_attributes - whether a file of an image has extended attributes
 * @fd, @start: where the image begins
 * @ret:        set on success only
 *
 * Return: 0; -EBADMSG (BAD_IMAGE) if the super block is damaged; -errno.
 */
int overlay_image_attributes(int fd, uint64_t start, bool *ret,
			     struct verity_error *err) must_check;

/**
 * overlay_kernel_check_image - ask the running kernel whether it can read an image
 * @fd, @start: where the image begins
 *
 * The kernel mounts an image of ours, which is empty and has the same compressor. So no
 * byte of a package gets into the kernel, whoever signed it; damage is not found. The
 * mount is visible nowhere, and it and its loop device are gone on return.
 *
 * Return: 0 if it can, or if it cannot be asked: without rights, loop devices or
 * squashfs, which verity_debug() prints; -EOPNOTSUPP (KERNEL_FEATURE) if it cannot read
 * the image; -errno if @fd cannot be read.
 */
int overlay_kernel_check_image(int fd, uint64_t start,
			       struct verity_error *err) must_check;
