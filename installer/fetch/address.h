/* SPDX-License-Identifier: MIT */
#pragma once

/* The address of a server as it is typed; pure. */

#include "verity/util/error.h"

#define SOURCE_HOST_MAX 255 /* characters */
#define SOURCE_PORT_MAX 5   /* digits */

/* Plain data. */
struct source_address {
	char host[SOURCE_HOST_MAX + 1]; /* an IPv6 address with its brackets */
	char port[SOURCE_PORT_MAX + 1]; /* "": the protocol's own */
};

/**
 * source_address_parse - decode "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT"
 * @ret: set on success alone; whether the host is a sound name is for libcurl to say
 *
 * An IPv6 address may have a zone: "[fe80::1%eth0]".
 *
 * Return: 0; -EINVAL (USAGE).
 */
int source_address_parse(const char *text, struct source_address *ret,
			 struct verity_error *err) must_check;
