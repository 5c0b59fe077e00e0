/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "installer/request/address.h"
#include "installer/request/protocols.h"
#include "installer/request/url.h"

static void try_url(const char *text)
{
	struct url url;
	struct login login;
	struct verity_error err;

	if (url_parse(text, &url, &login, &err) < 0)
		return;
	require(protocol_find(url.shown, strcspn(url.shown, ":")) == url.protocol);
	/* Nobody's password is shown: what stands before the host has been cut off. */
	require(!strchr(url.shown, '?') && !strchr(url.shown, '#'));
	require(strcspn(url.shown + strlen(url.protocol->scheme) + 3, "@") >=
		strcspn(url.shown + strlen(url.protocol->scheme) + 3, "/"));
	url_done(&url);
	login_done(&login);
}

/* Whatever is typed, the URL leads to this host and to this path, and nowhere else. */
static void try_address(const char *text, const char *path)
{
	static const char *const schemes[] = {"ftp", "tftp", "http", "https"};
	struct address address;
	struct verity_error err;

	if (address_parse(text, &address, &err) == 0)
		require(strlen(address.host) > 0 && !strpbrk(address.host, "/?#@ "));
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const struct protocol *protocol =
			protocol_find(schemes[i], strlen(schemes[i]));
		struct url url;
		const char *behind;

		if (url_build(protocol, text, path, &url, &err) < 0)
			continue;
		behind = url.whole + strlen(schemes[i]) + strlen("://");
		require(strcspn(behind, "?#@") >= strcspn(behind, "/"));
		require(!strpbrk(url.whole, "?# \r\n"));
		url_done(&url);
	}
}

/* A line: an URL, or an address, a blank and a path. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *path;

	require(text);
	memcpy(text, data, size);
	text[size] = '\0';
	try_url(text);
	path = strchr(text, ' ');
	if (path)
		*path++ = '\0';
	try_address(text, path ? path : "a.wmopkg");
	free(text);
	return 0;
}
