/* SPDX-License-Identifier: MIT */
/* The table of libcurl errors and their messages. */
#include "installer/transfer/curl_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEMORY_ENOUGH (4U << 20) /* bytes: far more than libcurl needs at once */

#define TLS_OLD                                                                          \
	"the server supports no version of TLS from 1.2 on (update the server, or use "  \
	"another protocol)"
#define TLS_NONE                                                                         \
	"the server does not speak TLS on this port (check the protocol and the port)"

#define PROXY_URL                                                                        \
	"the URL of the proxy cannot be used (check the variable: "                      \
	"http://HOST:PORT)"

/* What decides on the message and on another try. */
enum kind {
	KIND_OTHER,
	KIND_CONNECT, /* there was no connection yet */
	KIND_CUT,     /* there was one */
	KIND_CERTIFICATE,
	KIND_LOGIN,
	KIND_MEMORY,
};

static const struct reason {
	CURLcode code;
	enum kind kind;
	const char *message; /* NULL: ours for the kind, and behind it that of libcurl */
} reasons[] = {
	{CURLE_COULDNT_RESOLVE_HOST, KIND_CONNECT, "cannot resolve host name"},
	{CURLE_COULDNT_RESOLVE_PROXY, KIND_CONNECT,
	 "cannot resolve the host name of the proxy (check the proxy)"},
	{CURLE_COULDNT_CONNECT, KIND_CONNECT, NULL},
	{CURLE_OPERATION_TIMEDOUT, KIND_CONNECT, "no answer from the server"},
	{CURLE_SSL_CONNECT_ERROR, KIND_CONNECT, NULL},
	{CURLE_GOT_NOTHING, KIND_CUT,
	 "the server closed the connection without an answer"},
	{CURLE_PARTIAL_FILE, KIND_CUT, NULL},
	{CURLE_RECV_ERROR, KIND_CUT, NULL},
	{CURLE_SEND_ERROR, KIND_CUT, NULL},
	{CURLE_PEER_FAILED_VERIFICATION, KIND_CERTIFICATE, NULL},
	{CURLE_SSL_CACERT_BADFILE, KIND_CERTIFICATE,
	 "the authorities that this device trusts cannot be read"},
	{CURLE_SSL_ISSUER_ERROR, KIND_CERTIFICATE, NULL},
	{CURLE_LOGIN_DENIED, KIND_LOGIN, NULL},
	{CURLE_OUT_OF_MEMORY, KIND_MEMORY, "out of memory"},
};

const char *curl_error_clock(const char *words)
{
	static const struct {
		const char *words, *meaning;
	} dates[] = {
		{"not yet valid", "is not valid yet"},     /* OpenSSL */
		{"not activated yet", "is not valid yet"}, /* GnuTLS */
		{"has expired", "has expired"},
		{"expiration date has passed", "has expired"},
	};

	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
		if (strstr(words, dates[i].words))
			return dates[i].meaning;
	return NULL;
}

/* In our words; theirs follow. */
static const char *certificate_fault(const char *words)
{
	return strstr(words, "issuer") || strstr(words, "self-signed") ||
			       strstr(words, "self signed")
		       ? "no authority that this device trusts has signed it: "
	       : strstr(words, "subject name") ? "it is for another host name: "
					       : "";
}

/* @authorities: where they are; NULL: the configuration says so, and who reads it */
static int fail_certificate(const char *authorities, const char *words,
			    struct verity_error *err)
{
	const char *meaning = curl_error_clock(words);
	time_t now = time(NULL);
	struct tm parts;
	char date[32];

	if (!meaning)
		return verity_fail(err, VERITY_E_CERTIFICATE,
				   "the certificate of the server is not accepted: "
				   "%s%s%s%s%s",
				   certificate_fault(words), words,
				   authorities ? " (check the address; certificate "
						 "authorities: "
					       : "",
				   authorities ?: "",
				   authorities ? "; 'authorities' in the configuration "
						 "names others)"
					       : "");
	gmtime_r(&now, &parts);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &parts);
	return verity_fail(err, VERITY_E_CLOCK,
			   "the server's certificate %s by this device's clock, which "
			   "shows %s UTC",
			   meaning, date);
}

/*
 * What the words of libraries mean to a person, for either side of a connection. Theirs
 * follow after a colon, if ours ends with one.
 */
static const struct {
	CURLcode code;
	const char *words, *meaning;
} meanings[] = {
	/* OpenSSL and GnuTLS: "tlsv1 alert protocol version" */
	{CURLE_SSL_CONNECT_ERROR, "unsupported protocol", TLS_OLD},
	{CURLE_SSL_CONNECT_ERROR, "protocol version", TLS_OLD},
	{CURLE_SSL_CONNECT_ERROR, "wrong version number", TLS_NONE},
	{CURLE_SSL_CONNECT_ERROR, "packet length too long", TLS_NONE},
	{CURLE_SSL_CONNECT_ERROR, "http request", TLS_NONE},
	{CURLE_SSL_CONNECT_ERROR, "unknown protocol", TLS_NONE},
	{CURLE_SSL_CONNECT_ERROR, "unexpected TLS packet", TLS_NONE},
	{CURLE_SSL_CONNECT_ERROR, "", "no TLS connection with the server is possible:"},
	/* "Unsupported proxy syntax in 'URL'", with its password */
	{CURLE_COULDNT_RESOLVE_PROXY, "Unsupported proxy", PROXY_URL},
	{CURLE_COULDNT_CONNECT, "Unsupported proxy", PROXY_URL},
	{CURLE_RECV_ERROR, "Too large response headers", CURL_ERROR_TOO_LONG},
	{CURLE_RECV_ERROR, "Out of memory in chunked", CURL_ERROR_TOO_LONG},
	{CURLE_RECV_ERROR, "Proxy CONNECT aborted",
	 "the proxy ended the connection (check the proxy):"},
};

/*
 * Where a line of a server, or what follows its chunks, is over a limit of libcurl, it
 * gives the code of a lack of memory: which is easy to tell from it.
 */
static bool is_memory_left(void)
{
	cleanup_free void *bytes = malloc(MEMORY_ENOUGH);

	return bytes != NULL;
}

static const char *find_meaning(CURLcode code, const char *words)
{
	if (code == CURLE_OUT_OF_MEMORY && is_memory_left())
		return CURL_ERROR_TOO_LONG;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].code == code && strstr(words, meanings[i].words))
			return meanings[i].meaning;
	return NULL;
}

/* @ours: NULL: theirs say why */
static int fail_cut(const struct transfer *transfer, const char *ours, const char *theirs,
		    struct verity_error *err)
{
	if (transfer->taken > 0 && transfer->total >= 0)
		return verity_fail(
			err, VERITY_E_LOST,
			"the connection was lost after %" CURL_FORMAT_CURL_OFF_T
			" of %" CURL_FORMAT_CURL_OFF_T " bytes",
			transfer->taken, transfer->total);
	if (transfer->taken > 0)
		return verity_fail(
			err, VERITY_E_LOST,
			"the connection was lost after %" CURL_FORMAT_CURL_OFF_T " bytes",
			transfer->taken);
	return ours ? verity_fail(err, VERITY_E_LOST, "%s", ours)
		    : verity_fail(err, VERITY_E_LOST,
				  "the connection was lost before the first byte: %s",
				  theirs);
}

/* The words of the library never stand alone. */
static int fail(enum verity_code code, const char *ours, const char *what,
		const char *theirs, struct verity_error *err)
{
	return ours ? verity_fail(err, code, "%s", ours)
		    : verity_fail(err, code, "%s: %s", what, theirs);
}

int curl_error(struct transfer *transfer, CURLcode code, struct verity_error *err)
{
	const char *words =
		transfer->curl_words[0] ? transfer->curl_words : curl_easy_strerror(code);
	enum kind kind = KIND_OTHER;
	const char *ours = NULL;
	char why[128];
	long number = 0;
	const char *meaning = find_meaning(code, words);

	transfer->lost = false;
	if (meaning)
		return verity_fail(err, VERITY_E_TRANSFER, "%s%s%s", meaning,
				   meaning[strlen(meaning) - 1] == ':' ? " " : "",
				   meaning[strlen(meaning) - 1] == ':' ? words : "");
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].code == code) {
			kind = reasons[i].kind;
			ours = reasons[i].message;
		}
	if (code == CURLE_OPERATION_TIMEDOUT && transfer->heard)
		kind = KIND_CUT;
	/* A server that has answered before may do so again. */
	transfer->lost = kind == KIND_CUT ||
			 (kind == KIND_CONNECT && transfer_has_answered(transfer));
	switch (kind) {
	case KIND_CONNECT:
		/* The message of libcurl lacks the reason of the system. */
		curl_easy_getinfo(transfer->handle, CURLINFO_OS_ERRNO, &number);
		if (code == CURLE_COULDNT_CONNECT && number > 0)
			return verity_fail(
				err, VERITY_E_TRANSFER, "cannot connect: %s%s",
				verity_errno_text((int)number, why, sizeof(why)),
				transfer->proxy[0] ? " (check the proxy)" : "");
		return fail(VERITY_E_TRANSFER, ours, "cannot connect", words, err);
	case KIND_CUT:
		return fail_cut(transfer, ours, words, err);
	case KIND_CERTIFICATE:
		return fail_certificate(transfer->job ? transfer->job->authorities_default
						      : NULL,
					ours ?: words, err);
	case KIND_LOGIN:
		return fail(VERITY_E_LOGIN, ours, "the server refuses the login", words,
			    err);
	case KIND_MEMORY:
		return verity_fail(err, VERITY_E_NO_MEMORY, "%s", ours);
	case KIND_OTHER:
		break;
	}
	return fail(VERITY_E_TRANSFER, ours, "the transfer failed", words, err);
}
