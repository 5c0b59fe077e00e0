/* SPDX-License-Identifier: MIT */
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verity/cms/keyring_private.h"

/* The reasons of the queue, oldest first; the queue is empty after it. */
static void drain(char *ret, size_t size)
{
	unsigned long code;
	size_t used = 0;

	ret[0] = '\0';
	while ((code = ERR_get_error()) != 0) {
		const char *reason = ERR_reason_error_string(code);

		if (!reason || used >= size || strstr(ret, reason))
			continue;
		used += (size_t)snprintf(ret + used, size - used, "%s%s",
					 used ? ", " : "", reason);
	}
}

int verity_fail_openssl(struct verity_error *err, enum verity_code code,
			const char *format, ...)
{
	char what[VERITY_MESSAGE_MAX / 2];
	char queue[VERITY_MESSAGE_MAX / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	drain(queue, sizeof(queue));
	if (!queue[0])
		return verity_fail(err, code, "%s", what);
	return verity_fail(err, code, "%s: %s", what, queue);
}
