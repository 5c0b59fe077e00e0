/* SPDX-License-Identifier: MIT */

/* Errors: a code, a message, and what the one table of error.h says of each code. */

#include "verity/util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/debug.h"

static const struct {
	const char *name;
	int errno_value;
	enum exit_status exit_status;
	const char *hint;
} codes[] = {[VERITY_OK] = {"ok", 0, STATUS_DONE, NULL},
#define X(code, name, errno_value, exit_status, meaning, hint)                           \
	[VERITY_E_##code] = {name, errno_value, exit_status, hint},
	     VERITY_ERRORS(X)
#undef X
};

#define CODE_COUNT (sizeof(codes) / sizeof(codes[0]))

const char *verity_code_name(enum verity_code code)
{
	return (size_t)code < CODE_COUNT ? codes[code].name : "unknown";
}

enum exit_status verity_code_exit_status(enum verity_code code)
{
	return (size_t)code < CODE_COUNT ? codes[code].exit_status : STATUS_FAILED;
}

const char *verity_code_hint(enum verity_code code)
{
	return (size_t)code < CODE_COUNT ? codes[code].hint : NULL;
}

static enum verity_code code_of(int errno_value)
{
	switch (errno_value) {
	case ENOMEM:
		return VERITY_E_NO_MEMORY;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return VERITY_E_NO_ROOM;
	case ENOENT:
		return VERITY_E_NOT_FOUND;
	case EACCES:
	case EPERM:
		return VERITY_E_PERMISSION;
	case EROFS:
		return VERITY_E_READ_ONLY;
	default:
		return VERITY_E_IO;
	}
}

int verity_fail(struct verity_error *err, enum verity_code code, const char *format, ...)
{
	char debug[VERITY_MESSAGE_MAX];
	char *message = err ? err->message : debug;
	va_list args;

	if (err)
		err->code = code;
	va_start(args, format);
	vsnprintf(message, VERITY_MESSAGE_MAX, format, args);
	va_end(args);
	verity_debug("failed (%s): %s", verity_code_name(code), message);
	return (size_t)code < CODE_COUNT ? -codes[code].errno_value : -EIO;
}

int verity_no_memory(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

const char *verity_errno_text(int errno_value, char *text, size_t size)
{
	errno = errno_value;
	snprintf(text, size, "%m");
	return text;
}

int verity_fail_errno(struct verity_error *err, int errno_value, const char *format, ...)
{
	char what[VERITY_MESSAGE_MAX];
	char why[128];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	/* No package that is removed helps. */
	verity_fail(err, code_of(errno_value), "%s: %s%s", what,
		    verity_errno_text(errno_value, why, sizeof(why)),
		    errno_value == EFBIG
			    ? " (raise the limit on the size of files, ulimit "
			      "-f, or that of the file system)"
			    : "");
	return -errno_value;
}

int verity_context(struct verity_error *err, int ret, const char *format, ...)
{
	char why[VERITY_MESSAGE_MAX];
	char where[VERITY_MESSAGE_MAX];
	va_list args;

	if (err) {
		memcpy(why, err->message, sizeof(why));
		va_start(args, format);
		vsnprintf(where, sizeof(where), format, args);
		va_end(args);
		snprintf(err->message, sizeof(err->message), "%s: %s", where, why);
	}
	return ret;
}
