/* SPDX-License-Identifier: MIT */
/* A transfer by libcurl: callbacks, limits, and one try. */
#include "installer/transfer/transfer.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "installer/common/signals.h"
#include "installer/transfer/curl_error.h"
#include "installer/transfer/url_host.h"
#include "overlay/fs/clock.h"
#include "version.h"

#define CONNECT_TIMEOUT_S 20L          /* name, address, encryption and login together */
#define POLL_MS           500          /* a signal may come just before we wait */
#define BUFFER_BYTES      (512L << 10) /* the most that libcurl takes */
#define FLUSH_MS          200 /* after the last byte, where libcurl waits by itself */
#define REDIRECTS_MAX     10L
#define DISCARDED_MAX     (1L << 20) /* bytes that are read and not used */
#define UNUSED_READS_MAX  (1L << 20) /* before the file: some are of one byte */
#define LINES_MAX         (1U << 20) /* bytes of lines besides the file; libcurl keeps them */

int transfer_no_memory(struct verity_error *err)
{
	return verity_no_memory(err);
}

static int64_t now_ms(void)
{
	return (int64_t)(overlay_clock_us() / 1000);
}

/* Tells the address before the server answers, which may take some time. */
static curl_socket_t open_socket(void *context, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	struct transfer *transfer = context;
	const struct transfer_client *client = transfer->client;
	bool is_data = transfer->protocol->has_data_connection && transfer->heard;
	char host[ADDRESS_HOST_MAX + 1], number[NI_MAXHOST], port[NI_MAXSERV];
	const char *url = NULL;

	(void)purpose;
	if (!is_data && !transfer->is_amended &&
	    getnameinfo(&address->addr, address->addrlen, number, sizeof(number), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		curl_easy_getinfo(transfer->handle, CURLINFO_EFFECTIVE_URL, &url);
		transfer_url_host(url ?: "", host);
		if (transfer->proxy[0])
			strcpy(host, "the proxy");
		client->connecting(client->context, host, number, port,
				   address->family == AF_INET6);
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

void transfer_keep_words(struct transfer *transfer, const char *line, size_t size)
{
	while (size && strchr("\r\n ", line[size - 1]))
		size--;
	if (size >= sizeof(transfer->words))
		size = sizeof(transfer->words) - 1;
	memcpy(transfer->words, line, size);
	transfer->words[size] = '\0';
}

static size_t take_line(char *line, size_t one, size_t size, void *context)
{
	struct transfer *transfer = context;
	const struct protocol_ops *ops = transfer->ops;

	(void)one;
	stall_hear(&transfer->stall, now_ms(), 0);
	transfer->heard = true;
	transfer->line_bytes += size;
	if (transfer->line_bytes > LINES_MAX) {
		transfer->failure = verity_fail(&transfer->why, VERITY_E_TRANSFER,
						CURL_ERROR_TOO_LONG);
		return 0;
	}
	return !ops->hear || ops->hear(transfer, line, size) ? size : 0;
}

int transfer_read_file_time(struct transfer *transfer, struct verity_error *err)
{
	curl_off_t seconds = -1;

	(void)err;
	curl_easy_getinfo(transfer->handle, CURLINFO_FILETIME_T, &seconds);
	if (seconds >= 0)
		snprintf(transfer->present, sizeof(transfer->present),
			 "%" CURL_FORMAT_CURL_OFF_T, seconds);
	return 0;
}

int transfer_check_same(const struct transfer *transfer, struct verity_error *err)
{
	if (strcmp(transfer->present, transfer->validator) == 0)
		return 0;
	return verity_fail(err, VERITY_E_LOST,
			   "the file on the server has changed meanwhile");
}

static void tell_origin(const struct transfer *transfer)
{
	const char *url = NULL;

	curl_easy_getinfo(transfer->handle, CURLINFO_EFFECTIVE_URL, &url);
	if (url && transfer->resumed == 0)
		transfer->client->origin(transfer->client->context, url);
}

/* Once in each try that gets so far. */
static int begin(struct transfer *transfer, struct verity_error *err)
{
	curl_off_t rest = -1;
	int r = 0;

	transfer->begun = true;
	if (transfer->ops->check)
		r = transfer->ops->check(transfer, err);
	if (r == 0 && transfer->resumed > 0)
		r = transfer_check_same(transfer, err);
	if (r < 0)
		return r;
	if (transfer->unchanged) {
		transfer->client->version(transfer->client->context, transfer->job->known,
					  true);
		return 0;
	}
	curl_easy_getinfo(transfer->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &rest);
	if (transfer->end < 0 && rest >= 0)
		transfer->announced = transfer->resumed + rest;
	if (transfer->announced >= 0 && transfer->total >= 0 &&
	    transfer->total != transfer->announced)
		return verity_fail(err, VERITY_E_LOST,
				   "the file on the server has changed meanwhile: it had "
				   "%" CURL_FORMAT_CURL_OFF_T
				   " bytes, and has %" CURL_FORMAT_CURL_OFF_T " now",
				   transfer->total, transfer->announced);
	tell_origin(transfer);
	if (transfer->announced >= 0) {
		transfer->total = transfer->announced;
		transfer->client->length(transfer->client->context, transfer->total);
	}
	if (transfer->resumed > 0)
		return 0;
	memcpy(transfer->validator, transfer->present, sizeof(transfer->validator));
	transfer->client->version(transfer->client->context, transfer->validator, false);
	return 0;
}

static int take(struct transfer *transfer, const void *bytes, size_t count,
		struct verity_error *err)
{
	int r = transfer->begun ? 0 : begin(transfer, err);

	if (r < 0)
		return r;
	if (transfer->total >= 0 && (int64_t)count > transfer->total - transfer->taken)
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server sends more than the "
				   "%" CURL_FORMAT_CURL_OFF_T " bytes that it announced",
				   transfer->total);
	if (transfer->end >= 0 && (int64_t)count > transfer->end - transfer->taken)
		return verity_fail(err, VERITY_E_TRANSFER,
				   "the server sends more than the part of the file that "
				   "it was asked for");
	transfer->taken += (int64_t)count;
	return transfer->client->take(transfer->client->context, bytes, count, err);
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
	struct transfer *transfer = context;

	(void)one;
	if (transfer->failure == 0)
		transfer->failure = take(transfer, bytes, size, &transfer->why);
	/* After the client: a disk may be slow as well. */
	stall_hear(&transfer->stall, now_ms(), (int64_t)size);
	return transfer->failure < 0 ? CURL_WRITEFUNC_ERROR : size;
}

/* The page that comes with a redirect, or with the refusal of a proxy, may have no end.
 */
static int fail_discarded(struct transfer *transfer, struct verity_error *err)
{
	bool has_proxy = transfer->proxy[0];

	return verity_fail(err, VERITY_E_TRANSFER,
			   "the %s%s sends over %ld bytes that are not part of the file",
			   has_proxy ? "proxy " : "server",
			   has_proxy ? transfer->proxy : "", DISCARDED_MAX);
}

/*
 * Called while libcurl waits by itself, as for the last reply of a server, and while it
 * reads what is not used. What a proxy says to CONNECT is read byte by byte, all that
 * there is, and not counted in @now.
 */
static int check_progress(void *context, curl_off_t total, curl_off_t now,
			  curl_off_t up_total, curl_off_t up_now)
{
	struct transfer *transfer = context;

	(void)total, (void)up_total, (void)up_now;
	if (transfer->failure == 0)
		transfer->failure = signals_check(&transfer->why);
	if (transfer->failure == 0 && !transfer->begun &&
	    (now > DISCARDED_MAX || ++transfer->unused_reads > UNUSED_READS_MAX))
		transfer->failure = fail_discarded(transfer, &transfer->why);
	/* What has come may be all: the other side knows. */
	if (transfer->failure == 0 && transfer->begun && transfer->client->flush &&
	    now_ms() - transfer->stall.heard_ms >= FLUSH_MS)
		transfer->failure = transfer->client->flush(transfer->client->context,
							    &transfer->why);
	return transfer->failure < 0;
}

/* Called after all that has come was taken: only then the server is late. */
static int wait_for_server(struct transfer *transfer, struct verity_error *err)
{
	const struct transfer_client *client = transfer->client;
	int r = stall_check(&transfer->stall, now_ms(), err);

	transfer->lost = r < 0;
	if (r < 0)
		return r;
	/* More often comes at once. */
	if (client->flush && transfer->begun) {
		int ready = 0;

		if (curl_multi_poll(transfer->multi, NULL, 0, 1, &ready) != CURLM_OK)
			return transfer_no_memory(err);
		if (ready > 0)
			return signals_check(err);
		r = client->flush(client->context, err);
		if (r < 0)
			return r;
	}
	if (curl_multi_poll(transfer->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
		return transfer_no_memory(err);
	return signals_check(err);
}

/* CURLE_OK also if it was ended from here, see @transfer->failure. */
static CURLcode perform(struct transfer *transfer)
{
	CURLcode code = CURLE_OK;
	int running = 1;

	if (curl_multi_add_handle(transfer->multi, transfer->handle) != CURLM_OK)
		return CURLE_OUT_OF_MEMORY;
	while (code == CURLE_OK && running && transfer->failure == 0) {
		if (curl_multi_perform(transfer->multi, &running) != CURLM_OK) {
			code = CURLE_OUT_OF_MEMORY;
		} else if (running) {
			transfer->failure = wait_for_server(transfer, &transfer->why);
		} else {
			int left;
			const CURLMsg *message =
				curl_multi_info_read(transfer->multi, &left);

			code = message && message->msg == CURLMSG_DONE
				       ? message->data.result
				       : CURLE_FAILED_INIT;
		}
	}
	curl_multi_remove_handle(transfer->multi, transfer->handle);
	return code;
}

/* Our own reason comes first: for libcurl it is only a failed write. */
static int finish(struct transfer *transfer, CURLcode code, struct verity_error *err)
{
	int r = 0;

	if (transfer->failure < 0) {
		*err = transfer->why;
		return transfer->failure;
	}
	if (code == CURLE_OK && !transfer->begun)
		r = begin(transfer, err);
	if (code == CURLE_OK && r == 0 && transfer->taken < transfer->end &&
	    transfer->taken < transfer->total)
		r = verity_fail(err, VERITY_E_TRANSFER,
				"the server sends less than the part of the file that it "
				"was asked for");
	if (code == CURLE_OK)
		return r;
	if (transfer->ops->explain)
		r = transfer->ops->explain(transfer, code, err);
	if (r == 0)
		r = curl_error(transfer, code, err);
	return transfer->proxy[0]
		       ? verity_context(err, r, "through the proxy %s", transfer->proxy)
		       : r;
}

int transfer_try(struct transfer *transfer, struct verity_error *err)
{
	struct verity_error unused = {.code = VERITY_OK};
	int r = 0;

	err = err ? err : &unused;
	transfer->tries++;
	transfer->resumed = transfer->taken;
	transfer->was_lost |= transfer->lost;
	transfer->begun = transfer->heard = transfer->lost = false;
	transfer->wants_login = transfer->is_secure = false;
	transfer->failure = 0;
	transfer->announced = -1;
	transfer->words[0] = transfer->present[0] = transfer->curl_words[0] = '\0';
	transfer->proxy[0] = '\0';
	transfer->line_bytes = 0;
	transfer->unused_reads = 0;
	if (transfer->follows)
		transfer->follows = false;
	else
		stall_begin(&transfer->stall, now_ms());
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	if (transfer->ops->prepare)
		r = transfer->ops->prepare(transfer, err);
	if (r < 0)
		return r;
	if (transfer_set(transfer, USERNAME, transfer->user) ||
	    transfer_set(transfer, PASSWORD, transfer->password) ||
	    transfer_set(transfer, HTTPHEADER, transfer->headers))
		return transfer_no_memory(err);
	return finish(transfer, perform(transfer), err);
}

int transfer_next(struct transfer *transfer, struct part *ret, struct verity_error *err)
{
	const struct transfer_client *client = transfer->client;
	int64_t since_ms = now_ms();
	int r = client->next(client->context, ret, err);

	if (r < 0)
		return r;
	transfer->taken = ret->first;
	transfer->end = ret->end;
	transfer->is_amended = transfer->follows = true;
	stall_skip(&transfer->stall, now_ms() - since_ms);
	return 0;
}

int transfer_wait(struct transfer *transfer, int ms, struct verity_error *err)
{
	int64_t end_ms = now_ms() + ms;
	int r = signals_check(err);

	for (int64_t left = ms; r == 0 && left > 0; left = end_ms - now_ms()) {
		curl_multi_poll(transfer->multi, NULL, 0,
				left < POLL_MS ? (int)left : POLL_MS, NULL);
		r = signals_check(err);
	}
	return r;
}

int transfer_new(const struct transfer_job *job, const struct protocol_ops *ops,
		 const struct transfer_client *client, struct transfer **ret,
		 struct verity_error *err)
{
	const struct protocol *protocol = job->protocol;
	cleanup_with(transfer_free_p) struct transfer *transfer =
		calloc(1, sizeof(*transfer));

	if (!transfer)
		return transfer_no_memory(err);
	transfer->protocol = protocol;
	transfer->ops = ops;
	transfer->job = job;
	transfer->client = client;
	transfer->user = job->user;
	transfer->password = job->password;
	transfer->total = -1;
	transfer->end = job->first_bytes > 0 ? job->first_bytes : -1;
	transfer->multi = curl_multi_init();
	transfer->handle = curl_easy_init();
	/* PROTOCOLS_STR limits redirects as well. */
	if (!transfer->multi || !transfer->handle ||
	    transfer_set(transfer, URL, job->url) ||
	    transfer_set(transfer, PATH_AS_IS, 1L) ||
	    transfer_set(transfer, USERAGENT, "wmopkg/" WMOPKG_VERSION) ||
	    transfer_set(transfer, PROTOCOLS_STR, protocol->follow) ||
	    transfer_set(transfer, REDIR_PROTOCOLS_STR, protocol->follow) ||
	    transfer_set(transfer, MAXREDIRS, REDIRECTS_MAX) ||
	    transfer_set(transfer, CONNECTTIMEOUT, CONNECT_TIMEOUT_S) ||
	    transfer_set(transfer, BUFFERSIZE, BUFFER_BYTES) ||
	    transfer_set(transfer, NOSIGNAL, 1L) ||
	    transfer_set(transfer, WRITEFUNCTION, take_body) ||
	    transfer_set(transfer, WRITEDATA, transfer) ||
	    transfer_set(transfer, HEADERFUNCTION, take_line) ||
	    transfer_set(transfer, HEADERDATA, transfer) ||
	    transfer_set(transfer, OPENSOCKETFUNCTION, open_socket) ||
	    transfer_set(transfer, OPENSOCKETDATA, transfer) ||
	    transfer_set(transfer, XFERINFOFUNCTION, check_progress) ||
	    transfer_set(transfer, XFERINFODATA, transfer) ||
	    transfer_set(transfer, NOPROGRESS, 0L) ||
	    transfer_set(transfer, ERRORBUFFER, transfer->curl_words))
		return transfer_no_memory(err);
		/* After Ctrl-C nobody waits for a name server. */
#if LIBCURL_VERSION_NUM >= 0x075700
	(void)transfer_set(transfer, QUICK_EXIT, 1L);
#endif
	*ret = steal_ptr(&transfer);
	return 0;
}

void transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return;
	curl_easy_cleanup(transfer->handle);
	if (transfer->multi)
		curl_multi_cleanup(transfer->multi);
	curl_slist_free_all(transfer->headers);
	if (transfer->ops->done && transfer->private)
		transfer->ops->done(transfer);
	free(transfer->private);
	free(transfer);
}
