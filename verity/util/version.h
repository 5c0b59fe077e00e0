/* SPDX-License-Identifier: MIT */
#pragma once

/* The order of versions. */

#include <stdint.h>

/**
 * verity_version_compare - compare two versions as the UAPI Version Format
 * Specification (UAPI.10) does: numbers by value, "~" before the end, "5.9" < "5.10"
 *
 * Return: negative, 0 or positive as @a is older than, as old as, or newer than @b.
 */
int verity_version_compare(const char *a, const char *b);

/**
 * verity_version_compare_epochs - the same for versions with epochs, which count first
 */
int verity_version_compare_epochs(uint32_t a_epoch, const char *a, uint32_t b_epoch,
				  const char *b);
