/* SPDX-License-Identifier: MIT */
#include "installer/source_url.h"

#include <curl/curl.h>
#include <string.h>

#include "verity/cleanup.h"

static void curl_url_cleanup_p(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void curl_free_p(char **text)
{
	curl_free(*text);
}

/* Nothing that opens a door belongs on a console or in a log. */
static int strip(CURLU *parts, char **ret, struct verity_error *err)
{
	static const CURLUPart secret[] = {CURLUPART_USER, CURLUPART_PASSWORD,
					   CURLUPART_OPTIONS, CURLUPART_QUERY,
					   CURLUPART_FRAGMENT};
	cleanup_with(curl_free_p) char *text = NULL;

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		if (curl_url_set(parts, secret[i], NULL, 0) != CURLUE_OK)
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (curl_url_get(parts, CURLUPART_URL, &text, 0) == CURLUE_OK)
		*ret = strdup(text);
	return *ret ? 0 : verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

int source_url_split(const char *url, char **ret_where,
		     char ret_name[static VERITY_NAME_MAX + 1], struct verity_error *err)
{
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	cleanup_with(curl_free_p) char *path = NULL;
	cleanup_free char *where = NULL;
	CURLUcode code;
	int r;

	if (!parts)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	code = curl_url_set(parts, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_PATH, &path, CURLU_URLDECODE);
	/* The URL itself stays out of the message: it may hold a password. */
	if (code != CURLUE_OK)
		return verity_fail(err, VERITY_E_USAGE, "not a sound URL: %s",
				   curl_url_strerror(code));
	r = strip(parts, &where, err);
	if (r < 0)
		return r;
	r = verity_name_from_path(path, ret_name, err);
	if (r < 0)
		return r;
	*ret_where = steal_ptr(&where);
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
