/* SPDX-License-Identifier: MIT */
#pragma once

/* The URL that a package is fetched from. */

#include "installer/request/address.h"
#include "installer/request/protocols.h"
#include "verity/util/cleanup.h"

struct url {
	const struct protocol *protocol;
	char *whole; /* owned; without user, password and fragment */
	char *shown; /* owned; for messages and logs: without the query as well */
	char *path;  /* owned; decoded */
	char host[ADDRESS_HOST_MAX + 1]; /* an IPv6 address with brackets, without zone */
	uint16_t port;                   /* given, or the one of the protocol */
};

/* Who logs in to a server; each NULL if it was not given. Owned. */
struct login {
	char *user;
	char *password;
};

/**
 * url_parse - split a URL
 * @ret:       set on success only; url_done()
 * @ret_login: user and password of the URL; set on success only; login_done()
 *
 * It may contain blanks and UTF-8 that are not encoded. Dots in its path stay: of a link
 * to a folder, ".." is not what is before it.
 *
 * Return: 0; -EINVAL (USAGE).
 */
int url_parse(const char *text, struct url *ret, struct login *ret_login,
	      struct verity_error *err) must_check;

/**
 * url_build - make a URL of an address and a path
 * @address: see address_parse()
 * @path:    as it is on the server, not encoded: below the home folder of the user, or
 *           from the top if it begins with '/'
 * @ret:     set on success only; url_done()
 *
 * Return: 0; -EINVAL (USAGE).
 */
int url_build(const struct protocol *protocol, const char *address, const char *path,
	      struct url *ret, struct verity_error *err) must_check;

/**
 * url_show - a URL for logs, without user, password, query and fragment
 *
 * Return: free(); NULL if it is not a URL, or there is no memory.
 */
char *url_show(const char *text);

void url_done(struct url *url);

/**
 * login_done - free, and wipe the password
 */
void login_done(struct login *login);
