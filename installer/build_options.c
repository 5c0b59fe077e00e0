/* SPDX-License-Identifier: MIT */
#include "installer/build_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int build_parse_integer(const char *option, const char *text, int64_t min, int64_t max,
			int64_t *ret, struct verity_error *err)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end || number < min || number > max)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: '%s' is not a whole number from %" PRId64
				   " to %" PRId64,
				   option, text, min, max);
	*ret = number;
	return 0;
}

int build_parse_padding(const char *text, enum verity_rsa_padding *ret,
			struct verity_error *err)
{
	if (strcmp(text, "pss") == 0)
		*ret = VERITY_RSA_PSS;
	else if (strcmp(text, "pkcs1") == 0)
		*ret = VERITY_RSA_PKCS1;
	else
		return verity_fail(err, VERITY_E_USAGE,
				   "--rsa-padding: '%s' is not pss or pkcs1", text);
	return 0;
}

int build_source_date(int64_t *ret, struct verity_error *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");

	if (!text || !*text) {
		*ret = -1;
		return 0;
	}
	/* squashfs has 32 bits for a time. */
	return build_parse_integer("SOURCE_DATE_EPOCH", text, 0, UINT32_MAX, ret, err);
}
