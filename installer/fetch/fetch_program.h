/* SPDX-License-Identifier: MIT */
#pragma once

/* The program that talks to servers. It lies beside this one. */

#include "verity/util/error.h"

#define FETCH_PROGRAM "wmopkg-fetch"

/**
 * fetch_program_open - open its file
 * @path: NULL: beside this program, by the protected path of both if they have one; no
 *        variable of the environment matters
 * @ret:  descriptor that it can be executed by; set on success only
 *
 * It must belong to root, to the owner of this program, or to who runs it, and nobody
 * else may write to it.
 *
 * Return: 0; -EOPNOTSUPP (UNSUPPORTED) if it is not there; -EACCES (PERMISSION); -errno.
 */
int fetch_program_open(const char *path, int *ret, struct verity_error *err) must_check;
