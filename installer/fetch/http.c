/* SPDX-License-Identifier: MIT */
#include "installer/fetch/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "installer/fetch/ca.h"
#include "installer/fetch/http_header.h"

#define OK      200
#define PART    206
#define UNKNOWN 401
#define ABSENT  404
#define GONE    410
#define NO_PART 416
#define ERRORS  400

static long status_of(const struct source_transfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static struct source_http_answer *answer_of(const struct source_transfer *transfer)
{
	return transfer->private;
}

static bool add_header(struct source_transfer *transfer, const char *line)
{
	struct curl_slist *list = curl_slist_append(transfer->headers, line);

	if (list)
		transfer->headers = list;
	return list;
}

/* The rest of the file if it is what it was, the whole of it if not. */
static int ask_for_rest(struct source_transfer *transfer, struct verity_error *err)
{
	char range[32];
	char condition[SOURCE_VALIDATOR_MAX + 16];

	if (transfer->taken == 0)
		return source_curl_set(transfer, RANGE, NULL)
			       ? source_curl_out_of_memory(err)
			       : 0;
	snprintf(range, sizeof(range), "%" PRId64 "-", transfer->taken);
	snprintf(condition, sizeof(condition), "If-Range: %s", transfer->validator);
	if (source_curl_set(transfer, RANGE, range) || !add_header(transfer, condition))
		return source_curl_out_of_memory(err);
	return 0;
}

/*
 * A password is not sent before it is asked for, and libcurl gives it to no other host.
 * The older version of the protocol: it has reasons for people behind its numbers.
 */
int source_http_prepare(struct source_transfer *transfer, struct verity_error *err)
{
	int r = 0;

	if (!transfer->private)
		transfer->private = calloc(1, sizeof(struct source_http_answer));
	if (!transfer->private || source_curl_set(transfer, FOLLOWLOCATION, 1L) ||
	    source_curl_set(transfer, FAILONERROR, 1L) ||
	    source_curl_set(transfer, HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ||
	    source_curl_set(transfer, HTTPAUTH, CURLAUTH_BASIC | CURLAUTH_DIGEST) ||
	    source_curl_set(transfer, SUPPRESS_CONNECT_HEADERS, 1L))
		return source_curl_out_of_memory(err);
	memset(transfer->private, 0, sizeof(struct source_http_answer));
	/* Also for http: it may lead to https. */
	if (transfer->tries == 1)
		r = source_authorities_set(transfer, transfer->request->authorities, err);
	return r < 0 ? r : ask_for_rest(transfer, err);
}

bool source_http_hear(struct source_transfer *transfer, const char *line, size_t size)
{
	struct source_http_answer *answer = answer_of(transfer);

	/* Behind the body come no headers that matter. */
	if (transfer->begun)
		return true;
	source_http_hear_line(answer, line, size);
	snprintf(transfer->words, sizeof(transfer->words), "%s", answer->status);
	snprintf(transfer->present, sizeof(transfer->present), "%s",
		 source_http_validator(answer));
	return true;
}

static int fail_status(struct source_transfer *transfer, struct verity_error *err)
{
	long status = status_of(transfer);
	const char *words = transfer->words;

	if (status == ABSENT || status == GONE)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "the server says %s (check the path)", words);
	if (status == UNKNOWN) {
		transfer->wants_login = true;
		return verity_fail(err, VERITY_E_LOGIN, "the server says %s", words);
	}
	if (status == NO_PART && transfer->resumed > 0)
		return verity_fail(err, VERITY_E_LOST,
				   "the file on the server has changed meanwhile: %s",
				   words);
	transfer->lost = status >= 500 && transfer->was_lost;
	return verity_fail(err, VERITY_E_TRANSFER, "the server says %s", words);
}

static int check_rest(struct source_transfer *transfer, struct verity_error *err)
{
	int64_t first, total;

	if (status_of(transfer) == OK &&
	    strcmp(transfer->present, transfer->validator) == 0)
		return verity_fail(err, VERITY_E_LOST,
				   "the connection was lost after %" PRId64
				   " bytes, and the server cannot send the rest alone",
				   transfer->taken);
	if (status_of(transfer) == OK)
		return source_curl_same(transfer, err);
	if (status_of(transfer) != PART)
		return fail_status(transfer, err);
	if (!source_http_range(answer_of(transfer)->range, &first, &total) ||
	    first != transfer->resumed)
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server sends another part of the file than it "
				   "was asked for");
	/* It said with its number that the file is the same; it need not repeat by what.
	 */
	if (!transfer->present[0])
		strcpy(transfer->present, transfer->validator);
	return 0;
}

int source_http_check(struct source_transfer *transfer, struct verity_error *err)
{
	const char *encoding = answer_of(transfer)->encoding;

	if (encoding[0] && strcasecmp(encoding, "identity") != 0)
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server changes the file on its way "
				   "(Content-Encoding: %s), it has to send it as it is",
				   encoding);
	if (transfer->resumed > 0)
		return check_rest(transfer, err);
	return status_of(transfer) == OK ? 0 : fail_status(transfer, err);
}

int source_http_explain(struct source_transfer *transfer, CURLcode code,
			struct verity_error *err)
{
	long status = status_of(transfer);

	switch ((int)code) {
	case CURLE_HTTP_RETURNED_ERROR:
	case CURLE_LOGIN_DENIED:
		return fail_status(transfer, err);
	case CURLE_TOO_MANY_REDIRECTS:
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server sends us from place to place without end: "
				   "%s",
				   transfer->curl_words);
	case CURLE_UNSUPPORTED_PROTOCOL:
		if (status >= 300 && status < ERRORS)
			return verity_fail(err, VERITY_E_TRANSFER,
					   "the server says %s, to another protocol than "
					   "http and https",
					   transfer->words);
		return verity_fail(err, VERITY_E_TRANSFER, "what answers is no %s server",
				   transfer->protocol->name);
	default:
		return 0;
	}
}
