/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The table of protocols: a new one is a row, and its hooks in a file of the room
 * transfer.
 */

#include "verity/util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Those that have hooks of their own; see struct protocol_ops. */
enum protocol_kind {
	PROTOCOL_FTP,
	PROTOCOL_TFTP,
	PROTOCOL_SSH,
	PROTOCOL_HTTP,
};

struct protocol {
	const char *scheme; /* as typed, and in URLs: "ftp" */
	const char *name;   /* as shown: "FTP" */
	enum protocol_kind kind;
	uint16_t port;                   /* if a URL has none */
	const char *follow;              /* what a redirect may lead to, for libcurl */
	const char *relative, *absolute; /* between host and path in a URL */
	const char *mode;                /* at the end of a URL, for binary; NULL: none */
	bool can_resume;                 /* at any byte, if the file is still the same */
	bool can_part;                   /* any part of it costs about what it has */
	bool needs_user;                 /* nobody can log in without a user name */
	bool has_guests;                 /* users anonymous and ftp, with any password */
	bool has_data_connection;        /* further connections, which are not shown */
	bool has_host_keys;              /* the server is checked against known_hosts */
	bool has_certificates; /* it is checked against authorities, or leads to one that
				  is */
};

/**
 * protocol_find - the protocol whose scheme is the first @size bytes of @scheme, in any
 * case
 *
 * Return: NULL if there is none.
 */
const struct protocol *protocol_find(const char *scheme, size_t size);

/**
 * protocol_get - likewise, with an error that lists the known ones
 *
 * Return: 0; -EINVAL (USAGE); -EOPNOTSUPP (UNSUPPORTED) for scp and sftp in a build
 * without ssh.
 */
int protocol_get(const char *scheme, size_t size, const struct protocol **ret,
		 struct verity_error *err) must_check;
