/* SPDX-License-Identifier: MIT */
#include "installer/build_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "installer/secret.h"
#include "verity/cleanup.h"

DEFINE_CLEANUP(struct verity_signing_key, verity_signing_key_free);

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

int build_sign_manifest(const struct build_signing *signing, const char *manifest,
			size_t manifest_bytes, uint8_t **ret, size_t *ret_bytes,
			struct verity_error *err)
{
	const struct verity_secrets secrets = {secret_ask, signing->pin_file};
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key = NULL;
	int64_t when = signing->when >= 0 ? signing->when : (int64_t)time(NULL);
	int r;

	if (!signing->key) {
		*ret = NULL;
		*ret_bytes = 0;
		return 0;
	}
	r = verity_signing_key_load(signing->key, signing->cert, signing->chain, &secrets,
				    &key, err);
	if (r < 0)
		return r;
	verity_signing_key_set_padding(key, signing->rsa_padding);
	return verity_cms_sign(manifest, manifest_bytes, key, when, ret, ret_bytes, err);
}
