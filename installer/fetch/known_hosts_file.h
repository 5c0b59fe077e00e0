/* SPDX-License-Identifier: MIT */
#pragma once

/* The file of known hosts: read whole, and replaced whole. */

#include "installer/request/known_hosts.h"
#include "verity/util/error.h"

#define KNOWN_HOSTS_FILE "known_hosts"

/**
 * known_hosts_path - the default path of the file
 * @record_fd: PERSIST/wmopkg, from device_record_fd()
 * @ret:       set on success only; free()
 *
 * Return: 0; -errno.
 */
int known_hosts_path(int record_fd, char **ret, struct verity_error *err) must_check;

/**
 * known_hosts_load - read all of it
 * @path: if NULL, or if there is no such file: an empty text
 * @ret:  set on success only; free()
 *
 * Return: 0; -EINVAL (NOT_A_FILE), also for a link; -EFBIG; -errno.
 */
int known_hosts_load(const char *path, char **ret, size_t *ret_size,
		     struct verity_error *err) must_check;

/**
 * known_hosts_append - add a line, permanently when this returns 0
 * @line: from known_hosts_line()
 *
 * All other bytes stay. After a power cut there is the old file or the new one.
 */
int known_hosts_append(const char *path, const char *line,
		       struct verity_error *err) must_check;

/**
 * known_hosts_forget - delete the keys of a host, permanently when this returns 0
 * @host: as known_hosts_without()
 *
 * Return: how many lines were deleted; -errno.
 */
int known_hosts_forget(const char *path, const char *host,
		       struct verity_error *err) must_check;
