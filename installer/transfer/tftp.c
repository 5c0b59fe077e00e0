/* SPDX-License-Identifier: MIT */
/* The hooks of tftp. */
#include "installer/transfer/tftp.h"

#include <string.h>

#include "installer/transfer/transfer.h"

#define CONNECT_TIMEOUT_S 10L
#define BLOCK_BYTES       1428L /* fits an Ethernet frame, also with IPv6 and a VLAN */

/* libcurl gives the error message of a server only to a debug function. */
static int hear(CURL *handle, curl_infotype type, char *text, size_t size, void *context)
{
	static const char prefix[] = "TFTP error: ";
	size_t length = sizeof(prefix) - 1;

	(void)handle;
	if (type == CURLINFO_TEXT && size > length && memcmp(text, prefix, length) == 0)
		transfer_keep_words(context, text + length, size - length);
	return 0;
}

/* libcurl asks for tsize by itself. */
static int prepare(struct transfer *transfer, struct verity_error *err)
{
	if (transfer_set(transfer, PROXY, "") ||
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
	const char *words =
		transfer->words[0] ? transfer->words : curl_easy_strerror(code);

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
		return verity_fail(err, VERITY_E_TRANSFER, "the server says %s", words);
	default:
		return 0;
	}
}

const struct protocol_ops tftp_ops = {.prepare = prepare, .explain = explain};
