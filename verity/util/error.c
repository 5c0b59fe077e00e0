/* SPDX-License-Identifier: MIT */
#include "verity/util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/debug.h"

static const struct {
	const char *name;
	const char *meaning;
	const char *hint;
} codes[] = {[VERITY_OK] = {"ok", "", NULL},
#define X(code, name_, meaning_, hint_) [VERITY_E_##code] = {name_, meaning_, hint_},
	     VERITY_ERRORS(X)
#undef X
};

#define CODE_COUNT (sizeof(codes) / sizeof(codes[0]))

const char *verity_code_name(enum verity_code code)
{
	return (size_t)code < CODE_COUNT ? codes[code].name : "unknown";
}

enum verity_code verity_code_from_name(const char *name)
{
	for (size_t i = 0; i < CODE_COUNT; i++)
		if (strcmp(codes[i].name, name) == 0)
			return (enum verity_code)i;
	return VERITY_OK;
}

const char *verity_code_meaning(enum verity_code code)
{
	return (size_t)code < CODE_COUNT ? codes[code].meaning : "";
}

const char *verity_code_hint(enum verity_code code)
{
	return (size_t)code < CODE_COUNT ? codes[code].hint : NULL;
}

static int errno_of(enum verity_code code)
{
	switch (code) {
	case VERITY_OK:
		return 0;
	case VERITY_E_NO_MEMORY:
		return -ENOMEM;
	case VERITY_E_USAGE:
	case VERITY_E_CONFIG:
	case VERITY_E_NOT_A_FILE:
	case VERITY_E_BAD_NAME:
	case VERITY_E_BAD_TREE:
	case VERITY_E_KEYRING:
	case VERITY_E_KEY:
	case VERITY_E_PIN:
		return -EINVAL;
	case VERITY_E_NOT_FOUND:
	case VERITY_E_NO_MEDIUM:
		return -ENOENT;
	case VERITY_E_BAD_MAGIC:
	case VERITY_E_BAD_SIZES:
	case VERITY_E_BAD_LENGTH:
	case VERITY_E_BAD_PADDING:
	case VERITY_E_BAD_MANIFEST:
	case VERITY_E_UNKNOWN_FEATURE:
	case VERITY_E_BAD_SIGNATURE:
	case VERITY_E_BAD_STATEMENT:
	case VERITY_E_WRONG_TYPE:
	case VERITY_E_AUDIT:
	case VERITY_E_TREE_MISMATCH:
	case VERITY_E_IMAGE_MISMATCH:
	case VERITY_E_BAD_IMAGE:
		return -EBADMSG;
	case VERITY_E_NO_SIGNATURE:
	case VERITY_E_UNTRUSTED_SIGNER:
	case VERITY_E_WEAK_KEY:
	case VERITY_E_MISSING_SIGNER:
		return -EKEYREJECTED;
	case VERITY_E_REVOKED:
		return -EKEYREVOKED;
	case VERITY_E_WRONG_MODEL:
	case VERITY_E_WRONG_FIRMWARE:
	case VERITY_E_DOWNGRADE:
	case VERITY_E_QUARANTINED:
	case VERITY_E_WRONG_DEVICE:
	case VERITY_E_EXPIRED:
	case VERITY_E_OLD_DENYLIST:
	case VERITY_E_LOCKED:
		return -EPERM;
	case VERITY_E_PERMISSION:
		return -EACCES;
	case VERITY_E_READ_ONLY:
		return -EROFS;
	case VERITY_E_INTERRUPTED:
		return -EINTR;
	case VERITY_E_NO_ROOM:
		return -ENOSPC;
	case VERITY_E_OTHER_NAME:
		return -EEXIST;
	case VERITY_E_BUSY:
		return -EBUSY;
	case VERITY_E_TRANSFER:
	case VERITY_E_LOST:
	case VERITY_E_LOGIN:
	case VERITY_E_CERTIFICATE:
	case VERITY_E_HOST_KEY:
	case VERITY_E_CLOCK:
		return -ECOMM;
	case VERITY_E_KERNEL_FEATURE:
	case VERITY_E_UNSUPPORTED:
	case VERITY_E_MISPLACED:
		return -EOPNOTSUPP;
	case VERITY_E_TIMED_OUT:
		return -ETIMEDOUT;
	case VERITY_E_TOO_MANY:
		return -E2BIG;
	case VERITY_E_IO:
	case VERITY_E_DEVICE:
	case VERITY_E_MOUNT:
	case VERITY_E_STACK:
	case VERITY_E_DISABLED:
	case VERITY_E_SAFE_MODE:
	case VERITY_E_KERNEL_SIGNATURE:
		break;
	}
	return -EIO;
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
	if (err || verity_debug_on()) {
		va_start(args, format);
		vsnprintf(message, VERITY_MESSAGE_MAX, format, args);
		va_end(args);
		verity_debug("failed (%s): %s", verity_code_name(code), message);
	}
	return errno_of(code);
}

int verity_fail_errno(struct verity_error *err, int errno_value, const char *format, ...)
{
	char what[VERITY_MESSAGE_MAX];
	char why[128];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	verity_fail(err, code_of(errno_value), "%s: %s", what,
		    strerror_r(errno_value, why, sizeof(why)));
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
