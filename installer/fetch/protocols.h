/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the protocols differ in, as a table. Everything else of a transfer is the same for
 * all of them: source_curl.h.
 */

#include "verity/util/error.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct source_transfer;

struct source_protocol {
	const char *scheme; /* as typed, and in URLs: "ftp" */
	const char *name;   /* as shown: "FTP" */
	const char *follow; /* what a redirect may lead to, for libcurl */
	/* What stands between host and path in an URL. */
	const char *relative, *absolute;
	/* Can begin at any byte of a file, and tell whether it still is the same one. */
	bool can_resume;
	/* Lets nobody in who does not say a name. */
	bool needs_user;
	/* Lets in who calls himself anonymous, or ftp, with any password. */
	bool has_guests;
	/* Opens further connections, which are nobody's business, to the same host. */
	bool has_data_connection;
	/*
	 * The hooks may be NULL. They and libcurl are called on one thread; a failure is
	 * put into @err.
	 */
	/* Before each try; @transfer->taken is where it has to begin. */
	int (*prepare)(struct source_transfer *transfer, struct verity_error *err);
	/*
	 * Each line that the server says, with its end of line, not 0-terminated. False
	 * ends the try.
	 */
	bool (*hear)(struct source_transfer *transfer, const char *line, size_t size);
	/* Before a try's first byte is taken: that it is the file, and the same as
	 * before. */
	int (*check)(struct source_transfer *transfer, struct verity_error *err);
	/* What @code means; 0 where there is nothing to say but what source_reason()
	 * does. */
	int (*explain)(struct source_transfer *transfer, CURLcode code,
		       struct verity_error *err);
	/*
	 * After tries that failed, whose reason is in @err: 1 where something has been
	 * found out, or asked for, that makes another one worth it; 0 where not; -errno
	 * where that failed.
	 */
	int (*amend)(struct source_transfer *transfer, struct verity_error *err);
	/* At the end of all; frees what @transfer->private points to, but not itself. */
	void (*done)(struct source_transfer *transfer);
};

/**
 * source_protocol_find - the protocol called @size bytes of @scheme, in any case
 *
 * Return: NULL where there is none.
 */
const struct source_protocol *source_protocol_find(const char *scheme, size_t size);

/**
 * source_protocol_get - the same, or an error that names those there are
 *
 * Return: 0; -EINVAL (USAGE).
 */
int source_protocol_get(const char *scheme, size_t size,
			const struct source_protocol **ret,
			struct verity_error *err) must_check;
