/* SPDX-License-Identifier: MIT */
#pragma once

/* What messages and names need of an URL. */

#include "verity/name.h"

#include <stddef.h>

/**
 * source_url_split - the parts of an URL that are shown
 * @ret_where: the URL without user, password, query and fragment; free()
 * @ret_name:  installed name of the package: the last part of the decoded path
 *
 * Return: 0; -EINVAL (USAGE, BAD_NAME).
 */
int source_url_split(const char *url, char **ret_where,
		     char ret_name[static VERITY_NAME_MAX + 1],
		     struct verity_error *err) must_check;

/**
 * source_url_host - the host in an URL; "" where it has none
 */
void source_url_host(const char *url, char *ret, size_t size);
