/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <time.h>

#include "installer/transfer/curl_error.h"

/* What a try left behind, and what is made of it. */
static void test_reasons(void **state)
{
	static const struct {
		CURLcode code;
		const char *words; /* libcurl's */
		bool heard, was_lost;
		int64_t taken, total;
		enum verity_code expected;
		const char *message;
		bool lost;
	} cases[] = {
		{CURLE_COULDNT_RESOLVE_HOST, "Could not resolve host: h", false, false, 0,
		 -1, VERITY_E_TRANSFER, "cannot resolve host name", false},
		{CURLE_COULDNT_RESOLVE_HOST, "Could not resolve host: h", false, true,
		 100, 1000, VERITY_E_TRANSFER, "cannot resolve host name", true},
		{CURLE_COULDNT_CONNECT, "Failed to connect to h", false, false, 0, -1,
		 VERITY_E_TRANSFER, "cannot connect: Failed to connect to h", false},
		{CURLE_OPERATION_TIMEDOUT, "Connection timed out", false, false, 0, -1,
		 VERITY_E_TRANSFER, "no answer from the server", false},
		{CURLE_OPERATION_TIMEDOUT, "Connection timed out", true, false, 10, 1000,
		 VERITY_E_LOST, "the connection was lost after 10 of 1000 bytes", true},
		{CURLE_GOT_NOTHING, "Empty reply from server", false, false, 0, -1,
		 VERITY_E_LOST, "the server closed the connection without an answer",
		 true},
		{CURLE_RECV_ERROR, "Recv failure: Connection reset by peer", true, false,
		 5, -1, VERITY_E_LOST, "the connection was lost after 5 bytes", true},
		{CURLE_RECV_ERROR, "Recv failure: Connection reset by peer", true, false,
		 0, 9, VERITY_E_LOST,
		 "the connection was lost before the first byte: Recv failure: Connection reset by peer",
		 true},
		{CURLE_LOGIN_DENIED, "Access denied: 530", true, false, 0, -1,
		 VERITY_E_LOGIN, "the server refuses the login: Access denied: 530",
		 false},
		{CURLE_PEER_FAILED_VERIFICATION,
		 "SSL certificate problem: self-signed certificate", false, false, 0, -1,
		 VERITY_E_CERTIFICATE,
		 "the certificate of the server is not accepted: no authority that this "
		 "device trusts has signed it: SSL certificate problem: self-signed "
		 "certificate",
		 false},
		{CURLE_SSL_CONNECT_ERROR,
		 "OpenSSL/3.0.19: error:0A00042E:SSL routines::tlsv1 alert protocol "
		 "version",
		 false, false, 0, -1, VERITY_E_TRANSFER,
		 "the server supports no version of TLS from 1.2 on (update the server, or "
		 "use another protocol)",
		 false},
		{CURLE_SSL_CONNECT_ERROR, "sslv3 alert handshake failure", false, false,
		 0, -1, VERITY_E_TRANSFER,
		 "no TLS connection with the server is possible: sslv3 alert handshake "
		 "failure",
		 false},
		{CURLE_SSL_CONNECT_ERROR,
		 "OpenSSL/3.0.19: error:0A000102:SSL routines::unsupported protocol",
		 false, false, 0, -1, VERITY_E_TRANSFER,
		 "the server supports no version of TLS from 1.2 on (update the server, or "
		 "use another protocol)",
		 false},
		{CURLE_SSL_CONNECT_ERROR,
		 "OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number",
		 false, false, 0, -1, VERITY_E_TRANSFER,
		 "the server does not speak TLS on this port (check the protocol and the "
		 "port)",
		 false},
		{CURLE_RECV_ERROR, "Too large response headers: 400000 > 307200", true,
		 true, 0, -1, VERITY_E_TRANSFER, CURL_ERROR_TOO_LONG, false},
		{CURLE_RECV_ERROR, "Out of memory in chunked-encoding", true, true, 7, -1,
		 VERITY_E_TRANSFER, CURL_ERROR_TOO_LONG, false},
		{CURLE_RECV_ERROR, "Proxy CONNECT aborted", false, false, 0, -1,
		 VERITY_E_TRANSFER,
		 "the proxy ended the connection (check the proxy): Proxy CONNECT aborted",
		 false},
		/* There is enough: it is the code for a limit, too. */
		{CURLE_OUT_OF_MEMORY, "", false, false, 0, -1, VERITY_E_TRANSFER,
		 CURL_ERROR_TOO_LONG, false},
		{CURLE_FTP_ACCEPT_FAILED, "", true, false, 0, -1, VERITY_E_TRANSFER,
		 "the transfer failed: FTP: The server failed to connect to data port",
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct transfer transfer = {
			.handle = curl_easy_init(),
			.heard = cases[i].heard,
			.was_lost = cases[i].was_lost,
			.taken = cases[i].taken,
			.total = cases[i].total,
		};
		struct verity_error err = {0};

		strcpy(transfer.curl_words, cases[i].words);
		assert_true(curl_error(&transfer, cases[i].code, &err) < 0);
		check_error(&err, cases[i].expected, cases[i].message);
		assert_int_equal(transfer.lost, cases[i].lost);
		curl_easy_cleanup(transfer.handle);
	}
}

/* A device that does not know the date must hear of it by name. */
static void test_clock(void **state)
{
	struct transfer transfer = {.handle = curl_easy_init()};
	struct verity_error err = {0};
	time_t before = time(NULL) / 60, after;
	char expected[2][160], date[32];

	(void)state;
	strcpy(transfer.curl_words,
	       "SSL certificate problem: certificate is not yet valid");
	(void)!curl_error(&transfer, CURLE_PEER_FAILED_VERIFICATION, &err);
	after = time(NULL) / 60;
	for (size_t i = 0; i < 2; i++) {
		time_t at = (i ? after : before) * 60;

		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", gmtime(&at));
		snprintf(expected[i], sizeof(expected[i]),
			 "the server's certificate is not valid yet by this device's "
			 "clock, which shows %s UTC",
			 date);
	}
	check_error(&err, VERITY_E_CLOCK,
		    strcmp(err.message, expected[1]) ? expected[0] : expected[1]);
	curl_easy_cleanup(transfer.handle);
}

static void test_dates(void **state)
{
	static const struct {
		const char *words, *meaning;
	} cases[] = {
		{"SSL certificate problem: certificate has expired", "has expired"},
		{"server certificate expiration date has passed.", "has expired"},
		{"SSL certificate problem: certificate is not yet valid",
		 "is not valid yet"},
		{"server certificate not activated yet.", "is not valid yet"},
		{"SSL certificate problem: unable to get local issuer certificate", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *meaning = curl_error_clock(cases[i].words);

		if (cases[i].meaning)
			assert_string_equal(meaning, cases[i].meaning);
		else
			assert_null(meaning);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
