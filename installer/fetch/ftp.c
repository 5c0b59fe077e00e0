/* SPDX-License-Identifier: MIT */
#include "installer/fetch/ftp.h"

#include <inttypes.h>
#include <string.h>

#define ANSWER_TIMEOUT_S 20L
#define WANTS_PASSWORD   "331"
#define ABSENT           "550"

int source_ftp_prepare(struct source_transfer *transfer, struct verity_error *err)
{
	if (source_curl_set(transfer, PROXY, "") ||
	    source_curl_set(transfer, FTP_FILEMETHOD, (long)CURLFTPMETHOD_SINGLECWD) ||
	    source_curl_set(transfer, FTP_SKIP_PASV_IP, 1L) ||
	    source_curl_set(transfer, FILETIME, 1L) ||
	    source_curl_set(transfer, SERVER_RESPONSE_TIMEOUT, ANSWER_TIMEOUT_S) ||
	    source_curl_set(transfer, FORBID_REUSE, 1L) ||
	    source_curl_set(transfer, RESUME_FROM_LARGE, (curl_off_t)transfer->taken))
		return source_curl_out_of_memory(err);
	return 0;
}

static bool starts_with(const char *line, size_t size, const char *number)
{
	return size > 3 && memcmp(line, number, 3) == 0;
}

/*
 * Without a password the server is left at the moment it asks for one, rather than told
 * an empty one: some count failures.
 */
bool source_ftp_hear(struct source_transfer *transfer, const char *line, size_t size)
{
	/* What is said at the end does not explain what went wrong before. */
	if (starts_with(line, size, "221"))
		return true;
	source_curl_keep_words(transfer, line, size);
	if (transfer->user && !transfer->password &&
	    starts_with(line, size, WANTS_PASSWORD)) {
		transfer->wants_login = true;
		return false;
	}
	return true;
}

int source_ftp_check(struct source_transfer *transfer, struct verity_error *err)
{
	(void)err;
	source_curl_file_time(transfer);
	return 0;
}

static int fail_words(const struct source_transfer *transfer, enum verity_code code,
		      const char *hint, struct verity_error *err)
{
	return verity_fail(err, code, "the server says %s%s", transfer->words, hint);
}

int source_ftp_explain(struct source_transfer *transfer, CURLcode code,
		       struct verity_error *err)
{
	const char *words = transfer->words;

	if (transfer->wants_login)
		return fail_words(transfer, VERITY_E_LOGIN, "", err);
	switch ((int)code) {
	case CURLE_LOGIN_DENIED:
		transfer->wants_login = !transfer->password;
		return fail_words(transfer, VERITY_E_LOGIN, "", err);
	case CURLE_REMOTE_FILE_NOT_FOUND:
	case CURLE_REMOTE_ACCESS_DENIED:
	case CURLE_FTP_COULDNT_RETR_FILE:
		if (starts_with(words, strlen(words), ABSENT))
			return fail_words(transfer, VERITY_E_NOT_FOUND,
					  " (check the path)", err);
		return fail_words(transfer, VERITY_E_TRANSFER, "", err);
	case CURLE_BAD_DOWNLOAD_RESUME:
		return verity_fail(err, VERITY_E_LOST,
				   "the file on the server has changed meanwhile: it is "
				   "shorter now");
	case CURLE_FTP_COULDNT_USE_REST:
		return verity_fail(err, VERITY_E_LOST,
				   "the connection was lost after %" PRId64
				   " bytes, and the server cannot send the rest alone: "
				   "it says %s",
				   transfer->taken, words);
	case CURLE_WEIRD_SERVER_REPLY:
		return words[0] ? fail_words(transfer, VERITY_E_TRANSFER, "", err) : 0;
	default:
		return 0;
	}
}
