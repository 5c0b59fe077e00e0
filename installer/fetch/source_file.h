/* SPDX-License-Identifier: MIT */
#pragma once

/* A package that is a file. */

#include "installer/fetch/source.h"

/**
 * source_file_open - open a file by its path
 * @ret: set on success only; source_free()
 *
 * Return: 0; -EINVAL (BAD_NAME, NOT_A_FILE); -errno.
 */
int source_file_open(const char *path, struct source **ret,
		     struct verity_error *err) must_check;

/**
 * source_file_new - a file that is open already
 * @fd:    regular file; owned by the source from now on, also on failure
 * @where: its name in messages; copied
 * @ret:   set on success only; source_free()
 *
 * Return: 0; -EINVAL (BAD_NAME by the last part of @where, NOT_A_FILE); -errno.
 */
int source_file_new(int fd, const char *where, struct source **ret,
		    struct verity_error *err) must_check;
