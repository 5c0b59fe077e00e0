/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Reads a request in a process without rights, and says in frames what it contains: the
 * only code that decodes what a browser sends.
 */

#include <stdbool.h>
#include <stdint.h>

#include "verity/util/error.h"

/* The texts are the variables of CGI (RFC 3875); NULL: not set. All borrowed. */
struct reader_job {
	int body;      /* standard input */
	bool has_body; /* the method is POST */
	const char *query;
	const char *type;
	const char *length;
	uint64_t bytes_max; /* of a body with a file */
};

/**
 * reader_run - read it
 * @out: the pipe for frames
 *
 * Return: the exit status.
 */
int reader_run(const struct reader_job *job, int out);
