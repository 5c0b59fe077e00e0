/* SPDX-License-Identifier: MIT */

/* OpenSSL's error queue as a message, and its times as numbers. */

#include "verity/cms/openssl.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int verity_fail_openssl(struct verity_error *err, enum verity_code code,
			const char *format, ...)
{
	char what[VERITY_MESSAGE_MAX / 2], reasons[VERITY_MESSAGE_MAX / 2] = "";
	unsigned long number;
	size_t used = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	/* Oldest first, each once. */
	while ((number = ERR_get_error()) != 0) {
		const char *reason = ERR_reason_error_string(number);

		if (reason && used < sizeof(reasons) && !strstr(reasons, reason))
			used += (size_t)snprintf(reasons + used, sizeof(reasons) - used,
						 "%s%s", used ? ", " : ": ", reason);
	}
	return verity_fail(err, code, "%s%s", what, reasons);
}

bool verity_asn1_time_get(const ASN1_TIME *time, int64_t *ret)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return false;
	*ret = timegm(&tm);
	return true;
}

bool verity_asn1_time_set(ASN1_TIME *time, int64_t when)
{
	time_t seconds = when;
	struct tm tm;
	char text[32];

	/* a GeneralizedTime becomes a UTCTime where that can be */
	return gmtime_r(&seconds, &tm) &&
	       strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) ==
		       strlen("20491231235959Z") &&
	       ASN1_TIME_set_string_X509(time, text) == 1;
}
