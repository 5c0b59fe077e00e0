/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a package comes from: a file, or a server that is asked for one. */

#include "verity/util/name.h"

#include <stdbool.h>
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
	/*
	 * A line is about to be printed between two pieces: who shows a bar ends its
	 * line. May be NULL.
	 */
	void (*interlude)(void *context);
	void *context; /* borrowed */
};

/* What was typed, and the device's own settings. All borrowed; NULL: not given. */
struct source_request {
	const char *where; /* an URL, or the path of a file; NULL: @address and @path */
	const char *protocol; /* "ftp", ...; NULL: ftp, then tftp */
	const char *address;  /* "HOST", "HOST:PORT", "[IPV6]", "[IPV6]:PORT" */
	const char *path; /* on the server; below the user's folder unless it begins with
			     '/' */
	const char *user; /* NULL: who is logged in, once a server wants to know */
	const char *password;    /* NULL: asked for, once a server wants one */
	const char *authorities; /* PEM file or folder of https; NULL: the system's */
	const char *known_hosts; /* file of ssh host keys, made when it is first needed */
};

/**
 * source_is_ssh - whether @request->known_hosts matters
 */
bool source_is_ssh(const struct source_request *request);

/**
 * source_open - find out what is meant
 * @request: copied as far as it is needed; a password in an URL counts like @password
 * @ret:     set on success alone; free with source_free()
 *
 * Asks no server yet. A file is opened.
 *
 * Return: 0; -EINVAL (USAGE, BAD_NAME, NOT_A_FILE); -errno.
 */
int source_open(const struct source_request *request, struct source **ret,
		struct verity_error *err) must_check;

/**
 * source_of_file - a file that was opened elsewhere
 * @fd:    regular file; the source's from now on, also on failure
 * @where: what it is called in messages; copied
 *
 * Return: 0; -EINVAL (BAD_NAME, NOT_A_FILE) by the last part of @where; -errno.
 */
int source_of_file(int fd, const char *where, struct source **ret,
		   struct verity_error *err) must_check;

void source_free(struct source *source);

/**
 * source_where - what it is called in messages: the path, or the URL without its password
 *
 * Where several protocols are tried, the URL is that of the one that worked, once it did,
 * and before has no protocol. Borrowed until source_pull() or source_free().
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
 * A server's way is told on stdout: what is attempted, and the addresses connected to. A
 * connection that breaks is taken up again where it ended, as far as the protocol can and
 * the file is the same; the sink sees each byte once. A password is asked for at the
 * terminal, unechoed, where the server wants one and none was given.
 *
 * Return: 0 at the end of the file; what the sink returned; -EINTR after a signal, see
 * signals_check(); -ENOENT where the server has no such file; -ECOMM (TRANSFER, LOST,
 * LOGIN, CERTIFICATE, CLOCK); -errno.
 */
int source_pull(struct source *source, const struct source_sink *sink,
		struct verity_error *err) must_check;
