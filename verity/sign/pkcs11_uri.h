/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * PKCS #11 URIs (RFC 7512), split as far as needed here: what names an object is
 * left to the token's driver. Pure.
 */

#include "verity/util/error.h"

#define VERITY_PKCS11_URI_MAX 1024 /* bytes */

/* Plain data. */
struct verity_pkcs11_uri {
	char object[VERITY_PKCS11_URI_MAX];   /* the URI without the two below */
	char module[VERITY_PKCS11_URI_MAX];   /* module-path; "" where not said */
	char pin_file[VERITY_PKCS11_URI_MAX]; /* of pin-source; "" where not said */
};

/**
 * verity_pkcs11_uri_is - whether @text is meant as one: it begins with "pkcs11:"
 */
bool verity_pkcs11_uri_is(const char *text);

/**
 * verity_pkcs11_uri_parse - split one
 *
 * Return: 0; -EINVAL (USAGE) where it is too long or not well-formed, holds a PIN
 * (pin-value), or has a pin-source that is not a file. No message repeats a PIN.
 */
int verity_pkcs11_uri_parse(const char *text, struct verity_pkcs11_uri *ret,
			    struct verity_error *err) must_check;
