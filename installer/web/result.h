/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How far an installation is, and what became of it, for other requests of the same
 * browser: small files below the run folder, which this boot forgets.
 */

#include <stdint.h>

#include "installer/web/messages.h"
#include "verity/util/error.h"

#define RESULT_ID_BYTES 33 /* 32 hex digits and their end */

/* Plain data. */
struct result {
	int run_fd; /* borrowed */
	char id[RESULT_ID_BYTES];
	uint64_t done_bytes, total_bytes; /* total 0: nothing is accepted yet */
	uint64_t written_us;              /* when the file was last written */
};

/**
 * result_new_id - for a form
 *
 * Return: 0; -errno.
 */
int result_new_id(char ret[static RESULT_ID_BYTES], struct verity_error *err) must_check;

/**
 * result_begin - remove old files, and write that it is running
 * @id: of a form; what is none is nothing to ask for, and nothing is written
 */
void result_begin(struct result *result, int run_fd, const char *id);

/**
 * result_advance - write how far it is, but not too often
 */
void result_advance(struct result *result, uint64_t done_bytes);

/**
 * result_end - write how it ended, with all messages
 */
void result_end(struct result *result, bool done, const struct messages *messages);

/**
 * result_load - the JSON text of a file
 * @id:  from outside
 * @ret: set on success only; free()
 *
 * Return: 0; -ENOENT (NOT_FOUND); -errno.
 */
int result_load(int run_fd, const char *id, char **ret,
		struct verity_error *err) must_check;

/**
 * result_messages - add the messages of a file
 */
void result_messages(int run_fd, const char *id, struct messages *messages);
