/* SPDX-License-Identifier: MIT */
#include "installer/fetch/protocols.h"

#include <string.h>
#include <strings.h>

#include "installer/fetch/ftp.h"
#include "installer/fetch/http.h"
#include "installer/fetch/ssh.h"
#include "installer/fetch/tftp.h"

#define SHOWN_MAX 32 /* bytes of a word that nobody knows */

/*
 * What follows the slash behind the host is relative to the folder of who logs in: an
 * absolute path of ftp begins with a second one (RFC 1738, 3.2.2: as %2F). Of ssh it is
 * the other way round.
 */
static const struct source_protocol protocols[] = {
	{
		.scheme = "ftp",
		.name = "FTP",
		.follow = "ftp",
		.relative = "/",
		.absolute = "//",
		.can_resume = true,
		.has_data_connection = true,
		.needs_user = true,
		.has_guests = true,
		.prepare = source_ftp_prepare,
		.hear = source_ftp_hear,
		.check = source_ftp_check,
		.explain = source_ftp_explain,
	},
	{
		.scheme = "tftp",
		.name = "TFTP",
		.follow = "tftp",
		.relative = "/",
		.absolute = "//",
		.prepare = source_tftp_prepare,
		.explain = source_tftp_explain,
	},
	{
		.scheme = "scp",
		.name = "SCP",
		.follow = "scp",
		.relative = "/~/",
		.absolute = "/",
		.needs_user = true,
		.prepare = source_ssh_prepare,
		.explain = source_ssh_explain,
		.amend = source_ssh_amend,
		.done = source_ssh_done,
	},
	{
		.scheme = "sftp",
		.name = "SFTP",
		.follow = "sftp",
		.relative = "/~/",
		.absolute = "/",
		.can_resume = true,
		.needs_user = true,
		.prepare = source_ssh_prepare,
		.check = source_sftp_check,
		.explain = source_ssh_explain,
		.amend = source_ssh_amend,
		.done = source_ssh_done,
	},
	{
		.scheme = "http",
		.name = "HTTP",
		.follow = "http,https",
		.relative = "/",
		.absolute = "/",
		.can_resume = true,
		.prepare = source_http_prepare,
		.hear = source_http_hear,
		.check = source_http_check,
		.explain = source_http_explain,
	},
	{
		.scheme = "https",
		.name = "HTTPS",
		.follow = "http,https",
		.relative = "/",
		.absolute = "/",
		.can_resume = true,
		.prepare = source_http_prepare,
		.hear = source_http_hear,
		.check = source_http_check,
		.explain = source_http_explain,
	},
};

#define PROTOCOL_COUNT (sizeof(protocols) / sizeof(protocols[0]))

const struct source_protocol *source_protocol_find(const char *scheme, size_t size)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		if (strlen(protocols[i].scheme) == size &&
		    strncasecmp(protocols[i].scheme, scheme, size) == 0)
			return &protocols[i];
	return NULL;
}

/* "ftp, tftp and http" */
static void list(char *ret, size_t size)
{
	ret[0] = '\0';
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		const char *between = i == 0                    ? ""
				      : i == PROTOCOL_COUNT - 1 ? " and "
								: ", ";

		strncat(ret, between, size - strlen(ret) - 1);
		strncat(ret, protocols[i].scheme, size - strlen(ret) - 1);
	}
}

int source_protocol_get(const char *scheme, size_t size,
			const struct source_protocol **ret, struct verity_error *err)
{
	const struct source_protocol *found = source_protocol_find(scheme, size);
	char known[128];

	if (!found) {
		list(known, sizeof(known));
		return verity_fail(
			err, VERITY_E_USAGE, "'%.*s' is not a known protocol (%s are)",
			(int)(size < SHOWN_MAX ? size : SHOWN_MAX), scheme, known);
	}
	*ret = found;
	return 0;
}
