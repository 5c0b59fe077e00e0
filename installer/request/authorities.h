/* SPDX-License-Identifier: MIT */
#pragma once

/* The certificate authorities that https trusts. */

#include "verity/util/error.h"

/**
 * authorities_load - read the certificates of @path
 * @path: a PEM file, or a folder with files *.pem and *.crt
 * @ret:  PEM text; set on success only; free()
 *
 * Return: 0; -EINVAL (CONFIG) if there are none; -errno.
 */
int authorities_load(const char *path, char **ret, size_t *ret_size,
		     struct verity_error *err) must_check;

/**
 * authorities_load_default - read those that libcurl would use
 * @file, @folder: where it has them; NULL: nowhere
 * @ret:           PEM text; free(); NULL if the system has none: then libcurl says so,
 * when a server shows a certificate
 */
void authorities_load_default(const char *file, const char *folder, char **ret,
			      size_t *ret_size);
