/* SPDX-License-Identifier: MIT */
/* Asking libssh2 and a server which methods they offer. */
#include "installer/transfer/ssh_offers.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "installer/transfer/ssh_kexinit.h"
#include "installer/transfer/url_host.h"
#include "overlay/fs/clock.h"
#include "verity/util/text.h"

#define CONNECT_MS 5000L
#define ANSWER_MS  5000
#define GREETING   "SSH-2.0-wmopkg\r\n"

/*
 * The functions of libssh2, which libcurl does not pass on. Found in the copy that
 * libcurl has loaded: what is linked may be another one, or libcurl uses libssh. The
 * numbers of the methods are those of the lists.
 */
struct ssh2 {
	void *(*init)(void *alloc, void *free, void *realloc, void *context);
	int (*names)(void *session, int method, const char ***ret);
	void (*free_names)(void *session, const char **names);
	int (*end)(void *session);
};

static bool find_ssh2(struct ssh2 *ret)
{
	*ret = (struct ssh2){.init = NULL};
	*(void **)&ret->init = dlsym(RTLD_DEFAULT, "libssh2_session_init_ex");
	*(void **)&ret->names = dlsym(RTLD_DEFAULT, "libssh2_session_supported_algs");
	*(void **)&ret->free_names = dlsym(RTLD_DEFAULT, "libssh2_free");
	*(void **)&ret->end = dlsym(RTLD_DEFAULT, "libssh2_session_free");
	return ret->init && ret->names && ret->free_names && ret->end;
}

/* The names that this device offers where it is not told to offer less. */
static bool ask_device(char *texts[static SSH_LISTS], struct ssh_kexinit *ret)
{
	struct ssh2 ssh2;
	void *session = find_ssh2(&ssh2) ? ssh2.init(NULL, NULL, NULL, NULL) : NULL;
	bool is_whole = session;

	for (int list = 0; is_whole && list < SSH_LISTS; list++) {
		const char **names = NULL;
		int count = ssh2.names(session, list, &names);
		size_t size = 0;
		FILE *out = open_memstream(&texts[list], &size);

		for (int i = 0; out && i < count; i++)
			fprintf(out, "%s%s", i ? "," : "", names[i]);
		is_whole = verity_text_end(out, &texts[list]) && count > 0;
		if (count > 0)
			ssh2.free_names(session, names);
		ret->lists[list] = (struct ssh_names){texts[list], size};
	}
	if (session)
		ssh2.end(session);
	return is_whole;
}

/* A connection on which libcurl sends nothing by itself, as of http before a request. */
static bool connect_to(CURL *handle, CURLU *parts, const struct transfer_job *job)
{
	char port[sizeof("65535")];

	snprintf(port, sizeof(port), "%u", job->port);
	return curl_url_set(parts, CURLUPART_URL, job->url, CURLU_PATH_AS_IS) ==
		       CURLUE_OK &&
	       curl_url_set(parts, CURLUPART_SCHEME, "http", 0) == CURLUE_OK &&
	       curl_url_set(parts, CURLUPART_PORT, port, 0) == CURLUE_OK &&
	       curl_easy_setopt(handle, CURLOPT_CURLU, parts) == CURLE_OK &&
	       curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
	       curl_easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) ==
		       CURLE_OK &&
	       curl_easy_perform(handle) == CURLE_OK;
}

/* After the greetings it says by itself what it offers. */
static bool read_offer(CURL *handle, uint8_t bytes[static SSH_KEXINIT_ROOM],
		       struct ssh_kexinit *ret)
{
	int64_t end_ms = (int64_t)(overlay_clock_us() / 1000) + ANSWER_MS;
	struct pollfd server = {.events = POLLIN};
	size_t size = 0, count = 0;
	CURLcode code;
	int r = -EAGAIN;

	if (curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &server.fd) != CURLE_OK ||
	    curl_easy_send(handle, GREETING, strlen(GREETING), &count) != CURLE_OK)
		return false;
	while (r == -EAGAIN && size < SSH_KEXINIT_ROOM) {
		int64_t left_ms = end_ms - (int64_t)(overlay_clock_us() / 1000);

		if (left_ms <= 0 || poll(&server, 1, (int)left_ms) != 1)
			return false;
		code = curl_easy_recv(handle, bytes + size, SSH_KEXINIT_ROOM - size,
				      &count);
		if (code == CURLE_AGAIN)
			continue;
		if (code != CURLE_OK || count == 0)
			return false;
		size += count;
		r = ssh_kexinit_decode(bytes, size, ret);
	}
	return r == 0;
}

static int explain(const struct ssh_kexinit *device, const struct ssh_kexinit *server,
		   struct verity_error *err)
{
	char lists[SSH_DISAGREEMENT_MAX], settings[SSH_SETTINGS_MAX];

	if (!ssh_kexinit_disagreement(device, server, lists, settings))
		return 0;
	return verity_fail(
		err, VERITY_E_TRANSFER,
		"%s (allow a method of this device on the server, with %s in "
		"sshd_config, or update the firmware of this device: it has %s)",
		lists, settings, curl_version_info(CURLVERSION_NOW)->libssh_version);
}

int ssh_offers_explain(const struct transfer *transfer, struct verity_error *err)
{
	cleanup_free uint8_t *bytes = malloc(SSH_KEXINIT_ROOM);
	cleanup_with(curl_url_cleanup_p) CURLU *parts = curl_url();
	struct ssh_kexinit device, server;
	CURL *handle = curl_easy_init();
	char *texts[SSH_LISTS] = {NULL};
	int r = 0;

	if (bytes && parts && handle && ask_device(texts, &device) &&
	    connect_to(handle, parts, transfer->job) &&
	    read_offer(handle, bytes, &server))
		r = explain(&device, &server, err);
	curl_easy_cleanup(handle);
	for (size_t i = 0; i < SSH_LISTS; i++)
		free(texts[i]);
	return r;
}
