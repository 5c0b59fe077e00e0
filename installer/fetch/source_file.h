/* SPDX-License-Identifier: MIT */
#pragma once

/* A package, or another file, on this device. */

#include "installer/fetch/source.h"

/**
 * source_file_open - open a file by its path
 * @any_name: see struct source_request
 * @ret: set on success only; source_free()
 *
 * Return: 0; -EINVAL (BAD_NAME, NOT_A_FILE); -errno.
 */
int source_file_open(const char *path, bool any_name, struct source **ret,
		     struct verity_error *err) must_check;

/**
 * source_file_new - a file that is open already
 * @fd:    regular file; owned by the source from now on, also on failure
 * @where: its name in messages; copied
 * @any_name: see struct source_request
 * @ret:   set on success only; source_free()
 *
 * Return: 0; -EINVAL (BAD_NAME by the last part of @where, NOT_A_FILE); -errno.
 */
int source_file_new(int fd, const char *where, bool any_name, struct source **ret,
		    struct verity_error *err) must_check;
