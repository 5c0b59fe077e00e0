/* SPDX-License-Identifier: MIT */
#pragma once

/* The columns that a character takes, on devices without any locale, too. */

#include <stddef.h>
#include <stdint.h>

/**
 * width_of - columns of a character: 2 for wide ones, 0 for combining ones, else 1
 */
size_t width_of(uint32_t character);
