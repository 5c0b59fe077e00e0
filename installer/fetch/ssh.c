/* SPDX-License-Identifier: MIT */
#include "installer/fetch/ssh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/signals.h"
#include "installer/fetch/curl_error.h"
#include "installer/fetch/ssh_private.h"
#include "verity/util/cleanup.h"

/* libssh2's number for peers that have no method in common */
#define NO_COMMON_METHOD "session: -5,"

static void curl_url_cleanup_p(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void curl_free_p(char **text)
{
	curl_free(*text);
}

/* Without the brackets of an IPv6 address. */
static int find_name(const char *url, struct source_ssh *ssh, struct verity_error *err)
{
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	cleanup_with(curl_free_p) char *host = NULL;
	cleanup_with(curl_free_p) char *port = NULL;
	char *begin;

	if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return source_curl_out_of_memory(err);
	begin = host[0] == '[' ? host + 1 : host;
	begin[strcspn(begin, "]")] = '\0';
	if (!known_hosts_name(begin, (unsigned)strtoul(port, NULL, 10), ssh->name))
		return verity_fail(err, VERITY_E_USAGE,
				   "a host of this name cannot be asked by ssh");
	return 0;
}

static int begin(struct source_transfer *transfer, struct verity_error *err)
{
	struct source_ssh *ssh = calloc(1, sizeof(*ssh));
	int r;

	if (!ssh)
		return source_curl_out_of_memory(err);
	ssh->type_fd = -1;
	transfer->private = ssh;
	r = find_name(transfer->url, ssh, err);
	if (r == 0)
		r = known_hosts_load(transfer->request->known_hosts, &ssh->known,
				     &ssh->known_size, err);
	return r < 0 ? r : source_ssh_login_find(ssh, err);
}

void source_ssh_done(struct source_transfer *transfer)
{
	struct source_ssh *ssh = source_ssh_of(transfer);

	free(ssh->known);
	cleanup_fd_p(&ssh->type_fd);
	for (size_t i = 0; i < ssh->identity_count; i++)
		free(ssh->identities[i]);
}

int source_ssh_prepare(struct source_transfer *transfer, struct verity_error *err)
{
	int r = transfer->private ? 0 : begin(transfer, err);

	if (r == 0)
		r = source_ssh_host_prepare(transfer, err);
	if (r == 0)
		r = source_ssh_login_prepare(transfer, err);
	if (r < 0)
		return r;
	if (source_curl_set(transfer, PROXY, "") ||
	    source_curl_set(transfer, FILETIME, 1L) ||
	    source_curl_set(transfer, FORBID_REUSE, 1L) ||
	    source_curl_set(transfer, RESUME_FROM_LARGE, (curl_off_t)transfer->taken))
		return source_curl_out_of_memory(err);
	return 0;
}

int source_sftp_check(struct source_transfer *transfer, struct verity_error *err)
{
	(void)err;
	source_curl_file_time(transfer);
	return 0;
}

static bool has_no_such_key(const struct source_transfer *transfer)
{
	return !source_ssh_of(transfer)->is_shown &&
	       strstr(transfer->curl_words, NO_COMMON_METHOD);
}

/* "WHAT LIBCURL DID: WHAT THE SERVER SAYS" */
static const char *server_words(const struct source_transfer *transfer)
{
	const char *colon = strrchr(transfer->curl_words, ':');

	return colon && colon[1] == ' ' ? colon + 2 : transfer->curl_words;
}

/* What scp says goes to where libssh2 does not look. */
static int fail_absent(const struct source_transfer *transfer, struct verity_error *err)
{
	if (transfer->protocol->can_resume)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "the server says %s (check the path)",
				   server_words(transfer));
	return verity_fail(err, VERITY_E_NOT_FOUND,
			   "the server has no such file, or none that %s may read (check "
			   "the path)",
			   transfer->user);
}

int source_ssh_explain(struct source_transfer *transfer, CURLcode code,
		       struct verity_error *err)
{
	int r = source_ssh_host_explain(transfer, err);

	if (r < 0)
		return r;
	switch ((int)code) {
	case CURLE_LOGIN_DENIED:
		return source_ssh_login_explain(transfer, err);
	case CURLE_REMOTE_FILE_NOT_FOUND:
		return fail_absent(transfer, err);
	case CURLE_REMOTE_ACCESS_DENIED:
		return verity_fail(err, VERITY_E_TRANSFER, "the server says %s",
				   server_words(transfer));
	case CURLE_SSH:
		/* All that libcurl says of a connection that breaks. */
		return transfer->begun ? source_reason(transfer, CURLE_RECV_ERROR, err)
				       : 0;
	default:
		return 0;
	}
}

int source_ssh_amend(struct source_transfer *transfer, struct verity_error *err)
{
	struct source_ssh *ssh = source_ssh_of(transfer);

	if (err->code == VERITY_E_HOST_KEY) {
		int r = source_ssh_host_amend(transfer, err);

		return signals_check(err) < 0 ? -EINTR : r;
	}
	if (has_no_such_key(transfer) && !ssh->is_any_type) {
		ssh->is_any_type = true;
		return 1;
	}
	if (err->code == VERITY_E_LOGIN && !transfer->password &&
	    ssh->identity + 1 < ssh->identity_count) {
		ssh->identity++;
		return 1;
	}
	return 0;
}
