/* SPDX-License-Identifier: MIT */
#include "installer/fetch/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_LIMIT 65535
#define ZONE_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

static int parse_port(const char *text, const char *port, char *ret,
		      struct verity_error *err)
{
	size_t digits = strspn(port, "0123456789");

	if (digits == 0 || digits > SOURCE_PORT_MAX || port[digits] ||
	    strtoul(port, NULL, 10) < 1 || strtoul(port, NULL, 10) > PORT_LIMIT)
		return verity_fail(err, VERITY_E_USAGE,
				   "%.64s: '%.16s' is not a port: a number from 1 to %d "
				   "is expected",
				   text, port, PORT_LIMIT);
	strcpy(ret, port);
	return 0;
}

static int check_name(const char *text, const char *host, struct verity_error *err)
{
	if (host[0] == '\0' || strpbrk(host, " \t\r\n/?#@\\[]%<>\"^`{|}"))
		return verity_fail(
			err, VERITY_E_USAGE,
			"'%.64s' is not an address: a name, an IPv4 address or "
			"an [IPv6 address] is expected",
			text);
	return 0;
}

/* @zone: "%eth0]", or the bracket alone */
static int check_zone(const char *text, const char *zone, struct verity_error *err)
{
	size_t size = zone[0] == '%' ? strspn(zone + 1, ZONE_BYTES) : 0;

	if (zone[0] == ']' || (size > 0 && zone[1 + size] == ']'))
		return 0;
	return verity_fail(err, VERITY_E_USAGE,
			   "%.64s: behind the %% the name of an interface is expected",
			   text);
}

static int check_ipv6(const char *text, const char *host, struct verity_error *err)
{
	char number[INET6_ADDRSTRLEN + 1];
	struct in6_addr unused;
	size_t size = strcspn(host + 1, "%]");

	snprintf(number, sizeof(number), "%.*s",
		 (int)(size < sizeof(number) ? size : sizeof(number)), host + 1);
	if (inet_pton(AF_INET6, number, &unused) != 1)
		return verity_fail(err, VERITY_E_USAGE,
				   "%.64s: '%.64s' is not an IPv6 address", text, number);
	return check_zone(text, host + 1 + size, err);
}

/* @end: behind the host */
static int split(const char *text, const char *end, struct source_address *ret,
		 struct verity_error *err)
{
	size_t size = (size_t)(end - text);

	if (size > SOURCE_HOST_MAX)
		return verity_fail(err, VERITY_E_USAGE,
				   "%.64s...: an address has %d characters at most", text,
				   SOURCE_HOST_MAX);
	memcpy(ret->host, text, size);
	ret->host[size] = '\0';
	ret->port[0] = '\0';
	if (*end == ':')
		return parse_port(text, end + 1, ret->port, err);
	if (*end)
		return verity_fail(err, VERITY_E_USAGE,
				   "%.64s: only :PORT may stand behind the ']'", text);
	return 0;
}

int source_address_parse(const char *text, struct source_address *ret,
			 struct verity_error *err)
{
	struct source_address address;
	const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
	struct in6_addr unused;
	int r;

	if (text[0] == '[' && !bracket)
		return verity_fail(err, VERITY_E_USAGE, "%.64s: the ']' is missing",
				   text);
	/* Its last part would pass for a port. */
	if (inet_pton(AF_INET6, text, &unused) == 1)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: an IPv6 address stands in brackets: [%s]", text,
				   text);
	r = split(text, bracket ? bracket + 1 : strchrnul(text, ':'), &address, err);
	if (r == 0)
		r = bracket ? check_ipv6(text, address.host, err)
			    : check_name(text, address.host, err);
	if (r < 0)
		return r;
	*ret = address;
	return 0;
}
