/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a package is fetched from, as an URL. */

#include "installer/fetch/protocols.h"
#include "verity/util/name.h"

/* One place and one way to get there. */
struct source_url {
	const struct source_protocol *protocol;
	char *whole; /* owned; without user, password and fragment */
	char *where; /* owned; what is shown: without the query too */
};

/* Who asks; each NULL where it was not given. Owned. */
struct source_login {
	char *user;
	char *password;
};

/**
 * source_url_parse - take an URL apart
 * @ret:       set on success alone; source_url_done()
 * @ret_login: what stood in the URL; set on success alone; source_login_done()
 * @ret_name:  installed name of the package: the last part of the decoded path
 *
 * Blanks and UTF-8 may stand in it as they are.
 *
 * Return: 0; -EINVAL (USAGE, BAD_NAME).
 */
int source_url_parse(const char *text, struct source_url *ret,
		     struct source_login *ret_login,
		     char ret_name[static VERITY_NAME_MAX + 1],
		     struct verity_error *err) must_check;

/**
 * source_url_build - put one together
 * @address: see source_address_parse()
 * @path:    as it is on the server, nothing encoded: below the folder of who logs in, or
 *           from the top with a leading '/'
 * @ret:     set on success alone; source_url_done()
 *
 * Return: 0; -EINVAL (USAGE).
 */
int source_url_build(const struct source_protocol *protocol, const char *address,
		     const char *path, struct source_url *ret,
		     struct verity_error *err) must_check;

void source_url_done(struct source_url *url);

/**
 * source_login_done - free, and wipe the password
 */
void source_login_done(struct source_login *login);

/**
 * source_url_host - the host in an URL; "" where it has none
 */
void source_url_host(const char *url, char *ret, size_t size);
