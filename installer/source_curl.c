/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "installer/interrupt.h"
#include "installer/report.h"
#include "installer/source_private.h"
#include "installer/source_url.h"
#include "verity/cleanup.h"
#include "verity/format.h"
#include "version.h"

#define CONNECT_TIMEOUT_S 10L
#define STALL_BYTES_S     1L  /* slower than this… */
#define STALL_TIMEOUT_S   30L /* …for so long is a stall */
#define REDIRECTS_MAX     10L
#define HOST_MAX          256
#define STATUS_MAX        128 /* bytes of a server's own words */
#define OK_STATUS         200

struct source_curl {
	struct source source;
	CURL *handle;
	const struct source_sink *sink; /* while it is pulled */
	struct verity_error *err;       /* likewise */
	int failure;                    /* what sink or signal ended it with */
	bool connected;                 /* an address has been shown */
	char status[STATUS_MAX];        /* "404 Not Found" */
	char why[CURL_ERROR_SIZE];
};

static struct source_curl *curl_of(struct source *source)
{
	return (struct source_curl *)source;
}

static long status_code(const struct source_curl *curl)
{
	long code = 0;

	curl_easy_getinfo(curl->handle, CURLINFO_RESPONSE_CODE, &code);
	return code;
}

static int64_t curl_bytes(const struct source *source)
{
	const struct source_curl *curl = (const struct source_curl *)source;
	curl_off_t bytes = -1;

	curl_easy_getinfo(curl->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &bytes);
	return bytes;
}

static void curl_free_all(struct source *source)
{
	curl_easy_cleanup(curl_of(source)->handle);
	free(source);
	curl_global_cleanup();
}

/* Shown before it answers: one who waits wants to know for whom. */
static void show_address(struct source_curl *curl, const struct curl_sockaddr *address)
{
	const char *url = NULL;
	char host[HOST_MAX];
	char number[NI_MAXHOST];
	char port[NI_MAXSERV];
	bool is_v6 = address->family == AF_INET6;

	curl_easy_getinfo(curl->handle, CURLINFO_EFFECTIVE_URL, &url);
	source_url_host(url ? url : "", host, sizeof(host));
	if (getnameinfo(&address->addr, address->addrlen, number, sizeof(number), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	printf("%sConnecting to ", curl->connected ? "" : "\n");
	report_plain(stdout, host);
	printf(" (%s%s%s:%s)\n", is_v6 ? "[" : "", number, is_v6 ? "]" : "", port);
	fflush(stdout);
	curl->connected = true;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	(void)purpose;
	show_address(context, address);
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

/* Keeps the server's own words of the newest status line: "HTTP/1.1 404 Not Found". */
static size_t take_header(char *line, size_t one, size_t size, void *context)
{
	struct source_curl *curl = context;
	const char *space = memchr(line, ' ', size);
	size_t length;

	(void)one;
	if (size < 5 || strncmp(line, "HTTP/", 5) != 0 || !space)
		return size;
	length = size - (size_t)(space + 1 - line);
	if (length >= sizeof(curl->status))
		length = sizeof(curl->status) - 1;
	while (length && isspace((unsigned char)space[length]))
		length--;
	memcpy(curl->status, space + 1, length);
	curl->status[length] = '\0';
	return size;
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
	struct source_curl *curl = context;

	(void)one;
	if (status_code(curl) != OK_STATUS)
		return CURL_WRITEFUNC_ERROR;
	curl->failure = curl->sink->take(curl->sink->context, bytes, size, curl->err);
	return curl->failure < 0 ? CURL_WRITEFUNC_ERROR : size;
}

static int look_up(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
		   curl_off_t up_now)
{
	struct source_curl *curl = context;

	(void)total, (void)now, (void)up_total, (void)up_now;
	if (curl->failure == 0)
		curl->failure = interrupt_check(curl->err);
	return curl->failure < 0;
}

/* curl keeps the system's reason to itself. */
static int fail_connect(const struct source_curl *curl, struct verity_error *err)
{
	char why[128];
	long number = 0;

	curl_easy_getinfo(curl->handle, CURLINFO_OS_ERRNO, &number);
	if (number <= 0)
		return verity_fail(err, VERITY_E_TRANSFER, "%s", curl->why);
	return verity_fail(err, VERITY_E_TRANSFER, "cannot connect: %s",
			   strerror_r((int)number, why, sizeof(why)));
}

static int fail_status(const struct source_curl *curl, struct verity_error *err)
{
	long code = status_code(curl);

	if (code == 404 || code == 410)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "the server says %s (check the path)", curl->status);
	return verity_fail(err, VERITY_E_TRANSFER, "the server says %s", curl->status);
}

/* What ended it on our side comes first: to curl it is but a failed write. */
static int outcome(const struct source_curl *curl, CURLcode code,
		   struct verity_error *err)
{
	if (curl->failure < 0)
		return curl->failure;
	if (code == CURLE_OUT_OF_MEMORY)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (code == CURLE_OK || code == CURLE_HTTP_RETURNED_ERROR ||
	    code == CURLE_WRITE_ERROR)
		return code == CURLE_OK && status_code(curl) == OK_STATUS
			       ? 0
			       : fail_status(curl, err);
	if (code == CURLE_COULDNT_CONNECT)
		return fail_connect(curl, err);
	return verity_fail(err, VERITY_E_TRANSFER, "%s",
			   curl->why[0] ? curl->why : curl_easy_strerror(code));
}

static void show_attempt(const struct source *source)
{
	printf("Attempting to download file %s" VERITY_PACKAGE_SUFFIX ", using ",
	       source->name);
	for (const char *at = source->where; *at && *at != ':'; at++)
		putchar(toupper((unsigned char)*at));
	putchar('\n');
	fflush(stdout);
}

static int curl_pull(struct source *source, const struct source_sink *sink,
		     struct verity_error *err)
{
	struct source_curl *curl = curl_of(source);
	struct verity_error unused;

	curl->sink = sink;
	curl->err = err ? err : &unused;
	show_attempt(source);
	return outcome(curl, curl_easy_perform(curl->handle), err);
}

static const struct source_kind kind_curl = {
	.bytes = curl_bytes,
	.pull = curl_pull,
	.free = curl_free_all,
};

#define SET(option, value)                                                               \
	(curl_easy_setopt(curl->handle, CURLOPT_##option, (value)) != CURLE_OK)

static bool set_limits(struct source_curl *curl)
{
	return !(SET(PROTOCOLS_STR, "http,https") ||
		 SET(REDIR_PROTOCOLS_STR, "http,https") || SET(FOLLOWLOCATION, 1L) ||
		 SET(MAXREDIRS, REDIRECTS_MAX) || SET(FAILONERROR, 1L) ||
		 SET(CONNECTTIMEOUT, CONNECT_TIMEOUT_S) ||
		 SET(LOW_SPEED_LIMIT, STALL_BYTES_S) ||
		 SET(LOW_SPEED_TIME, STALL_TIMEOUT_S) || SET(NOSIGNAL, 1L));
}

static bool set_callbacks(struct source_curl *curl)
{
	return !(SET(WRITEFUNCTION, take_body) || SET(WRITEDATA, curl) ||
		 SET(HEADERFUNCTION, take_header) || SET(HEADERDATA, curl) ||
		 SET(OPENSOCKETFUNCTION, open_socket) || SET(OPENSOCKETDATA, curl) ||
		 SET(XFERINFOFUNCTION, look_up) || SET(XFERINFODATA, curl) ||
		 SET(NOPROGRESS, 0L) || SET(ERRORBUFFER, curl->why));
}

static void source_curl_free_p(struct source_curl **curl)
{
	if (*curl)
		source_free(&(*curl)->source);
}

int source_curl_open(const struct source_request *request, struct source **ret,
		     struct verity_error *err)
{
	const char *url = request->where;
	cleanup_with(source_curl_free_p) struct source_curl *curl = NULL;
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	curl = calloc(1, sizeof(*curl));
	if (!curl) {
		curl_global_cleanup();
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	}
	curl->source.kind = &kind_curl;
	r = source_url_split(url, &curl->source.where, curl->source.name, err);
	if (r < 0)
		return r;
	curl->handle = curl_easy_init();
	if (!curl->handle || SET(URL, url) || SET(USERAGENT, "wmopkg/" WMOPKG_VERSION) ||
	    !set_limits(curl) || !set_callbacks(curl))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = &steal_ptr(&curl)->source;
	return 0;
}
