/* SPDX-License-Identifier: MIT */
#pragma once

/* The options that several commands of wmopkg-build take. */

#include "verity/cms.h"

#include <stdint.h>

/* Who signs, as it stands on the command line; all borrowed, NULL where not given. */
struct build_signing {
	const char *key;
	const char *cert;
	const char *chain;
	char *pin_file; /* of the PIN or passphrase */
	int64_t when;   /* seconds since 1970; -1: now */
	enum verity_rsa_padding rsa_padding;
};

/**
 * build_parse_integer - a whole decimal number between @min and @max
 *
 * Return: 0; -EINVAL with the option's name in the message.
 */
int build_parse_integer(const char *option, const char *text, int64_t min, int64_t max,
			int64_t *ret, struct verity_error *err) must_check;

/**
 * build_parse_padding - the value of --rsa-padding
 */
int build_parse_padding(const char *text, enum verity_rsa_padding *ret,
			struct verity_error *err) must_check;

/**
 * build_source_date - SOURCE_DATE_EPOCH
 * @ret: seconds since 1970; -1 where it is not set
 */
int build_source_date(int64_t *ret, struct verity_error *err) must_check;

/**
 * build_sign_manifest - the signature over a manifest
 * @ret: DER, set on success alone; free(); NULL where @signing names no key
 */
int build_sign_manifest(const struct build_signing *signing, const char *manifest,
			size_t manifest_bytes, uint8_t **ret, size_t *ret_bytes,
			struct verity_error *err) must_check;
