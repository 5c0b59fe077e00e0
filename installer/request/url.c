/* SPDX-License-Identifier: MIT */
/* URLs split and built by libcurl, without passwords. */
#include "installer/request/url.h"

#include <string.h>
#include <strings.h>

#include "installer/common/redact.h"
#include "installer/request/address.h"
#include "installer/request/protocols.h"

void url_done(struct url *url)
{
	free(url->whole);
	free(url->shown);
	free(url->path);
	*url = (struct url){0};
}

void login_done(struct login *login)
{
	redact_wipe(login->password);
	free(login->user);
	*login = (struct login){0};
}

/* The URL itself is not part of the message: it may contain a password. */
static int fail(CURLUcode code, struct verity_error *err)
{
	if (code == CURLUE_OUT_OF_MEMORY)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	return verity_fail(err, VERITY_E_USAGE, "invalid URL: %s",
			   curl_url_strerror(code));
}

/* A user or password that is not there is no error. */
static CURLUcode get_part(CURLU *parts, CURLUPart which, unsigned flags, char **ret)
{
	cleanup_with(curl_free_p) char *text = NULL;
	CURLUcode code = curl_url_get(parts, which, &text, flags);

	if (code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD)
		return CURLUE_OK;
	if (code != CURLUE_OK)
		return code;
	*ret = strdup(text);
	explicit_bzero(text, strlen(text));
	return *ret ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;
}

/* What stands for binary behind a path (RFC 1738, RFC 3617), which is the only mode. */
static CURLUcode drop_mode(CURLU *parts, const char *mode)
{
	cleanup_free char *path = NULL;
	CURLUcode code = get_part(parts, CURLUPART_PATH, 0, &path);
	size_t size = code == CURLUE_OK ? strlen(path) : 0;
	size_t mode_size = mode ? strlen(mode) : 0;

	if (mode_size == 0 || size < mode_size ||
	    strcasecmp(path + size - mode_size, mode) != 0)
		return code;
	path[size - mode_size] = '\0';
	return curl_url_set(parts, CURLUPART_PATH, path, 0);
}

/*
 * As text, because the parts that libcurl copies lack the zone of an IPv6 address, up to
 * 7.88 at least. A query may hold a key to the server, so it is not shown.
 */
static CURLUcode print(CURLU *parts, struct url *url)
{
	CURLUcode code = get_part(parts, CURLUPART_URL, 0, &url->whole);

	if (code == CURLUE_OK)
		code = curl_url_set(parts, CURLUPART_QUERY, NULL, 0);
	return code == CURLUE_OK ? get_part(parts, CURLUPART_URL, 0, &url->shown) : code;
}

char *url_show(const char *text)
{
	static const CURLUPart dropped[] = {CURLUPART_USER, CURLUPART_PASSWORD,
					    CURLUPART_OPTIONS, CURLUPART_QUERY,
					    CURLUPART_FRAGMENT};
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	char *shown = NULL;

	if (!parts || curl_url_set(parts, CURLUPART_URL, text, 0) != CURLUE_OK)
		return NULL;
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		if (curl_url_set(parts, dropped[i], NULL, 0) != CURLUE_OK)
			return NULL;
	return get_part(parts, CURLUPART_URL, 0, &shown) == CURLUE_OK ? shown : NULL;
}

int url_parse(const char *text, struct url *ret, struct login *ret_login,
	      struct verity_error *err)
{
	static const CURLUPart dropped[] = {CURLUPART_USER, CURLUPART_PASSWORD,
					    CURLUPART_OPTIONS, CURLUPART_FRAGMENT};
	cleanup_with(login_done) struct login login = {0};
	cleanup_with(url_done) struct url url = {0};
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	CURLUcode code;
	int r = protocol_get(text, strcspn(text, ":"), &url.protocol, err);

	if (r == 0)
		r = address_check_url(text, err);
	if (r < 0)
		return r;
	code = parts ? curl_url_set(parts, CURLUPART_URL, text,
				    CURLU_URLENCODE | CURLU_ALLOW_SPACE)
		     : CURLUE_OUT_OF_MEMORY;
	if (code == CURLUE_OK)
		code = get_part(parts, CURLUPART_USER, CURLU_URLDECODE, &login.user);
	if (code == CURLUE_OK)
		code = get_part(parts, CURLUPART_PASSWORD, CURLU_URLDECODE,
				&login.password);
	if (code == CURLUE_OK)
		code = drop_mode(parts, url.protocol->mode);
	if (code == CURLUE_OK)
		code = get_part(parts, CURLUPART_PATH, CURLU_URLDECODE, &url.path);
	for (size_t i = 0; code == CURLUE_OK && i < sizeof(dropped) / sizeof(dropped[0]);
	     i++)
		code = curl_url_set(parts, dropped[i], NULL, 0);
	if (code == CURLUE_OK)
		code = print(parts, &url);
	if (code != CURLUE_OK)
		return fail(code, err);
	*ret = url;
	*ret_login = login;
	url = (struct url){0};
	login = (struct login){0};
	return 0;
}

int url_build(const struct protocol *protocol, const char *address, const char *path,
	      struct url *ret, struct verity_error *err)
{
	cleanup_with(url_done) struct url url = {.protocol = protocol};
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	cleanup_free char *whole = NULL;
	struct address parsed;
	CURLUcode code = CURLUE_OUT_OF_MEMORY;
	int r = address_parse(address, &parsed, err);

	if (r < 0)
		return r;
	if (asprintf(&whole, "%s%s",
		     path[0] == '/' ? protocol->absolute : protocol->relative,
		     path + strspn(path, "/")) < 0)
		whole = NULL;
	if (parts && whole)
		code = curl_url_set(parts, CURLUPART_SCHEME, protocol->scheme, 0);
	if (code == CURLUE_OK &&
	    curl_url_set(parts, CURLUPART_HOST, parsed.host, 0) != CURLUE_OK)
		return verity_fail(err, VERITY_E_USAGE, "'%.64s' is not an address",
				   address);
	if (code == CURLUE_OK && parsed.port[0])
		code = curl_url_set(parts, CURLUPART_PORT, parsed.port, 0);
	if (code == CURLUE_OK) {
		url.path = strdup(path);
		code = url.path ? curl_url_set(parts, CURLUPART_PATH, whole,
					       CURLU_URLENCODE)
				: CURLUE_OUT_OF_MEMORY;
	}
	if (code == CURLUE_OK)
		code = print(parts, &url);
	if (code != CURLUE_OK)
		return fail(code, err);
	*ret = url;
	url = (struct url){0};
	return 0;
}

int url_port(const char *url, uint16_t *ret, struct verity_error *err)
{
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	cleanup_with(curl_free_p) char *port = NULL;
	CURLUcode code = parts ? curl_url_set(parts, CURLUPART_URL, url, CURLU_PATH_AS_IS)
			       : CURLUE_OUT_OF_MEMORY;

	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (code != CURLUE_OK)
		return fail(code, err);
	*ret = (uint16_t)strtoul(port, NULL, 10);
	return 0;
}
