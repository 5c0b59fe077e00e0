/* SPDX-License-Identifier: MIT */
/* The hooks of ftp. */
#include "installer/transfer/ftp.h"

#include <inttypes.h>
#include <string.h>

#include "installer/transfer/transfer.h"

#define ANSWER_TIMEOUT_S 20L
#define CLOSING          "221"
#define NEED_PASSWORD    "331"
#define NO_FILE          "550"

static int prepare(struct transfer *transfer, struct verity_error *err)
{
	if (transfer_set(transfer, PROXY, "") ||
	    transfer_set(transfer, FTP_FILEMETHOD, (long)CURLFTPMETHOD_SINGLECWD) ||
	    transfer_set(transfer, FTP_SKIP_PASV_IP, 1L) ||
	    transfer_set(transfer, FILETIME, 1L) ||
	    transfer_set(transfer, SERVER_RESPONSE_TIMEOUT, ANSWER_TIMEOUT_S) ||
	    transfer_set(transfer, FORBID_REUSE, 1L) ||
	    transfer_set(transfer, RESUME_FROM_LARGE, (curl_off_t)transfer->taken))
		return transfer_no_memory(err);
	return 0;
}

static bool starts_with(const char *line, size_t size, const char *number)
{
	return size > 3 && memcmp(line, number, 3) == 0;
}

/*
 * Without a password the connection is closed when the server asks for one: an empty one
 * would count as a failed login with some servers.
 */
static bool hear(struct transfer *transfer, const char *line, size_t size)
{
	/* The last line does not explain what failed before. */
	if (starts_with(line, size, CLOSING))
		return true;
	transfer_keep_words(transfer, line, size);
	transfer->wants_login |= transfer->user && !transfer->password &&
				 starts_with(line, size, NEED_PASSWORD);
	return !transfer->wants_login;
}

static int explain(struct transfer *transfer, CURLcode code, struct verity_error *err)
{
	const char *words = transfer->words;

	if (code == CURLE_LOGIN_DENIED)
		transfer->wants_login |= !transfer->password;
	else if (!transfer->wants_login)
		switch ((int)code) {
		case CURLE_REMOTE_FILE_NOT_FOUND:
		case CURLE_REMOTE_ACCESS_DENIED:
		case CURLE_FTP_COULDNT_RETR_FILE:
			if (starts_with(words, strlen(words), NO_FILE))
				return verity_fail(err, VERITY_E_NOT_FOUND,
						   "the server says %s (check the path)",
						   words);
			return verity_fail(err, VERITY_E_TRANSFER, "the server says %s",
					   words);
		case CURLE_BAD_DOWNLOAD_RESUME:
			return verity_fail(
				err, VERITY_E_LOST,
				"the file on the server has changed meanwhile: "
				"it is shorter now");
		case CURLE_FTP_COULDNT_USE_REST:
			return verity_fail(err, VERITY_E_LOST,
					   "the connection was lost after %" PRId64
					   " bytes, and the server cannot send only the "
					   "rest: it says %s",
					   transfer->taken, words);
		case CURLE_WEIRD_SERVER_REPLY:
			return words[0] ? verity_fail(err, VERITY_E_TRANSFER,
						      "the server says %s", words)
					: 0;
		default:
			return 0;
		}
	return verity_fail(err, VERITY_E_LOGIN, "the server says %s", words);
}

const struct protocol_ops ftp_ops = {
	.prepare = prepare,
	.hear = hear,
	.check = transfer_read_file_time,
	.explain = explain,
};
