/* SPDX-License-Identifier: MIT */
/* The hooks of tftp. */
#include "installer/transfer/tftp.h"

#include <stdlib.h>
#include <string.h>

#include "installer/transfer/transfer.h"

#define CONNECT_TIMEOUT_S 10L
#define BLOCK_BYTES       1428L /* fits an Ethernet frame, also with IPv6 and a VLAN */

/* Of one transfer; lives in @transfer->private. */
struct tftp {
	bool refused; /* the server did not like the request in this try, */
	bool agreed;  /* it has taken options */
	bool plain;   /* this try is without options */
	bool torn;    /* it has sent something that is too short for a packet */
};

/*
 * libcurl gives the error message of a server only to a debug function. What is too short
 * is for it as if nothing had come, and its last words are about something else.
 */
static int hear(CURL *handle, curl_infotype type, char *text, size_t size, void *context)
{
	static const char prefix[] = "TFTP error: ", torn[] = "Received too short packet",
			  option[] = "got option=";
	size_t length = sizeof(prefix) - 1;
	struct transfer *transfer = context;
	struct tftp *tftp = transfer->private;

	(void)handle;
	if (type == CURLINFO_TEXT && size > length && memcmp(text, prefix, length) == 0)
		transfer_keep_words(transfer, text + length, size - length);
	tftp->agreed |= type == CURLINFO_TEXT && size >= sizeof(option) - 1 &&
			memcmp(text, option, sizeof(option) - 1) == 0;
	tftp->torn |= type == CURLINFO_TEXT && size >= sizeof(torn) - 1 &&
		      memcmp(text, torn, sizeof(torn) - 1) == 0;
	return 0;
}

/* libcurl asks for tsize by itself. */
static int prepare(struct transfer *transfer, struct verity_error *err)
{
	struct tftp *tftp = transfer->private;

	if (!tftp)
		transfer->private = tftp = calloc(1, sizeof(*tftp));
	if (!tftp)
		return transfer_no_memory(err);
	/* Its blocks may be larger than what gets through to here, as in a tunnel. */
	tftp->plain |= tftp->agreed && transfer->taken == 0;
	tftp->refused = tftp->torn = false;
	if (transfer_set(transfer, PROXY, "") ||
	    transfer_set(transfer, TFTP_NO_OPTIONS, (long)tftp->plain) ||
	    transfer_set(transfer, TFTP_BLKSIZE, BLOCK_BYTES) ||
	    transfer_set(transfer, CONNECTTIMEOUT, CONNECT_TIMEOUT_S) ||
	    transfer_set(transfer, DEBUGFUNCTION, hear) ||
	    transfer_set(transfer, DEBUGDATA, transfer) ||
	    transfer_set(transfer, VERBOSE, 1L))
		return transfer_no_memory(err);
	return 0;
}

static int explain(struct transfer *transfer, CURLcode code, struct verity_error *err)
{
	struct tftp *tftp = transfer->private;
	const char *words = transfer->words[0]        ? transfer->words
			    : transfer->curl_words[0] ? transfer->curl_words
						      : curl_easy_strerror(code);

	/* The second is libcurl's for all other errors of a server: 8 is one of them. */
	tftp->refused = code == CURLE_TFTP_ILLEGAL || code == CURLE_ABORTED_BY_CALLBACK ||
			tftp->torn;
	if (tftp->torn)
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server answers with less than a packet of TFTP "
				   "has (check the protocol and the port)");
	switch ((int)code) {
	case CURLE_TFTP_NOTFOUND:
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "the server says %s (check the path)", words);
	case CURLE_TFTP_PERM:
	case CURLE_REMOTE_DISK_FULL:
	case CURLE_TFTP_ILLEGAL:
	case CURLE_TFTP_UNKNOWNID:
	case CURLE_REMOTE_FILE_EXISTS:
	case CURLE_TFTP_NOSUCHUSER:
	case CURLE_ABORTED_BY_CALLBACK:
		return verity_fail(err, VERITY_E_TRANSFER, "the server says %s", words);
	default:
		return 0;
	}
}

/* A server that knows no options, or answers them wrongly, may know the file. */
static int amend(struct transfer *transfer, struct verity_error *err)
{
	struct tftp *tftp = transfer->private;

	(void)err;
	if (!tftp->refused || tftp->plain || transfer->taken > 0)
		return 0;
	tftp->plain = true;
	return 1;
}

const struct protocol_ops tftp_ops = {
	.prepare = prepare,
	.explain = explain,
	.amend = amend,
};
