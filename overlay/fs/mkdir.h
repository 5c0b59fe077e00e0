/* SPDX-License-Identifier: MIT */
#pragma once

/* Folders that are made where they are missing. */

#include "verity/util/error.h"

#include <sys/types.h>

/**
 * overlay_folder_make - make a folder and those above it
 * @path: may exist already
 */
int overlay_folder_make(const char *path, mode_t mode,
			struct verity_error *err) must_check;
