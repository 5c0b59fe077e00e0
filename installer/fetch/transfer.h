/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One file fetched from one place by one protocol, in as many tries as it takes: what a
 * try has moved into the sink is not asked for again by the next.
 */

#include "installer/fetch/protocols.h"
#include "installer/fetch/source.h"
#include "installer/fetch/stall.h"

#define SOURCE_WORDS_MAX     256 /* bytes of a server's own words that are kept */
#define SOURCE_VALIDATOR_MAX 256 /* bytes of what a file is recognised by */

/* What the hooks of a protocol may look at; what they may change says so. */
struct source_transfer {
	const struct source_protocol *protocol;
	const struct source_request *request; /* borrowed; the device's settings */
	const struct source_sink *sink;       /* borrowed */
	CURLM *multi;
	CURL *handle;
	const char *url;      /* borrowed; without user and password */
	const char *user;     /* borrowed; NULL: none known; changed between tries */
	const char *password; /* likewise */

	unsigned tries;          /* made, this one included */
	int64_t taken;           /* bytes in the sink */
	int64_t total;           /* bytes of the whole file; -1: not known */
	int64_t resumed;         /* the byte that this try began with */
	bool begun;              /* this try has moved a byte, or would have */
	bool heard;              /* the server has said something in this try */
	bool shown;              /* an address has been shown, in any try */
	bool is_amended;         /* the next connections are the same to who looks on */
	struct source_pace pace; /* of this try */

	/* For the hooks. What ended the try, if not libcurl, and its message: */
	int failure;
	struct verity_error why;
	bool wants_login; /* set: a password might help */
	/* The newest that the server said, as it is shown; set. */
	char words[SOURCE_WORDS_MAX];
	/* What the file of the first try is recognised by, and that of this one; set. */
	char validator[SOURCE_VALIDATOR_MAX];
	char present[SOURCE_VALIDATOR_MAX];
	void *private; /* the protocol's; freed with free() after the last try */

	struct curl_slist *headers; /* sent with this try; set */
	/* The result of a try: */
	bool was_lost;                    /* an earlier one */
	bool lost;                        /* it might do better if it were tried again */
	char curl_words[CURL_ERROR_SIZE]; /* libcurl's */
};

/**
 * source_curl_new - get ready to fetch @url
 * @request: borrowed, like @url and @sink, until source_curl_free()
 * @url:     without user and password
 * @ret:     set on success alone; free with source_curl_free()
 */
int source_curl_new(const struct source_protocol *protocol,
		    const struct source_request *request, const char *url,
		    const struct source_sink *sink, struct source_transfer **ret,
		    struct verity_error *err) must_check;

void source_curl_free(struct source_transfer *transfer);

/**
 * source_curl_try - connect, and move the bytes from @transfer->taken on into the sink
 *
 * Return: see source_pull(); then @transfer->wants_login and ->lost say whether another
 * try may help.
 */
int source_curl_try(struct source_transfer *transfer,
		    struct verity_error *err) must_check;

/**
 * source_curl_wait - let some time go by
 *
 * Return: 0; -EINTR after a signal.
 */
int source_curl_wait(struct source_transfer *transfer, int ms,
		     struct verity_error *err) must_check;

/**
 * source_curl_out_of_memory - what a CURLOPT that is not taken means
 */
int source_curl_out_of_memory(struct verity_error *err);

/* Whether libcurl did not take an option. */
#define source_curl_set(transfer, option, value)                                         \
	(curl_easy_setopt((transfer)->handle, CURLOPT_##option, (value)) != CURLE_OK)

/**
 * source_curl_keep_words - keep a line that the server said in @transfer->words, without
 * its end
 */
void source_curl_keep_words(struct source_transfer *transfer, const char *line,
			    size_t size);

/**
 * source_curl_file_time - say in @transfer->present when the file was last changed, as
 * far as libcurl knows; the option FILETIME must have been set
 */
void source_curl_file_time(struct source_transfer *transfer);

/**
 * source_curl_same - fail where @transfer->present is not what the first try had
 */
int source_curl_same(const struct source_transfer *transfer,
		     struct verity_error *err) must_check;
