/* SPDX-License-Identifier: MIT */
/* The table of protocols. */
#include "installer/request/protocols.h"

#include <string.h>
#include <strings.h>

#define SHOWN_MAX 32 /* bytes of an unknown word */

/*
 * In a URL, what follows the slash after the host is relative to the home folder: an
 * absolute path of ftp begins with a second slash (RFC 1738, 3.2.2: as %2F). With ssh it
 * is the other way round.
 */
static const struct protocol protocols[] = {
	{"ftp", "FTP", PROTOCOL_FTP, 21, .follow = "ftp", .relative = "/",
	 .absolute = "//", .mode = ";type=i", .can_resume = true, .needs_user = true,
	 .has_guests = true, .has_data_connection = true},
	{"tftp", "TFTP", PROTOCOL_TFTP, 69, .follow = "tftp", .relative = "/",
	 .absolute = "//", .mode = ";mode=octet"},
	{"scp", "SCP", PROTOCOL_SSH, 22, .follow = "scp", .relative = "/~/",
	 .absolute = "/", .needs_user = true, .has_host_keys = true},
	{"sftp", "SFTP", PROTOCOL_SSH, 22, .follow = "sftp", .relative = "/~/",
	 .absolute = "/", .can_resume = true, .can_part = true, .needs_user = true,
	 .has_host_keys = true},
	{"http", "HTTP", PROTOCOL_HTTP, 80, .follow = "http,https", .relative = "/",
	 .absolute = "/", .can_resume = true, .can_part = true, .has_certificates = true},
	{"https", "HTTPS", PROTOCOL_HTTP, 443, .follow = "https", .relative = "/",
	 .absolute = "/", .can_resume = true, .can_part = true, .has_certificates = true},
};

#define PROTOCOL_COUNT (sizeof(protocols) / sizeof(protocols[0]))

const struct protocol *protocol_find(const char *scheme, size_t size)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		if (strlen(protocols[i].scheme) == size &&
		    strncasecmp(protocols[i].scheme, scheme, size) == 0)
			return &protocols[i];
	return NULL;
}

static bool is_built(const struct protocol *protocol)
{
#ifdef HAVE_SSH
	return protocol != NULL;
#else
	return protocol && protocol->kind != PROTOCOL_SSH;
#endif
}

int protocol_get(const char *scheme, size_t size, const struct protocol **ret,
		 struct verity_error *err)
{
	const struct protocol *found = protocol_find(scheme, size);
	char known[128] = "";

	if (is_built(found)) {
		*ret = found;
		return 0;
	}
	if (found)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "%s: this wmopkg was built without ssh (use another "
				   "protocol, or build it with -Dssh=enabled)",
				   found->scheme);
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		if (!is_built(&protocols[i]))
			continue;
		strncat(known, i ? ", " : "", sizeof(known) - strlen(known) - 1);
		strncat(known, protocols[i].scheme, sizeof(known) - strlen(known) - 1);
	}
	return verity_fail(err, VERITY_E_USAGE,
			   "unknown protocol '%.*s'; expected one of %s",
			   (int)(size < SHOWN_MAX ? size : SHOWN_MAX), scheme, known);
}
