/* SPDX-License-Identifier: MIT */
#pragma once

/* From what was typed to a source. */

#include "installer/fetch/source.h"

/**
 * source_is_url - whether @where is a URL, not the path of a file
 */
bool source_is_url(const char *where);

/**
 * source_has_host_keys - whether @request->known_hosts matters
 */
bool source_has_host_keys(const struct source_request *request);

/**
 * source_open - open the file, or prepare to ask the servers, that @request means
 * @request: copied as far as it is needed; a password in a URL counts like @password
 * @ret:     set on success only; source_free()
 *
 * Connects to no server yet.
 *
 * Return: 0; -EINVAL (USAGE, BAD_NAME, NOT_A_FILE); -errno.
 */
int source_open(const struct source_request *request, struct source **ret,
		struct verity_error *err) must_check;
