/* SPDX-License-Identifier: MIT */
/* The hooks of ftp. */
#include "installer/transfer/ftp.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "installer/transfer/transfer.h"

#define ANSWER_TIMEOUT_S 20L
#define CLOSING          "221"
#define NEED_PASSWORD    "331"
#define NO_FILE          "550"
#define NO_SERVICE       "421"

/* Of one transfer; lives in @transfer->private. */
struct ftp {
	bool not_found; /* by SIZE, or by RETR */
	bool unsized;   /* this try does not ask for the size */
};

static int prepare(struct transfer *transfer, struct verity_error *err)
{
	struct ftp *ftp = transfer->private;

	if (!ftp)
		transfer->private = ftp = calloc(1, sizeof(*ftp));
	if (!ftp)
		return transfer_no_memory(err);
	ftp->not_found = false;
	if (transfer_set(transfer, IGNORE_CONTENT_LENGTH, (long)ftp->unsized) ||
	    transfer_set(transfer, PROXY, "") ||
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

static bool is_number(const char line[static 3])
{
	return isdigit((unsigned char)line[0]) && isdigit((unsigned char)line[1]) &&
	       isdigit((unsigned char)line[2]);
}

/*
 * Without a password the connection is closed when the server asks for one: an empty one
 * would count as a failed login with some servers.
 */
static bool hear(struct transfer *transfer, const char *line, size_t size)
{
	/* Every reply begins with a number; what greets otherwise would be waited for. */
	if (!transfer->words[0] && (size < 3 || !is_number(line))) {
		transfer_keep_words(transfer, line, size);
		transfer->failure = verity_fail(
			&transfer->why, VERITY_E_TRANSFER,
			"the server does not speak FTP on this port: it says %s (check "
			"the protocol and the port)",
			transfer->words);
		return false;
	}
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
	const struct transfer_job *job = transfer->job;
	struct ftp *ftp = transfer->private;

	/* Whenever it comes: "too many users", "going down". */
	if (!transfer->begun && starts_with(words, strlen(words), NO_SERVICE)) {
		transfer->lost = transfer_has_answered(transfer);
		return verity_fail(err, VERITY_E_TRANSFER, "the server says %s", words);
	}
	ftp->not_found = code == CURLE_REMOTE_FILE_NOT_FOUND;
	if (code == CURLE_LOGIN_DENIED)
		transfer->wants_login |= !transfer->password;
	else if (!transfer->wants_login)
		switch ((int)code) {
		case CURLE_REMOTE_FILE_NOT_FOUND:
		case CURLE_REMOTE_ACCESS_DENIED:
		case CURLE_FTP_COULDNT_RETR_FILE:
			if (starts_with(words, strlen(words), NO_FILE))
				return verity_fail(
					err, VERITY_E_NOT_FOUND,
					"the server says %s (check the path%s)", words,
					transfer->user || job->password
						? ""
						: "; this is what a guest sees: to log "
						  "in, give the words: user NAME");
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
			if (words[0])
				return verity_fail(err, VERITY_E_TRANSFER,
						   "the server says %s", words);
			return 0;
		default:
			/* Its own reason says more than that of libcurl. */
			return !transfer->begun && (words[0] == '4' || words[0] == '5')
				       ? verity_fail(err, VERITY_E_TRANSFER,
						     "the server says %s", words)
				       : 0;
		}
	return verity_fail(err, VERITY_E_LOGIN, "the server says %s", words);
}

/* SIZE is refused for more reasons than a missing file: RETR decides. */
static int amend(struct transfer *transfer, struct verity_error *err)
{
	struct ftp *ftp = transfer->private;

	(void)err;
	if (!ftp->not_found || ftp->unsized || transfer->taken > 0)
		return 0;
	ftp->unsized = true;
	return 1;
}

const struct protocol_ops ftp_ops = {
	.amend = amend,
	.prepare = prepare,
	.hear = hear,
	.check = transfer_read_file_time,
	.explain = explain,
};
