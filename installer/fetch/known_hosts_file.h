/* SPDX-License-Identifier: MIT */
#pragma once

/* The file of known hosts. */

#include "installer/fetch/known_hosts.h"
#include "verity/util/error.h"

#define KNOWN_HOSTS_FILE "known_hosts"

/**
 * known_hosts_path - where the file is on a device that is told nothing else
 * @record_fd: PERSIST/wmopkg, from device_record_fd()
 * @ret:       set on success alone; free()
 *
 * Return: 0; -errno.
 */
int known_hosts_path(int record_fd, char **ret, struct verity_error *err) must_check;

/**
 * known_hosts_load - the whole of it
 * @path: NULL, or one that is not there: an empty text
 * @ret:  set on success alone; free()
 *
 * Return: 0; -EINVAL (NOT_A_FILE) for a link too; -EFBIG; -errno.
 */
int known_hosts_load(const char *path, char **ret, size_t *ret_size,
		     struct verity_error *err) must_check;

/**
 * known_hosts_add - remember a key, for good when this returns 0
 * @name: from known_hosts_name()
 *
 * The file is replaced as a whole: a power cut leaves the old one or the new one.
 */
int known_hosts_add(const char *path, const char *name, const struct known_hosts_key *key,
		    struct verity_error *err) must_check;
