/* SPDX-License-Identifier: MIT */
/* The hooks of scp and sftp. */
#include "installer/transfer/ssh.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "installer/transfer/curl_error.h"
#include "installer/transfer/ssh_hostkey.h"
#include "installer/transfer/ssh_login.h"
#include "installer/transfer/ssh_offers.h"
#include "installer/transfer/transfer.h"

/* What libcurl and libssh2 say */
#define NO_SFTP    "Failure initializing sftp session"
#define NO_BANNER  "Failed getting banner"
#define NO_SESSION "Failure establishing ssh session"
#define NO_OFFER   "session: -1," /* of the server, before the connection ended */

/* Of one transfer; lives in @transfer->private. */
struct ssh {
	struct ssh_hostkey host;
	struct ssh_login login;
	unsigned silent; /* tries in which a file was there, and no byte of it came */
};

static void done(struct transfer *transfer)
{
	struct ssh *ssh = transfer->private;

	ssh_hostkey_done(&ssh->host);
}

static int prepare(struct transfer *transfer, struct verity_error *err)
{
	struct ssh *ssh = transfer->private;
	bool is_part = transfer->end >= 0;
	char range[48];
	int r = 0;

	if (!ssh) {
		transfer->private = ssh = calloc(1, sizeof(*ssh));
		if (!ssh)
			return transfer_no_memory(err);
		r = ssh_hostkey_begin(&ssh->host, transfer, err);
	}
	if (r == 0)
		r = ssh_hostkey_prepare(&ssh->host, err);
	if (r == 0)
		r = ssh_login_prepare(&ssh->login, transfer, err);
	if (r < 0)
		return r;
	/* The next part comes through the same session. */
	snprintf(range, sizeof(range), "%" PRId64 "-%" PRId64, transfer->taken,
		 transfer->end - 1);
	if (transfer_set(transfer, PROXY, "") || transfer_set(transfer, FILETIME, 1L) ||
	    transfer_set(transfer, FORBID_REUSE, (long)!is_part) ||
	    transfer_set(transfer, RANGE, is_part ? range : NULL) ||
	    transfer_set(transfer, RESUME_FROM_LARGE,
			 is_part ? 0 : (curl_off_t)transfer->taken))
		return transfer_no_memory(err);
	return 0;
}

/* In a URL, and with a leading slash in a path; what many mean is the home folder. */
static bool is_at_root(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;

	return path && strncmp(path, "/~/", 3) != 0;
}

/* Where there is no program for scp, libssh2 takes its silence for an empty file. */
static int check(struct transfer *transfer, struct verity_error *err)
{
	curl_off_t bytes = -1;

	curl_easy_getinfo(transfer->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &bytes);
	if (!transfer->protocol->can_resume && bytes <= 0)
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server sends nothing: the file is empty, or the "
				   "server has no scp (give the words: proto sftp)");
	return transfer_read_file_time(transfer, err);
}

static int explain(struct transfer *transfer, CURLcode code, struct verity_error *err)
{
	struct ssh *ssh = transfer->private;
	/* "WHAT LIBCURL DID: WHAT THE SERVER SAYS" */
	const char *colon = strrchr(transfer->curl_words, ':');
	const char *words = colon && colon[1] == ' ' ? colon + 2 : transfer->curl_words;
	int r = ssh_hostkey_explain(&ssh->host, err);
	const char *hint = is_at_root(transfer->job->url)
				   ? ": it begins at the root of the server, not in the "
				     "home folder, which is ~/"
				   : "";
	bool is_sftp = transfer->protocol->can_resume;
	curl_off_t accepted_us = 0;

	if (r < 0)
		return r;
	curl_easy_getinfo(transfer->handle, CURLINFO_APPCONNECT_TIME_T, &accepted_us);
	/* It waits for the answer of a program that has not been started. */
	if (is_sftp && ((code == CURLE_OPERATION_TIMEDOUT && ssh->login.accepted &&
			 !transfer->begun) ||
			strstr(transfer->curl_words, NO_SFTP)))
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server lets %s in, but has no sftp, or its shell "
				   "prints a text first (give the words: proto scp)",
				   transfer->user);
	if (strstr(transfer->curl_words, NO_BANNER))
		return verity_fail(
			err, VERITY_E_TRANSFER,
			"the server does not speak SSH on this port, or refuses "
			"this device (check the protocol and the port)");
	if (strstr(transfer->curl_words, SSH_NO_COMMON_METHOD))
		return verity_fail(
			err, VERITY_E_TRANSFER,
			"the server and this device have no method of SSH in common for "
			"keys, ciphers or checksums; this device has %s (update its "
			"firmware, or allow an older method on the server)",
			curl_version_info(CURLVERSION_NOW)->libssh_version);
	if (strstr(transfer->curl_words, NO_SESSION))
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server and this device cannot begin a session of "
				   "SSH: %s",
				   transfer->curl_words);
	switch ((int)code) {
	case CURLE_LOGIN_DENIED:
		return ssh_login_explain(&ssh->login, transfer, err);
	case CURLE_REMOTE_FILE_NOT_FOUND:
		if (is_sftp)
			return verity_fail(err, VERITY_E_NOT_FOUND,
					   "the server says %s (check the path%s)", words,
					   hint);
		/* libssh2 does not read what scp says, nor whether there is one. */
		return verity_fail(
			err, VERITY_E_NOT_FOUND,
			"the server has no such file, none that %s may read, or no scp "
			"(check the path%s; or give the words: proto sftp)",
			transfer->user, hint);
	case CURLE_REMOTE_ACCESS_DENIED:
		return verity_fail(err, VERITY_E_TRANSFER, "the server says %s", words);
	case CURLE_SSH:
		/*
		 * The code for a lost connection, too: without words of the server, once
		 * it has accepted us; libcurl may not have passed on a byte by then.
		 */
		if (!transfer->begun && (accepted_us <= 0 || words[0]))
			return 0;
		/* A folder can be opened like a file; libcurl does not say what it is. */
		if (is_sftp && !transfer->begun && ++ssh->silent > 1)
			return verity_fail(err, VERITY_E_TRANSFER,
					   "the server lets %s in, but sends nothing of "
					   "the file: it is a folder, or the connection "
					   "is lost each time (check the path%s)",
					   transfer->user, hint);
		return curl_error(transfer, CURLE_RECV_ERROR, err);
	default:
		return 0;
	}
}

/* Newer versions of libssh2 have one number for more, older ones have -1 as well. */
static bool is_no_agreement(const struct transfer *transfer)
{
	return strstr(transfer->curl_words, SSH_NO_COMMON_METHOD) ||
	       strstr(transfer->curl_words, NO_OFFER);
}

static int amend(struct transfer *transfer, struct verity_error *err)
{
	struct ssh *ssh = transfer->private;
	int r = ssh_hostkey_amend(&ssh->host, err);

	/* The server sees one more connection, so only when no other try follows. */
	if (r == 0 && is_no_agreement(transfer))
		return ssh_offers_explain(transfer, err);
	if (r != 0 || err->code != VERITY_E_LOGIN || transfer->password ||
	    ssh->login.key + 1 >= transfer->job->key_count)
		return r;
	ssh->login.key++;
	return 1;
}

const struct protocol_ops ssh_ops = {
	.prepare = prepare,
	.check = check,
	.explain = explain,
	.amend = amend,
	.done = done,
};
