/* SPDX-License-Identifier: MIT */
#include "installer/fetch/url.h"

#include <string.h>

#include "installer/fetch/address.h"
#include "verity/util/cleanup.h"

static void curl_url_cleanup_p(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void curl_free_p(char **text)
{
	curl_free(*text);
}

static void source_url_done_p(struct source_url *url)
{
	source_url_done(url);
}

static void source_login_done_p(struct source_login *login)
{
	source_login_done(login);
}

void source_url_done(struct source_url *url)
{
	free(url->whole);
	free(url->where);
	*url = (struct source_url){0};
}

void source_login_done(struct source_login *login)
{
	if (login->password)
		explicit_bzero(login->password, strlen(login->password));
	free(login->user);
	free(login->password);
	*login = (struct source_login){0};
}

static int out_of_memory(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

/* The URL itself stays out of the message: it may hold a password. */
static int unsound(CURLUcode code, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_USAGE, "not a sound URL: %s",
			   curl_url_strerror(code));
}

static int drop(CURLU *parts, const CURLUPart *which, size_t count,
		struct verity_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (curl_url_set(parts, which[i], NULL, 0) != CURLUE_OK)
			return out_of_memory(err);
	return 0;
}

static int print(CURLU *parts, char **ret, struct verity_error *err)
{
	cleanup_with(curl_free_p) char *text = NULL;

	if (curl_url_get(parts, CURLUPART_URL, &text, 0) == CURLUE_OK)
		*ret = strdup(text);
	return *ret ? 0 : out_of_memory(err);
}

/*
 * Nothing that opens a door belongs on a console or in a log. As text, because a copy
 * that libcurl makes of the parts lacks the zone of an IPv6 address, up to 7.88 at least.
 */
static int finish(CURLU *parts, struct source_url *url, struct verity_error *err)
{
	static const CURLUPart hidden[] = {CURLUPART_QUERY};
	int r = print(parts, &url->whole, err);

	if (r == 0)
		r = drop(parts, hidden, 1, err);
	return r < 0 ? r : print(parts, &url->where, err);
}

/* A part that is not there is no error. */
static int copy_part(CURLU *parts, CURLUPart which, char **ret, struct verity_error *err)
{
	cleanup_with(curl_free_p) char *text = NULL;
	CURLUcode code = curl_url_get(parts, which, &text, CURLU_URLDECODE);

	if (code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD)
		return 0;
	if (code != CURLUE_OK)
		return unsound(code, err);
	*ret = strdup(text);
	explicit_bzero(text, strlen(text));
	return *ret ? 0 : out_of_memory(err);
}

static int take_login(CURLU *parts, struct source_login *login, struct verity_error *err)
{
	static const CURLUPart taken[] = {CURLUPART_USER, CURLUPART_PASSWORD,
					  CURLUPART_OPTIONS, CURLUPART_FRAGMENT};
	int r = copy_part(parts, CURLUPART_USER, &login->user, err);

	if (r == 0)
		r = copy_part(parts, CURLUPART_PASSWORD, &login->password, err);
	return r < 0 ? r : drop(parts, taken, sizeof(taken) / sizeof(taken[0]), err);
}

static int name_of(CURLU *parts, char ret[static VERITY_NAME_MAX + 1],
		   struct verity_error *err)
{
	cleanup_with(curl_free_p) char *path = NULL;
	CURLUcode code = curl_url_get(parts, CURLUPART_PATH, &path, CURLU_URLDECODE);

	return code == CURLUE_OK ? verity_name_from_path(path, ret, err)
				 : unsound(code, err);
}

int source_url_parse(const char *text, struct source_url *ret,
		     struct source_login *ret_login,
		     char ret_name[static VERITY_NAME_MAX + 1], struct verity_error *err)
{
	cleanup_with(source_login_done_p) struct source_login login = {0};
	cleanup_with(source_url_done_p) struct source_url url = {0};
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	CURLUcode code;
	int r = source_protocol_get(text, strcspn(text, ":"), &url.protocol, err);

	if (r < 0)
		return r;
	if (!parts)
		return out_of_memory(err);
	code = curl_url_set(parts, CURLUPART_URL, text,
			    CURLU_URLENCODE | CURLU_ALLOW_SPACE);
	if (code != CURLUE_OK)
		return unsound(code, err);
	r = take_login(parts, &login, err);
	if (r == 0)
		r = finish(parts, &url, err);
	if (r == 0)
		r = name_of(parts, ret_name, err);
	if (r < 0)
		return r;
	*ret = url;
	*ret_login = login;
	url = (struct source_url){0};
	login = (struct source_login){0};
	return 0;
}

static int set_path(CURLU *parts, const struct source_protocol *protocol,
		    const char *path, struct verity_error *err)
{
	cleanup_free char *whole = NULL;
	const char *begin = path[0] == '/' ? protocol->absolute : protocol->relative;

	path += strspn(path, "/");
	if (asprintf(&whole, "%s%s", begin, path) < 0) {
		whole = NULL;
		return out_of_memory(err);
	}
	if (curl_url_set(parts, CURLUPART_PATH, whole, CURLU_URLENCODE) != CURLUE_OK)
		return out_of_memory(err);
	return 0;
}

static int set_host(CURLU *parts, const char *text, struct verity_error *err)
{
	struct source_address address;
	int r = source_address_parse(text, &address, err);

	if (r < 0)
		return r;
	if (curl_url_set(parts, CURLUPART_HOST, address.host, 0) != CURLUE_OK)
		return verity_fail(err, VERITY_E_USAGE, "'%.64s' is not an address",
				   text);
	if (address.port[0] &&
	    curl_url_set(parts, CURLUPART_PORT, address.port, 0) != CURLUE_OK)
		return out_of_memory(err);
	return 0;
}

int source_url_build(const struct source_protocol *protocol, const char *address,
		     const char *path, struct source_url *ret, struct verity_error *err)
{
	cleanup_with(source_url_done_p) struct source_url url = {.protocol = protocol};
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	int r;

	if (!parts ||
	    curl_url_set(parts, CURLUPART_SCHEME, protocol->scheme, 0) != CURLUE_OK)
		return out_of_memory(err);
	r = set_host(parts, address, err);
	if (r == 0)
		r = set_path(parts, protocol, path, err);
	if (r == 0)
		r = finish(parts, &url, err);
	if (r < 0)
		return r;
	*ret = url;
	url = (struct source_url){0};
	return 0;
}

void source_url_host(const char *url, char *ret, size_t size)
{
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	cleanup_with(curl_free_p) char *host = NULL;

	ret[0] = '\0';
	if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return;
	strncat(ret, host, size - 1);
}
