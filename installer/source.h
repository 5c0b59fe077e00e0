/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a package comes from: a file, or a server that is asked for one. */

#include "verity/name.h"

#include <stddef.h>
#include <stdint.h>

struct source;

/* What takes the bytes as they come. */
struct source_sink {
	/*
	 * A negative return ends the transfer, and comes back from source_pull() with
	 * what was put into @err.
	 */
	int (*take)(void *context, const void *bytes, size_t count,
		    struct verity_error *err);
	void *context; /* borrowed */
};

/**
 * source_open - find out what @where names
 * @where: an URL of a protocol that is known here, or the path of a file, which is opened
 * @ret:   set on success alone; free with source_free()
 *
 * Asks no server yet.
 *
 * Return: 0; -EINVAL (USAGE, BAD_NAME, NOT_A_FILE); -errno.
 */
int source_open(const char *where, struct source **ret,
		struct verity_error *err) must_check;

void source_free(struct source *source);

/**
 * source_where - what it is called in messages: the path, or the URL without its password
 */
const char *source_where(const struct source *source);

/**
 * source_name - the name that the package will have; borrowed
 */
const char *source_name(const struct source *source);

/**
 * source_bytes - how long the file is, by what file system or server say
 *
 * Return: -1 where that is not known (yet).
 */
int64_t source_bytes(const struct source *source);

/**
 * source_pull - move all bytes into @sink; once for each source
 *
 * A server's way is told on stdout: what is attempted, and the addresses connected to.
 *
 * Return: 0 at the end of the file; what the sink returned; -EIO after a signal, see
 * interrupt_check(); -ENOENT where the server has no such file; -ECOMM (TRANSFER);
 * -errno.
 */
int source_pull(struct source *source, const struct source_sink *sink,
		struct verity_error *err) must_check;
