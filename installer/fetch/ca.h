/* SPDX-License-Identifier: MIT */
#pragma once

/* The certificate authorities that https trusts. */

#include "verity/util/error.h"

/**
 * ca_load - read the certificates of @path
 * @path: a PEM file, or a folder with files *.pem and *.crt; NULL: those that libcurl
 *         would use
 * @ret:  PEM text; NULL if the system has none; set on success only; free()
 *
 * Return: 0; -EINVAL (CONFIG) if there are none; -errno.
 */
int ca_load(const char *path, char **ret, size_t *ret_size,
	    struct verity_error *err) must_check;
