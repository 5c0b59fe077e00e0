/* SPDX-License-Identifier: MIT */
/* The hooks of http and https. */
#include "installer/transfer/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "installer/transfer/http_header.h"
#include "installer/transfer/transfer.h"

_Static_assert(sizeof(((struct transfer *)NULL)->words) == HTTP_VALUE_MAX &&
		       sizeof(((struct transfer *)NULL)->validator) == HTTP_VALUE_MAX,
	       "values of headers are kept in the transfer");

#define PROXY_LINE_MAX 2560 /* bytes; libcurl cuts a line after 2048 */

enum {
	HTTP_OK = 200,
	HTTP_PARTIAL_CONTENT = 206,
	HTTP_REDIRECTION = 300, /* the first of the class, as the next */
	HTTP_NOT_MODIFIED = 304,
	HTTP_CLIENT_ERROR = 400,
	HTTP_UNAUTHORIZED = 401,
	HTTP_NOT_FOUND = 404,
	HTTP_GONE = 410,
	HTTP_RANGE_NOT_SATISFIABLE = 416,
	HTTP_TOO_MANY_REQUESTS = 429,
	HTTP_SERVER_ERROR = 500,
};

static long status_of(const struct transfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Of the last answer: those before were redirects, or asked for a password. */
static const char *header_of(const struct transfer *transfer, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(transfer->handle, name, 0, CURLH_HEADER, -1, &header) ==
			       CURLHE_OK
		       ? header->value
		       : NULL;
}

/*
 * Floors of our own: those of the system are in its configuration of OpenSSL, which is
 * not read, or in how it was built. Other libraries have their own names for ciphers, and
 * none of these in their defaults.
 */
#define CIPHERS "DEFAULT:!aNULL:!eNULL:!PSK:!SRP:!3DES:!RC4:!MD5:@SECLEVEL=2"

static int set_tls(struct transfer *transfer, struct verity_error *err)
{
	const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
	const struct transfer_job *job = transfer->job;
	char *text = (char *)(uintptr_t)job->authorities; /* libcurl copies it */
	struct curl_blob blob = {text, job->authorities_size, CURL_BLOB_COPY};

	/* A proxy of https has options of its own. */
	if (transfer_set(transfer, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
	    transfer_set(transfer, PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ||
	    (library && strncmp(library, "OpenSSL/", 8) == 0 &&
	     (transfer_set(transfer, SSL_CIPHER_LIST, CIPHERS) ||
	      transfer_set(transfer, PROXY_SSL_CIPHER_LIST, CIPHERS))))
		return transfer_no_memory(err);
	if (job->authorities && (transfer_set(transfer, CAPATH, NULL) ||
				 transfer_set(transfer, PROXY_CAPATH, NULL) ||
				 transfer_set(transfer, CAINFO_BLOB, &blob) ||
				 transfer_set(transfer, PROXY_CAINFO_BLOB, &blob)))
		return transfer_no_memory(err);
	return 0;
}

/*
 * Leaves scheme, host and port of the URL of a proxy. libcurl takes more for one than
 * redact_urls() does: without a scheme, or with any character in the password.
 */
static const char *without_login(char *url)
{
	size_t scheme = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789");
	char *host = strncmp(url + scheme, "://", 3) == 0 ? url + scheme + 3 : url;
	char *at = strrchr(host, '@');

	if (at)
		memmove(host, at + 1, strlen(at + 1) + 1);
	return url;
}

/*
 * libcurl tells which proxy it uses only to a debug function: "Uses proxy env variable
 * NAME == 'URL'".
 */
static int hear_proxy(CURL *handle, curl_infotype type, char *text, size_t size,
		      void *context)
{
	static const char prefix[] = "Uses proxy env variable ", middle[] = " == '";
	struct transfer *transfer = context;
	char line[PROXY_LINE_MAX];
	char *name = line + sizeof(prefix) - 1;
	char *value, *end;

	(void)handle;
	if (type != CURLINFO_TEXT || size < sizeof(prefix) ||
	    memcmp(text, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	snprintf(line, sizeof(line), "%.*s", (int)size, text);
	value = strstr(name, middle);
	/* The others say where none is used. */
	if (!value || strncasecmp(name, "no_proxy", strlen("no_proxy")) == 0)
		return 0;
	*value = '\0';
	value += sizeof(middle) - 1;
	end = strrchr(value, '\'');
	/* Where it is cut, the end of its password is not known. */
	if (end)
		*end = '\0';
	snprintf(transfer->proxy, sizeof(transfer->proxy), "%.200s (%.32s)",
		 end ? without_login(value) : "of a very long URL", name);
	return 0;
}

/*
 * libcurl sends no password before it is asked for, and to no other host. Version 1.1,
 * because 2 has no words after the number of a status.
 */
static int prepare(struct transfer *transfer, struct verity_error *err)
{
	char condition[TRANSFER_VALIDATOR_MAX + 32], range[48];
	const char *known = transfer->job->known;
	struct curl_slist *headers;
	int r = 0;

	if (transfer_set(transfer, FOLLOWLOCATION, 1L) ||
	    transfer_set(transfer, FAILONERROR, 1L) ||
	    transfer_set(transfer, REDIR_PROTOCOLS_STR, transfer->protocol->follow) ||
	    transfer_set(transfer, HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    transfer_set(transfer, HTTPAUTH, CURLAUTH_BASIC | CURLAUTH_DIGEST) ||
	    transfer_set(transfer, SUPPRESS_CONNECT_HEADERS, 1L) ||
	    transfer_set(transfer, DEBUGFUNCTION, hear_proxy) ||
	    transfer_set(transfer, DEBUGDATA, transfer) ||
	    transfer_set(transfer, VERBOSE, 1L))
		return transfer_no_memory(err);
	/* Also for http, which may lead to https. */
	if (transfer->tries == 1)
		r = set_tls(transfer, err);
	if (r < 0)
		return r;
	if (transfer->end >= 0)
		snprintf(range, sizeof(range), "%" PRId64 "-%" PRId64, transfer->taken,
			 transfer->end - 1);
	else
		snprintf(range, sizeof(range), "%" PRId64 "-", transfer->taken);
	if (transfer_set(transfer, RANGE,
			 transfer->taken > 0 || transfer->end >= 0 ? range : NULL))
		return transfer_no_memory(err);
	if (transfer->taken == 0 && known)
		snprintf(condition, sizeof(condition), "%s: %s",
			 known[0] == '"' ? "If-None-Match" : "If-Modified-Since", known);
	else if (transfer->taken == 0 || !transfer->validator[0])
		return 0;
	else /* The part of the file if it is the same, all of it if not. */
		snprintf(condition, sizeof(condition), "If-Range: %s",
			 transfer->validator);
	headers = curl_slist_append(transfer->headers, condition);
	if (!headers)
		return transfer_no_memory(err);
	transfer->headers = headers;
	return 0;
}

/*
 * What https has said once, http must not replace: a redirect never leads back to http,
 * also not where the first URL was one of http. Lines that follow the body do not matter.
 */
static bool hear(struct transfer *transfer, const char *line, size_t size)
{
	const char *url = NULL;

	if (transfer->begun)
		return true;
	/* What a redirect leads to may have another proxy, or none. */
	if (http_status(line, size, transfer->words) && transfer->words[0] == '3')
		transfer->proxy[0] = '\0';
	curl_easy_getinfo(transfer->handle, CURLINFO_EFFECTIVE_URL, &url);
	if (transfer->is_secure || !url ||
	    strncasecmp(url, "https:", strlen("https:")) != 0)
		return true;
	transfer->is_secure = true;
	return !transfer_set(transfer, REDIR_PROTOCOLS_STR, "https");
}

static int fail_status(struct transfer *transfer, struct verity_error *err)
{
	long status = status_of(transfer);
	const char *words = transfer->words;

	if (status == HTTP_NOT_FOUND || status == HTTP_GONE)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "the server says %s (check the path)", words);
	if (status == HTTP_UNAUTHORIZED) {
		transfer->wants_login = true;
		return verity_fail(err, VERITY_E_LOGIN, "the server says %s", words);
	}
	if (status == HTTP_RANGE_NOT_SATISFIABLE && transfer->resumed > 0)
		return verity_fail(err, VERITY_E_LOST,
				   "the file on the server has changed meanwhile: %s",
				   words);
	/* It may limit how many requests it answers in a second, and a part is one. */
	transfer->lost =
		(status >= HTTP_SERVER_ERROR || status == HTTP_TOO_MANY_REQUESTS) &&
		transfer_has_answered(transfer);
	return verity_fail(err, VERITY_E_TRANSFER, "the server says %s", words);
}

static int check_part(struct transfer *transfer, struct verity_error *err)
{
	const char *range = header_of(transfer, "Content-Range");
	int64_t first, last, total;

	if (status_of(transfer) == HTTP_OK && transfer->resumed == 0) {
		/* It has no parts, and sends the whole file. */
		transfer->end = -1;
		return 0;
	}
	if (status_of(transfer) == HTTP_OK) {
		if (strcmp(transfer->present, transfer->validator) != 0)
			return transfer_check_same(transfer, err);
		return transfer->end < 0
			       ? verity_fail(err, VERITY_E_LOST,
					     "the connection was lost after %" PRId64
					     " bytes, and the server cannot send only "
					     "the rest",
					     transfer->taken)
			       : verity_fail(err, VERITY_E_TRANSFER,
					     "the server sends the whole file where it "
					     "was asked for a part, after it has sent "
					     "another part");
	}
	if (status_of(transfer) != HTTP_PARTIAL_CONTENT)
		return fail_status(transfer, err);
	/* Where the file ends earlier, so does the part. */
	if (!range || !http_range(range, &first, &last, &total) ||
	    first != transfer->resumed ||
	    (transfer->end >= 0 && last != transfer->end - 1 &&
	     (last >= transfer->end || last != total - 1)))
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server sends another part of the file than it "
				   "was asked for");
	/* This status says that the file is the same: the validator may be left out. */
	if (!transfer->present[0])
		strcpy(transfer->present, transfer->validator);
	if (transfer->end >= 0)
		transfer->announced = total;
	return 0;
}

static int check(struct transfer *transfer, struct verity_error *err)
{
	const char *encoding = header_of(transfer, "Content-Encoding");

	http_validator(header_of(transfer, "ETag"), header_of(transfer, "Last-Modified"),
		       transfer->present);
	if (encoding && encoding[0] && strcasecmp(encoding, "identity") != 0)
		return verity_fail(
			err, VERITY_E_TRANSFER,
			"the server encodes the file (Content-Encoding: %.64s), "
			"it has to send it as it is",
			encoding);
	if (transfer->resumed > 0 || transfer->end >= 0)
		return check_part(transfer, err);
	transfer->unchanged =
		transfer->job->known && status_of(transfer) == HTTP_NOT_MODIFIED;
	if (transfer->unchanged)
		return 0;
	return status_of(transfer) == HTTP_OK ? 0 : fail_status(transfer, err);
}

static int explain(struct transfer *transfer, CURLcode code, struct verity_error *err)
{
	long status = status_of(transfer), proxy_status = 0;

	curl_easy_getinfo(transfer->handle, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (proxy_status >= HTTP_REDIRECTION)
		return verity_fail(
			err, VERITY_E_TRANSFER,
			"the proxy does not connect to the server: it says %ld "
			"(check the proxy)",
			proxy_status);
	switch ((int)code) {
	case CURLE_HTTP_RETURNED_ERROR:
	case CURLE_LOGIN_DENIED:
		return fail_status(transfer, err);
	case CURLE_TOO_MANY_REDIRECTS:
		return verity_fail(err, VERITY_E_TRANSFER, "too many redirects: %s",
				   transfer->curl_words);
	case CURLE_UNSUPPORTED_PROTOCOL:
		if (status >= HTTP_REDIRECTION && status < HTTP_CLIENT_ERROR)
			return verity_fail(err, VERITY_E_TRANSFER,
					   "the server says %s, to another protocol than "
					   "%s",
					   transfer->words,
					   transfer->is_secure ? "https"
							       : "http and https");
		return verity_fail(err, VERITY_E_TRANSFER, "the server does not speak %s",
				   transfer->protocol->name);
	default:
		return 0;
	}
}

/* It does not give the first bytes of the file: all of them, then. */
static int amend(struct transfer *transfer, struct verity_error *err)
{
	(void)err;
	if (status_of(transfer) != HTTP_RANGE_NOT_SATISFIABLE || transfer->taken > 0 ||
	    transfer->end < 0)
		return 0;
	transfer->end = -1;
	return 1;
}

const struct protocol_ops http_ops = {
	.amend = amend,
	.prepare = prepare,
	.hear = hear,
	.check = check,
	.explain = explain,
};
