/* SPDX-License-Identifier: MIT */
#pragma once

/* Names of packages: an allow list, because a name becomes a file, a device, a log line.
 */

#include "verity/util/error.h"

#define VERITY_NAME_MAX 64 /* characters, without the ending 0 */

/**
 * verity_name_valid - whether @name matches [A-Za-z0-9][A-Za-z0-9._-]{0,63}
 */
bool verity_name_valid(const char *name);

/**
 * verity_name_from_path - the installed name of a package file: no folders, no suffix
 * @path: a path or the path part of a URL; the suffix in any case, as on a FAT stick
 *
 * Return: 0; -EINVAL where the file's name lacks .wmopkg or is outside the allowed set.
 */
int verity_name_from_path(const char *path, char ret[static VERITY_NAME_MAX + 1],
			  struct verity_error *err) must_check;
