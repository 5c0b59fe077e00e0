/* SPDX-License-Identifier: MIT */
#pragma once

/* Is this the right ssh server? By its key: libcurl looks it up, or a person is asked. */

#include "installer/request/known_hosts.h"
#include "installer/transfer/transfer.h"

/* The number of libssh2 if client and server have no method in common */
#define SSH_NO_COMMON_METHOD "session: -5,"

/* Which lines of known_hosts libcurl has, one after the other; see known_hosts_filter. */
enum ssh_hostkey_lines {
	SSH_HOSTKEY_AS_WRITTEN, /* the server is asked for a key of the type that it has
				 */
	SSH_HOSTKEY_NONE,       /* it has no such key: for any key */
	SSH_HOSTKEY_ANY_TYPE,   /* is another key known, of whatever type? */
};

/* Of one transfer. { 0 } is none. */
struct ssh_hostkey {
	struct transfer *transfer;       /* borrowed */
	char name[KNOWN_HOSTS_NAME_MAX]; /* of the server, in known_hosts */
	char *known;                     /* the text of the file; owned */
	size_t known_size;
	enum ssh_hostkey_lines lines;
	char *filtered; /* owned; what libcurl reads */
	size_t unclear; /* number of a line that may mean any host; 0: none */

	/* Of this try: */
	bool is_shown; /* the server has shown @key, */
	struct known_hosts_key key;
	enum curl_khmatch match;
	size_t revoked_line;          /* which this line revokes; 0: none */
	struct known_hosts_key other; /* known in its place, if @match is MISMATCH */
};

/**
 * ssh_hostkey_begin - look at known_hosts; then and after a failure, ssh_hostkey_done()
 */
int ssh_hostkey_begin(struct ssh_hostkey *host, struct transfer *transfer,
		      struct verity_error *err) must_check;

void ssh_hostkey_done(struct ssh_hostkey *host);

/**
 * ssh_hostkey_prepare - have the key of the server checked in this try
 */
int ssh_hostkey_prepare(struct ssh_hostkey *host, struct verity_error *err) must_check;

/**
 * ssh_hostkey_explain - whether a try ended because of the key of the server
 *
 * Return: 0 if not; -ECOMM (HOST_KEY).
 */
int ssh_hostkey_explain(const struct ssh_hostkey *host,
			struct verity_error *err) must_check;

/**
 * ssh_hostkey_amend - look further, then ask whether an unknown key is the right one
 *
 * Return: see struct protocol_ops.
 */
int ssh_hostkey_amend(struct ssh_hostkey *host, struct verity_error *err) must_check;
