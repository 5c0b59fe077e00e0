/* SPDX-License-Identifier: MIT */
#pragma once

/* Signatures of root hashes that the running kernel requires. */

#include "verity/util/error.h"

/**
 * verity_kernel_requires_signature - whether it sets up no dm-verity device without one:
 * dm_verity.require_signatures; known once dm-verity is loaded
 */
bool verity_kernel_requires_signature(void);

/**
 * verity_kernel_fail_signature - fill @err: it requires a signature
 * @complaint: why the device could not be set up with the package's; NULL where it has
 * none
 *
 * Return: -EIO.
 */
int verity_kernel_fail_signature(const char *complaint, struct verity_error *err);

/**
 * verity_kernel_note - why it did not use a signature, where it requires none
 */
void verity_kernel_note(const char *complaint, char *ret, size_t size);
