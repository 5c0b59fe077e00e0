/* SPDX-License-Identifier: MIT */
#pragma once

/* A file that is there whole or not at all. */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

struct output;

/**
 * output_new - begin a file that will be called @path
 * @mode: permissions, less the umask
 * @ret:  set on success alone; free with output_free(), which leaves nothing behind
 *        unless output_commit() came before
 */
int output_new(const char *path, unsigned mode, struct output **ret,
	       struct verity_error *err) must_check;

void output_free(struct output *output);

DEFINE_CLEANUP(struct output, output_free);

/**
 * output_fd - the file to write, open for reading and writing; borrowed
 */
int output_fd(const struct output *output);

/**
 * output_commit - sync it and give it its name, replacing an older file
 */
int output_commit(struct output *output, struct verity_error *err) must_check;

/**
 * output_revoke - delete what output_commit() has given its name: of several files that
 * belong together, a later one failed
 */
void output_revoke(struct output *output);

/**
 * output_scratch - a nameless file in the folder of @output, for large intermediate
 * results
 * @ret: the caller's to close
 */
int output_scratch(const struct output *output, int *ret,
		   struct verity_error *err) must_check;

/**
 * output_make - begin a small file, and write all of it
 * @ret: as output_new()
 */
int output_make(const char *path, unsigned mode, const void *bytes, size_t size,
		struct output **ret, struct verity_error *err) must_check;

/**
 * output_write - a whole small file in one call
 */
int output_write(const char *path, unsigned mode, const void *bytes, size_t size,
		 struct verity_error *err) must_check;
