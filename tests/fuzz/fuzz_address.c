/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>

#include "installer/request/address.h"
#include "installer/request/protocols.h"
#include "installer/request/url.h"

/* libcurl, which connects, sees the host, the port and the path that we see. */
static void compare(const struct url *url)
{
	CURLU *parts = curl_url();
	char *host = NULL, *port = NULL, *path = NULL, *unused = NULL;
	const char *at = url->shown + strlen(url->protocol->scheme) + strlen("://");

	require(parts &&
		curl_url_set(parts, CURLUPART_URL, url->whole, CURLU_PATH_AS_IS) == 0 &&
		curl_url_get(parts, CURLUPART_HOST, &host, 0) == 0 &&
		curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == 0 &&
		curl_url_get(parts, CURLUPART_PATH, &path, 0) == 0);
	require(curl_url_get(parts, CURLUPART_USER, &unused, 0) == CURLUE_NO_USER);
	require(curl_url_get(parts, CURLUPART_PASSWORD, &unused, 0) ==
		CURLUE_NO_PASSWORD);
	require(curl_url_get(parts, CURLUPART_FRAGMENT, &unused, 0) ==
		CURLUE_NO_FRAGMENT);
	require(strtoul(port, NULL, 10) == url->port);
	require(strcmp(path, at + strcspn(at, "/")) == 0);
	if (host[0] == '[') {
		struct in6_addr ours, theirs;
		char bare[ADDRESS_HOST_MAX + 1];

		snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(url->host + 1, "]"),
			 url->host + 1);
		host[strcspn(host, "]%")] = '\0';
		require(inet_pton(AF_INET6, bare, &ours) == 1 &&
			inet_pton(AF_INET6, host + 1, &theirs) == 1 &&
			memcmp(&ours, &theirs, sizeof(ours)) == 0);
	} else {
		require(strcmp(host, url->host) == 0);
	}
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_url_cleanup(parts);
}

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
	compare(&url);
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
		compare(&url);
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
