/* SPDX-License-Identifier: MIT */

/* OpenSSL's error queue as a message. */

#include "verity/cms/openssl.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
