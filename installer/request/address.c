/* SPDX-License-Identifier: MIT */
/* Addresses of servers: stricter than libcurl and the C library, which take more. */
#include "installer/request/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_LIMIT 65535
#define NO_HOST    " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}\x7f"
#define ZONE_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

/* @host: with its brackets. libcurl takes more for an IPv6 address than there is. */
static int check_ipv6(const char *text, const char *host, struct verity_error *err)
{
	char number[INET6_ADDRSTRLEN + 1];
	struct in6_addr unused;
	const char *zone = host + strcspn(host, "%]");
	size_t size = (size_t)(zone - host) - 1;
	size_t name = zone[0] == '%' ? strspn(zone + 1, ZONE_BYTES) : 1;

	snprintf(number, sizeof(number), "%.*s",
		 (int)(size < sizeof(number) ? size : sizeof(number)), host + 1);
	if (inet_pton(AF_INET6, number, &unused) != 1)
		return verity_fail(err, VERITY_E_USAGE,
				   "%.64s: '%.64s' is not an IPv6 address", text, number);
	if (zone[0] == '%' && (name == 0 || name >= IF_NAMESIZE || zone[1 + name] != ']'))
		return verity_fail(err, VERITY_E_USAGE,
				   "%.64s: expected the name of an interface after '%%'",
				   text);
	return 0;
}

/*
 * Numbers that only the C library takes for an address, such as 192.0.2, 0x7f.1 or
 * 3232235777, are another one than a person means.
 */
static int check_ipv4(const char *text, struct verity_error *err)
{
	const char *last = strrchr(text, '.');
	struct in_addr unused;

	last = last ? last + 1 : text;
	if (last[0] == '0' && (last[1] == 'x' || last[1] == 'X'))
		last += 2 + strspn(last + 2, "0123456789abcdefABCDEF");
	else
		last += strspn(last, "0123456789");
	if (*last || last == text || last[-1] == '.' ||
	    inet_pton(AF_INET, text, &unused) == 1)
		return 0;
	return verity_fail(err, VERITY_E_USAGE,
			   "'%.64s' is not an IPv4 address: expected four numbers, such "
			   "as 192.0.2.1",
			   text);
}

/* Bytes of UTF-8 may stand in one. */
static bool is_name(const char *host)
{
	for (const char *byte = host; *byte; byte++)
		if ((unsigned char)*byte < ' ')
			return false;
	return host[0] && !strpbrk(host, NO_HOST);
}

int address_parse(const char *text, struct address *ret, struct verity_error *err)
{
	bool is_ipv6 = text[0] == '[';
	const char *end = is_ipv6 ? strchr(text, ']') : strchrnul(text, ':');
	struct address address = {.port = ""};
	struct in6_addr unused;
	size_t digits;

	if (!end)
		return verity_fail(err, VERITY_E_USAGE, "%.64s: missing ']'", text);
	/* Its last part would be taken for a port. */
	if (inet_pton(AF_INET6, text, &unused) == 1)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: an IPv6 address needs brackets: [%s]", text,
				   text);
	end += is_ipv6;
	if (end - text > ADDRESS_HOST_MAX)
		return verity_fail(err, VERITY_E_USAGE,
				   "%.64s...: an address has at most %d characters", text,
				   ADDRESS_HOST_MAX);
	memcpy(address.host, text, (size_t)(end - text));
	if (is_ipv6 && check_ipv6(text, address.host, err) < 0)
		return -EINVAL;
	if (!is_ipv6 && !is_name(address.host))
		return verity_fail(err, VERITY_E_USAGE,
				   "'%.64s' is not an address: expected a name, an IPv4 "
				   "address or an [IPv6 address]",
				   text);
	if (!is_ipv6 && check_ipv4(address.host, err) < 0)
		return -EINVAL;
	if (*end == ':') {
		digits = strspn(++end, "0123456789");
		if (digits == 0 || digits > ADDRESS_PORT_MAX || end[digits] ||
		    strtoul(end, NULL, 10) < 1 || strtoul(end, NULL, 10) > PORT_LIMIT)
			return verity_fail(err, VERITY_E_USAGE,
					   "%.64s: '%.16s' is not a port: expected a "
					   "number from 1 to %d",
					   text, end, PORT_LIMIT);
		strcpy(address.port, end);
	} else if (*end) {
		return verity_fail(err, VERITY_E_USAGE,
				   "%.64s: only :PORT may follow the ']'", text);
	}
	*ret = address;
	return 0;
}
