/* SPDX-License-Identifier: MIT */
#pragma once

/* The address of a server, as it is typed and as it stands in a URL. */

#include "verity/util/error.h"

#define ADDRESS_HOST_MAX 255 /* characters */
#define ADDRESS_PORT_MAX 5   /* digits */

/* Plain data. */
struct address {
	char host[ADDRESS_HOST_MAX + 1]; /* an IPv6 address with its brackets */
	char port[ADDRESS_PORT_MAX + 1]; /* "": the default of the protocol */
};

/**
 * address_parse - decode "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT"
 * @ret: set on success only
 *
 * An IPv6 address may have a zone: "[fe80::1%eth0]".
 *
 * Return: 0; -EINVAL (USAGE).
 */
int address_parse(const char *text, struct address *ret,
		  struct verity_error *err) must_check;
