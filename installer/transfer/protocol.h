/* SPDX-License-Identifier: MIT */
#pragma once

/* What the protocols differ in, and the transfer that their hooks work on. */

#include "installer/request/job.h"
#include "installer/request/protocols.h"
#include "installer/request/stall.h"
#include "verity/util/cleanup.h"

#include <curl/curl.h>

#define TRANSFER_WORDS_MAX     256 /* bytes kept of what a server says */
#define TRANSFER_VALIDATOR_MAX 256 /* bytes of what identifies a version of a file */
#define TRANSFER_PROXY_MAX     256 /* bytes kept of the URL of a proxy, and its variable */

struct transfer;

/*
 * The hooks of a protocol, each NULL if it is not needed. They and libcurl are called on
 * one thread; a failure is put into @err.
 */
struct protocol_ops {
	/*
	 * Before each try; it has to begin at byte @transfer->taken, and to end before
	 * @transfer->end.
	 */
	int (*prepare)(struct transfer *transfer, struct verity_error *err);
	/*
	 * For each line that the server says, with its end of line, not 0-terminated.
	 * False ends the try.
	 */
	bool (*hear)(struct transfer *transfer, const char *line, size_t size);
	/* Before the first byte of a try: is it the file, and the same as before? */
	int (*check)(struct transfer *transfer, struct verity_error *err);
	/* The error for @code; 0 if curl_error() knows it as well. */
	int (*explain)(struct transfer *transfer, CURLcode code,
		       struct verity_error *err);
	/*
	 * After a try that failed for the reason in @err: 1 if something was found out or
	 * asked for that makes another try useful; 0 if not; -errno with a new @err.
	 */
	int (*amend)(struct transfer *transfer, struct verity_error *err);
	/* At the end; frees what @transfer->private points to, but not itself. */
	void (*done)(struct transfer *transfer);
};

/* Hooks may read all of it, and write what is marked as set. */
struct transfer {
	const struct protocol *protocol;
	const struct protocol_ops *ops;
	const struct transfer_job *job;       /* borrowed */
	const struct transfer_client *client; /* borrowed */
	CURLM *multi;
	CURL *handle;
	const char *user;     /* borrowed; NULL: none known; changed between tries */
	const char *password; /* likewise */

	unsigned tries;     /* made, this one included */
	int64_t taken;      /* bytes that the client has, or does not need */
	int64_t end;        /* of the part that is wanted; -1: that of the file; set */
	int64_t total;      /* bytes of the whole file; -1: not known */
	int64_t resumed;    /* the byte that this try began at */
	int64_t announced;  /* @total, by the headers of this try; -1: not there; set */
	bool begun;         /* this try has moved a byte, or would have */
	bool heard;         /* the server has said something in this try; set */
	size_t line_bytes;  /* that the server has said in this try */
	long unused_reads;  /* of libcurl in this try, before the file */
	bool unchanged;     /* the file is the one that is known; set */
	bool is_amended;    /* the next connections are not shown */
	bool follows;       /* the next try is for the part after the one of this try */
	struct stall stall; /* of this try, and those that it follows */

	int failure;                    /* what ended the try, if not libcurl, */
	struct verity_error why;        /* and its message */
	bool wants_login;               /* set: a password might help */
	bool is_secure;                 /* set: only https may follow in this try */
	char words[TRANSFER_WORDS_MAX]; /* the newest that the server said; set */
	/* What identifies the file of the first try, and of this one; set. */
	char validator[TRANSFER_VALIDATOR_MAX];
	char present[TRANSFER_VALIDATOR_MAX];
	char proxy[TRANSFER_PROXY_MAX]; /* "URL (VARIABLE)"; "": none is used; set */
	void *private;                  /* of the protocol; freed after the last try */
	struct curl_slist *headers;     /* sent with this try; set */

	/* The result of a try: */
	bool was_lost;                    /* an earlier one was */
	bool lost;                        /* another try may succeed */
	char curl_words[CURL_ERROR_SIZE]; /* the message of libcurl */
};

/* In an earlier try, with bytes or by losing the connection: then it may do so again. */
static inline bool transfer_has_answered(const struct transfer *transfer)
{
	return transfer->was_lost || transfer->resumed > 0;
}

/* True if libcurl does not take the option. */
#define transfer_set(transfer, option, value)                                            \
	(curl_easy_setopt((transfer)->handle, CURLOPT_##option, (value)) != CURLE_OK)
