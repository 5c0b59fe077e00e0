/* SPDX-License-Identifier: MIT */
#pragma once

/* The options that several commands of wmopkg-build take. */

#include "verity/sign/signing_key.h"

#include <stdint.h>

/* What a certificate must be for, so that nobody hands out what every device refuses. */
enum build_use {
	BUILD_USE_ANY,     /* not asked */
	BUILD_USE_PACKAGE, /* warned of: with Allow Untrusted a device takes it */
	BUILD_USE_DENYLIST,
	BUILD_USE_UNLOCK,
};

/* Who signs, as it stands on the command line; all borrowed, NULL where not given. */
struct build_signing {
	const char *key;
	const char *cert;
	const char *chain;
	char *pin_file; /* of the PIN or passphrase */
	int64_t when;   /* seconds since 1970; -1: now */
	enum verity_rsa_padding rsa_padding;
	enum build_use use; /* not on the command line */
};

/* The options that say who signs, for the list of getopt_long(). */
#define BUILD_SIGNING_OPTIONS                                                            \
	{"key", required_argument, NULL, BUILD_OPTION_KEY},                              \
		{"cert", required_argument, NULL, BUILD_OPTION_CERT},                    \
		{"chain", required_argument, NULL, BUILD_OPTION_CHAIN},                  \
		{"pin-file", required_argument, NULL, BUILD_OPTION_PIN_FILE},            \
		{"signing-time", required_argument, NULL, BUILD_OPTION_SIGNING_TIME},    \
	{                                                                                \
		"rsa-padding", required_argument, NULL, BUILD_OPTION_RSA_PADDING         \
	}

enum build_option {
	BUILD_OPTION_KEY = 1024,
	BUILD_OPTION_CERT,
	BUILD_OPTION_CHAIN,
	BUILD_OPTION_PIN_FILE,
	BUILD_OPTION_SIGNING_TIME,
	BUILD_OPTION_RSA_PADDING,
};

/**
 * build_fail_option - what to say where getopt_long() does not take an option
 * @argv: of the command, whose name is the first; the option is the last that was read
 *
 * Return: -EINVAL.
 */
int build_fail_option(char *const *argv, struct verity_error *err) must_check;

/**
 * build_take_signing - take one of BUILD_SIGNING_OPTIONS, whose value is optarg
 * @argv: as for build_fail_option()
 *
 * Return: 0; -EINVAL, also where @option is none of them.
 */
int build_take_signing(struct build_signing *signing, char *const *argv, int option,
		       struct verity_error *err) must_check;

/**
 * build_check_signing - whether the options of who signs go together: nobody, or a key
 * and its certificate
 */
int build_check_signing(const struct build_signing *signing, const char *command,
			struct verity_error *err) must_check;

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
