/* SPDX-License-Identifier: MIT */
#pragma once

/* The address of a server, as it is typed and as it stands in a URL. */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#include <curl/curl.h>

#define ADDRESS_HOST_MAX 255 /* characters */
#define ADDRESS_PORT_MAX 5   /* digits */

DEFINE_CLEANUP(CURLU, curl_url_cleanup);
DEFINE_CLEANUP(char, curl_free);

/* Plain data. */
struct address {
	char host[ADDRESS_HOST_MAX + 1]; /* an IPv6 address with its brackets */
	char port[ADDRESS_PORT_MAX + 1]; /* "": the default of the protocol */
};

/**
 * address_parse - decode "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT"
 * @ret: set on success only; libcurl decides whether the host name is valid
 *
 * An IPv6 address may have a zone: "[fe80::1%eth0]".
 *
 * Return: 0; -EINVAL (USAGE).
 */
int address_parse(const char *text, struct address *ret,
		  struct verity_error *err) must_check;

/**
 * address_check_url - refuse a URL whose host is made of numbers, but is no IPv4 address:
 * libcurl would take 192.0.2 for 192.0.0.2
 * @url: as it was typed
 *
 * Return: 0, also where it is no URL; -EINVAL (USAGE).
 */
int address_check_url(const char *url, struct verity_error *err) must_check;

/**
 * address_of_url - the host of a URL, an IPv6 address with its brackets; "" if it has
 * none
 */
void address_of_url(const char *url, char ret[static ADDRESS_HOST_MAX + 1]);
