/* SPDX-License-Identifier: MIT */
#include "installer/build/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/statement/floors.h"

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

int build_fail_option(char *const *argv, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_USAGE,
			   "%s: '%s' is unknown or lacks its value (see 'wmopkg-build "
			   "help')",
			   argv[0], argv[optind - 1]);
}

int build_take_signing(struct build_signing *signing, char *const *argv, int option,
		       struct verity_error *err)
{
	switch (option) {
	case BUILD_OPTION_KEY:
		signing->key = optarg;
		return 0;
	case BUILD_OPTION_CERT:
		signing->cert = optarg;
		return 0;
	case BUILD_OPTION_CHAIN:
		signing->chain = optarg;
		return 0;
	case BUILD_OPTION_PIN_FILE:
		signing->pin_file = optarg;
		return 0;
	case BUILD_OPTION_SIGNING_TIME:
		return build_parse_integer("--signing-time", optarg, 0, VERITY_TIME_MAX,
					   &signing->when, err);
	case BUILD_OPTION_RSA_PADDING:
		return build_parse_padding(optarg, &signing->rsa_padding, err);
	default:
		return build_fail_option(argv, err);
	}
}

int build_check_signing(const struct build_signing *signing, const char *command,
			struct verity_error *err)
{
	if (!signing->key != !signing->cert)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: --key and --cert go together", command);
	if (!signing->key && (signing->chain || signing->pin_file || signing->when >= 0))
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: options of a signature, and no --key", command);
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
