/* SPDX-License-Identifier: MIT */
#pragma once

/* What the running kernel asks for in the way of signatures of root hashes. */

#include "verity/util/error.h"

/**
 * verity_kernel_demands_signature - whether it sets up no dm-verity device without one:
 * dm_verity.require_signatures; known once dm-verity is there
 */
bool verity_kernel_demands_signature(void);

/**
 * verity_kernel_fail_unsigned - fill @err: it demands a signature, and there is none
 *
 * Return: -EIO.
 */
int verity_kernel_fail_unsigned(struct verity_error *err);

/**
 * verity_kernel_fail_signed - fill @err: it demands one, and does not take the one it got
 * @complaint: what libcryptsetup said
 *
 * Return: -EIO.
 */
int verity_kernel_fail_signed(const char *complaint, struct verity_error *err);

/**
 * verity_kernel_note - why it made no use of one, where it demands none
 */
void verity_kernel_note(const char *complaint, char *ret, size_t size);
