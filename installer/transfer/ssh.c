/* SPDX-License-Identifier: MIT */
/* The hooks of scp and sftp. */
#include "installer/transfer/ssh.h"

#include <string.h>

#include "installer/transfer/curl_error.h"
#include "installer/transfer/ssh_hostkey.h"
#include "installer/transfer/ssh_login.h"
#include "installer/transfer/transfer.h"

/* Of one transfer; lives in @transfer->private. */
struct ssh {
	struct ssh_hostkey host;
	struct ssh_login login;
};

static void done(struct transfer *transfer)
{
	struct ssh *ssh = transfer->private;

	ssh_hostkey_done(&ssh->host);
}

static int prepare(struct transfer *transfer, struct verity_error *err)
{
	struct ssh *ssh = transfer->private;
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
	if (transfer_set(transfer, PROXY, "") || transfer_set(transfer, FILETIME, 1L) ||
	    transfer_set(transfer, FORBID_REUSE, 1L) ||
	    transfer_set(transfer, RESUME_FROM_LARGE, (curl_off_t)transfer->taken))
		return transfer_no_memory(err);
	return 0;
}

static int explain(struct transfer *transfer, CURLcode code, struct verity_error *err)
{
	struct ssh *ssh = transfer->private;
	/* "WHAT LIBCURL DID: WHAT THE SERVER SAYS" */
	const char *colon = strrchr(transfer->curl_words, ':');
	const char *words = colon && colon[1] == ' ' ? colon + 2 : transfer->curl_words;
	int r = ssh_hostkey_explain(&ssh->host, err);
	curl_off_t accepted_us = 0;

	if (r < 0)
		return r;
	switch ((int)code) {
	case CURLE_LOGIN_DENIED:
		return ssh_login_explain(&ssh->login, transfer, err);
	case CURLE_REMOTE_FILE_NOT_FOUND:
		if (transfer->protocol->can_resume)
			return verity_fail(err, VERITY_E_NOT_FOUND,
					   "the server says %s (check the path)", words);
		/* libssh2 does not read what scp says. */
		return verity_fail(
			err, VERITY_E_NOT_FOUND,
			"the server has no such file, or none that %s may read "
			"(check the path)",
			transfer->user);
	case CURLE_REMOTE_ACCESS_DENIED:
		return verity_fail(err, VERITY_E_TRANSFER, "the server says %s", words);
	case CURLE_SSH:
		/*
		 * The code for a lost connection, too: without words of the server, once
		 * it has accepted us; libcurl may not have passed on a byte by then.
		 */
		curl_easy_getinfo(transfer->handle, CURLINFO_APPCONNECT_TIME_T,
				  &accepted_us);
		return transfer->begun || (accepted_us > 0 && !words[0])
			       ? curl_error(transfer, CURLE_RECV_ERROR, err)
			       : 0;
	default:
		return 0;
	}
}

static int amend(struct transfer *transfer, struct verity_error *err)
{
	struct ssh *ssh = transfer->private;
	int r = ssh_hostkey_amend(&ssh->host, err);

	if (r != 0 || err->code != VERITY_E_LOGIN || transfer->password ||
	    ssh->login.key + 1 >= transfer->job->key_count)
		return r;
	ssh->login.key++;
	return 1;
}

const struct protocol_ops ssh_ops = {
	.prepare = prepare,
	.check = transfer_read_file_time,
	.explain = explain,
	.amend = amend,
	.done = done,
};
