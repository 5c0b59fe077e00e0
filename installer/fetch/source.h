/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where a package, or another file, comes from: a file, or a server. Each kind is in a
 * file of its own.
 */

#include "verity/util/cleanup.h"
#include "verity/util/name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SOURCE_PLACE_MAX   192
#define SOURCE_VERSION_MAX 256

struct part;

/* What takes the bytes as they come. */
struct source_sink {
	/*
	 * A negative return ends the transfer; source_pull() returns it with what was put
	 * into @err.
	 */
	int (*take)(void *context, const void *bytes, size_t count,
		    struct verity_error *err);
	/*
	 * Bytes that are wanted first, of a source that can give parts; then @next is
	 * asked, as in struct transfer_client. 0: all. Other sources give the whole file,
	 * and do not ask.
	 */
	int64_t first_bytes;
	int (*next)(void *context, struct part *ret, struct verity_error *err);
	/*
	 * What was taken is the whole file, by what it says itself: how the server ends
	 * the transfer does not matter any more. May be NULL.
	 */
	bool (*is_whole)(void *context);
	/*
	 * A line is about to be printed between two pieces: a progress bar ends its line.
	 * May be NULL.
	 */
	void (*interlude)(void *context);
	/* For lines about the transfer; NULL: stdout */
	FILE *out;
	void *context; /* borrowed */
};

/* What was typed, and the settings of the device. All borrowed; NULL: not given. */
struct source_request {
	const char *where;    /* a URL, or the path of a file; NULL: @address and @path */
	const char *protocol; /* "ftp", ...; NULL: ftp, then tftp */
	const char *address;  /* "HOST", "HOST:PORT", "[IPV6]", "[IPV6]:PORT" */
	const char
		*path; /* on the server; below the home folder unless it begins with '/'
			*/
	const char *user;        /* NULL: the logged-in user, if the server wants one */
	const char *password;    /* NULL: asked for, if the server wants one */
	const char *authorities; /* PEM file or folder for https; NULL: of the system */
	const char *known_hosts; /* file of ssh host keys, made when it is first needed */
	bool any_name;           /* the file need not have the name of a package */
	const char *fetch_user;  /* that talks to servers; NULL: nobody */
	const char *known; /* .version of what is there already: fetched only if it is
			      another one now. Only http and https ask */
};

/* The struct of each kind begins with one. Read-only outside the kind. */
struct source {
	const struct source_kind *kind;
	/*
	 * Its name in messages, owned: the path, or the URL without its password. If
	 * several protocols are tried, it is the URL of the one that worked, and has no
	 * protocol before that.
	 */
	char *where;
	/* That the package will have; "": it has no such name, see @any_name */
	char name[VERITY_NAME_MAX + 1];
	/*
	 * For the audit log, set by source_pull(): the URL that the bytes came from after
	 * all redirects, without user, password and query, owned; NULL: it is @where. And
	 * what else identifies the place: the address of the server, the UUID of the
	 * medium; "": nothing.
	 */
	char *origin;
	char place[SOURCE_PLACE_MAX];
	/*
	 * What a server says that identifies this version of the file, set by
	 * source_pull(); "": nothing. And whether it is the known one: no byte was
	 * fetched.
	 */
	char version[SOURCE_VERSION_MAX];
	bool unchanged;
};

struct source_kind {
	int64_t (*bytes)(const struct source *source);
	int (*pull)(struct source *source, const struct source_sink *sink,
		    struct verity_error *err);
	void (*free)(struct source *source); /* all but @where and @origin */
};

static inline void source_free(struct source *source)
{
	if (!source)
		return;
	free(source->where);
	free(source->origin);
	source->kind->free(source);
}

DEFINE_CLEANUP(struct source, source_free);

/**
 * source_bytes - length of the file, as the file system or the server says
 *
 * Return: -1 if it is not known (yet).
 */
static inline int64_t source_bytes(const struct source *source)
{
	return source->kind->bytes(source);
}

/**
 * source_came_from - where the bytes came from, for the audit log; borrowed
 */
static inline const char *source_came_from(const struct source *source)
{
	return source->origin ?: source->where;
}

/**
 * source_pull - move all bytes into @sink; once for each source
 *
 * Prints which protocols and addresses are tried. After a lost connection it
 * goes on where it ended, if the protocol can and the file is the same; the sink gets
 * each byte once. Once the sink is whole, a server that never says the last word of its
 * protocol does no harm. If the server wants a password and none was given, the person at
 * the terminal is asked, without echo.
 *
 * Return: 0 at the end of the file; what the sink returned; -EINTR after a signal, see
 * signals_check(); -ENOENT if the server has no such file; -ECOMM (TRANSFER, LOST, LOGIN,
 * CERTIFICATE, HOST_KEY, CLOCK); -errno.
 */
static inline must_check int source_pull(struct source *source,
					 const struct source_sink *sink,
					 struct verity_error *err)
{
	return source->kind->pull(source, sink, err);
}
