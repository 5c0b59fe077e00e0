/* SPDX-License-Identifier: MIT */
#pragma once

/* The client of a transfer at the terminal: what is printed, and what a person answers.
 */

#include "installer/fetch/source.h"
#include "installer/request/job.h"
#include "installer/request/message.h"
#include "installer/request/url.h"

/* Of one attempt. */
struct client {
	const struct source_sink *sink;    /* borrowed */
	const struct url *url;             /* borrowed */
	struct login *login;               /* borrowed; gets what was typed */
	const char *known_hosts;           /* path of the file; NULL: none; borrowed */
	int64_t taken;                     /* bytes that the sink has */
	int64_t total;                     /* of the whole file; -1: not known */
	bool in_parts;                     /* the sink was asked for the next one */
	bool shown;                        /* an address has been printed */
	char address[80];                  /* of the newest connection; "": unknown */
	char version[MESSAGE_VERSION_MAX]; /* of the file; "": not known */
	bool unchanged;                    /* it is the known one */
	char origin[MESSAGE_URL_MAX]; /* as the transfer said, not checked; "": unknown */
};

/**
 * client_for_transfer - the functions that act for @client
 */
struct transfer_client client_for_transfer(struct client *client);
