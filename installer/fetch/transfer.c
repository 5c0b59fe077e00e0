/* SPDX-License-Identifier: MIT */
#include "installer/fetch/transfer.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "installer/common/report.h"
#include "installer/common/signals.h"
#include "installer/fetch/curl_error.h"
#include "installer/fetch/url.h"
#include "verity/util/cleanup.h"
#include "version.h"

#define CONNECT_TIMEOUT_S 20L /* name, address, encryption and login together */
#define POLL_MS           500 /* a signal may come just before we wait */
#define BUFFER_BYTES      (128L << 10)
#define REDIRECTS_MAX     10L
#define HOST_MAX          256
#define ASIDE_MAX         (1L << 20) /* bytes that are read and thrown away */

DEFINE_CLEANUP(struct source_transfer, source_curl_free);

int source_curl_out_of_memory(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Shown before it answers: one who waits wants to know for whom. */
static void show_address(struct source_transfer *transfer,
			 const struct curl_sockaddr *address)
{
	const char *url = NULL;
	char host[HOST_MAX];
	char number[NI_MAXHOST];
	char port[NI_MAXSERV];
	bool is_v6 = address->family == AF_INET6;

	if (transfer->is_amended)
		return;
	curl_easy_getinfo(transfer->handle, CURLINFO_EFFECTIVE_URL, &url);
	source_url_host(url ? url : "", host, sizeof(host));
	if (getnameinfo(&address->addr, address->addrlen, number, sizeof(number), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	printf("%sConnecting to ", transfer->shown ? "" : "\n");
	report_plain(stdout, host);
	printf(" (%s%s%s:%s)\n", is_v6 ? "[" : "", number, is_v6 ? "]" : "", port);
	fflush(stdout);
	transfer->shown = true;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	struct source_transfer *transfer = context;

	(void)purpose;
	if (!transfer->protocol->has_data_connection || !transfer->heard)
		show_address(transfer, address);
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

void source_curl_keep_words(struct source_transfer *transfer, const char *line,
			    size_t size)
{
	while (size && (line[size - 1] == '\r' || line[size - 1] == '\n' ||
			line[size - 1] == ' '))
		size--;
	if (size >= sizeof(transfer->words))
		size = sizeof(transfer->words) - 1;
	memcpy(transfer->words, line, size);
	transfer->words[size] = '\0';
}

static size_t take_line(char *line, size_t one, size_t size, void *context)
{
	struct source_transfer *transfer = context;

	(void)one;
	source_pace_hear(&transfer->pace, now_ms(), 0);
	transfer->heard = true;
	if (transfer->protocol->hear && !transfer->protocol->hear(transfer, line, size))
		return 0;
	return size;
}

void source_curl_file_time(struct source_transfer *transfer)
{
	curl_off_t seconds = -1;

	curl_easy_getinfo(transfer->handle, CURLINFO_FILETIME_T, &seconds);
	if (seconds >= 0)
		snprintf(transfer->present, sizeof(transfer->present),
			 "%" CURL_FORMAT_CURL_OFF_T, seconds);
}

int source_curl_same(const struct source_transfer *transfer, struct verity_error *err)
{
	if (strcmp(transfer->present, transfer->validator) != 0)
		return verity_fail(err, VERITY_E_LOST,
				   "the file on the server has changed meanwhile");
	return 0;
}

static int check_length(struct source_transfer *transfer, struct verity_error *err)
{
	curl_off_t rest = -1;

	curl_easy_getinfo(transfer->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &rest);
	if (rest < 0)
		return 0;
	if (transfer->total >= 0 && transfer->total != transfer->resumed + rest)
		return verity_fail(err, VERITY_E_LOST,
				   "the file on the server has changed meanwhile: it had "
				   "%" CURL_FORMAT_CURL_OFF_T
				   " bytes, and has %" CURL_FORMAT_CURL_OFF_T " now",
				   transfer->total, transfer->resumed + rest);
	transfer->total = transfer->resumed + rest;
	return 0;
}

/* Once in each try that gets so far. */
static int begin(struct source_transfer *transfer, struct verity_error *err)
{
	int r = 0;

	transfer->begun = true;
	if (transfer->protocol->check)
		r = transfer->protocol->check(transfer, err);
	if (r == 0 && transfer->resumed > 0)
		r = source_curl_same(transfer, err);
	if (r == 0)
		r = check_length(transfer, err);
	if (r == 0 && transfer->resumed == 0)
		memcpy(transfer->validator, transfer->present,
		       sizeof(transfer->validator));
	return r;
}

static int take(struct source_transfer *transfer, const void *bytes, size_t count,
		struct verity_error *err)
{
	const struct source_sink *sink = transfer->sink;
	int r = 0;

	if (!transfer->begun)
		r = begin(transfer, err);
	if (r < 0)
		return r;
	if (transfer->total >= 0 && (int64_t)count > transfer->total - transfer->taken)
		return verity_fail(
			err, VERITY_E_TRANSFER,
			"the server sends more than the %" CURL_FORMAT_CURL_OFF_T
			" bytes that it spoke of",
			transfer->total);
	transfer->taken += (int64_t)count;
	return sink->take(sink->context, bytes, count, err);
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
	struct source_transfer *transfer = context;

	(void)one;
	if (transfer->failure == 0)
		transfer->failure = take(transfer, bytes, size, &transfer->why);
	/* Only now: a disk may be slow as well. */
	source_pace_hear(&transfer->pace, now_ms(), (int64_t)size);
	return transfer->failure < 0 ? CURL_WRITEFUNC_ERROR : size;
}

/*
 * While libcurl waits by itself, as it does for a server to say good-bye, or reads what
 * nobody wants: the page that comes with a redirect may have no end.
 */
static int look_up(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
		   curl_off_t up_now)
{
	struct source_transfer *transfer = context;

	(void)total, (void)up_total, (void)up_now;
	if (transfer->failure == 0)
		transfer->failure = signals_check(&transfer->why);
	if (transfer->failure == 0 && !transfer->begun && now > ASIDE_MAX)
		transfer->failure = verity_fail(
			&transfer->why, VERITY_E_TRANSFER,
			"the server sends over %ld bytes that are not of the file",
			ASIDE_MAX);
	return transfer->failure < 0;
}

/* What has come meanwhile was taken just before: only then is it late. */
static int wait_for_server(struct source_transfer *transfer, struct verity_error *err)
{
	int r = source_pace_check(&transfer->pace, now_ms(), err);

	transfer->lost = r < 0;
	if (r < 0)
		return r;
	if (curl_multi_poll(transfer->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
		return source_curl_out_of_memory(err);
	return signals_check(err);
}

static CURLcode result_of(const struct source_transfer *transfer)
{
	const CURLMsg *message;
	int left;

	message = curl_multi_info_read(transfer->multi, &left);
	return message && message->msg == CURLMSG_DONE ? message->data.result
						       : CURLE_FAILED_INIT;
}

/* CURLE_OK also where it was ended from here. */
static CURLcode perform(struct source_transfer *transfer)
{
	CURLcode code = CURLE_OK;
	int running = 1;

	if (curl_multi_add_handle(transfer->multi, transfer->handle) != CURLM_OK)
		return CURLE_OUT_OF_MEMORY;
	while (transfer->failure == 0) {
		if (curl_multi_perform(transfer->multi, &running) != CURLM_OK)
			code = CURLE_OUT_OF_MEMORY;
		else if (!running)
			code = result_of(transfer);
		if (code != CURLE_OK || !running)
			break;
		transfer->failure = wait_for_server(transfer, &transfer->why);
	}
	curl_multi_remove_handle(transfer->multi, transfer->handle);
	return code;
}

/* What ended it on our side comes first: to libcurl it is but a failed write. */
static int outcome(struct source_transfer *transfer, CURLcode code,
		   struct verity_error *err)
{
	int r;

	if (transfer->failure < 0) {
		*err = transfer->why;
		return transfer->failure;
	}
	if (code == CURLE_OK && !transfer->begun) {
		r = begin(transfer, err);
		if (r < 0)
			return r;
	}
	if (code == CURLE_OK)
		return 0;
	r = transfer->protocol->explain ? transfer->protocol->explain(transfer, code, err)
					: 0;
	return r < 0 ? r : source_reason(transfer, code, err);
}

static void forget_try(struct source_transfer *transfer)
{
	transfer->resumed = transfer->taken;
	transfer->was_lost |= transfer->lost;
	transfer->begun = transfer->heard = transfer->lost = false;
	transfer->wants_login = false;
	source_pace_begin(&transfer->pace, now_ms());
	transfer->failure = 0;
	transfer->words[0] = transfer->present[0] = transfer->curl_words[0] = '\0';
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
}

int source_curl_try(struct source_transfer *transfer, struct verity_error *err)
{
	struct verity_error unused;
	int r = 0;

	err = err ? err : &unused;
	forget_try(transfer);
	transfer->tries++;
	if (transfer->protocol->prepare)
		r = transfer->protocol->prepare(transfer, err);
	if (r < 0)
		return r;
	if (source_curl_set(transfer, USERNAME, transfer->user) ||
	    source_curl_set(transfer, PASSWORD, transfer->password) ||
	    source_curl_set(transfer, HTTPHEADER, transfer->headers))
		return source_curl_out_of_memory(err);
	return outcome(transfer, perform(transfer), err);
}

int source_curl_wait(struct source_transfer *transfer, int ms, struct verity_error *err)
{
	int64_t end_ms = now_ms() + ms;
	int64_t left;

	while ((left = end_ms - now_ms()) > 0) {
		int r = signals_check(err);

		if (r < 0)
			return r;
		curl_multi_poll(transfer->multi, NULL, 0,
				left < POLL_MS ? (int)left : POLL_MS, NULL);
	}
	return signals_check(err);
}

static bool set_limits(struct source_transfer *transfer)
{
	/* The first holds for redirects as well. */
	return !(source_curl_set(transfer, PROTOCOLS_STR, transfer->protocol->follow) ||
		 source_curl_set(transfer, REDIR_PROTOCOLS_STR,
				 transfer->protocol->follow) ||
		 source_curl_set(transfer, MAXREDIRS, REDIRECTS_MAX) ||
		 source_curl_set(transfer, CONNECTTIMEOUT, CONNECT_TIMEOUT_S) ||
		 source_curl_set(transfer, BUFFERSIZE, BUFFER_BYTES) ||
		 source_curl_set(transfer, NOSIGNAL, 1L));
}

static bool set_callbacks(struct source_transfer *transfer)
{
	return !(source_curl_set(transfer, WRITEFUNCTION, take_body) ||
		 source_curl_set(transfer, WRITEDATA, transfer) ||
		 source_curl_set(transfer, HEADERFUNCTION, take_line) ||
		 source_curl_set(transfer, HEADERDATA, transfer) ||
		 source_curl_set(transfer, OPENSOCKETFUNCTION, open_socket) ||
		 source_curl_set(transfer, OPENSOCKETDATA, transfer) ||
		 source_curl_set(transfer, XFERINFOFUNCTION, look_up) ||
		 source_curl_set(transfer, XFERINFODATA, transfer) ||
		 source_curl_set(transfer, NOPROGRESS, 0L) ||
		 source_curl_set(transfer, ERRORBUFFER, transfer->curl_words));
}

int source_curl_new(const struct source_protocol *protocol,
		    const struct source_request *request, const char *url,
		    const struct source_sink *sink, struct source_transfer **ret,
		    struct verity_error *err)
{
	cleanup_with(source_curl_free_p) struct source_transfer *transfer =
		calloc(1, sizeof(*transfer));

	if (!transfer)
		return source_curl_out_of_memory(err);
	transfer->protocol = protocol;
	transfer->request = request;
	transfer->url = url;
	transfer->sink = sink;
	transfer->total = -1;
	transfer->multi = curl_multi_init();
	transfer->handle = curl_easy_init();
	if (!transfer->multi || !transfer->handle ||
	    source_curl_set(transfer, URL, url) ||
	    source_curl_set(transfer, PATH_AS_IS, 1L) ||
	    source_curl_set(transfer, USERAGENT, "wmopkg/" WMOPKG_VERSION) ||
	    !set_limits(transfer) || !set_callbacks(transfer))
		return source_curl_out_of_memory(err);
		/* One who presses Ctrl-C does not wait for a name server. */
#if LIBCURL_VERSION_NUM >= 0x075700
	(void)source_curl_set(transfer, QUICK_EXIT, 1L);
#endif
	*ret = steal_ptr(&transfer);
	return 0;
}

void source_curl_free(struct source_transfer *transfer)
{
	if (!transfer)
		return;
	curl_easy_cleanup(transfer->handle);
	if (transfer->multi)
		curl_multi_cleanup(transfer->multi);
	curl_slist_free_all(transfer->headers);
	if (transfer->protocol->done && transfer->private)
		transfer->protocol->done(transfer);
	free(transfer->private);
	free(transfer);
}
