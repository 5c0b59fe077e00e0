/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keys and certificates for development: a root, a signer of packages and a signer of
 * unlock statements, each P-256 in PEM. What a product signs with belongs in an HSM.
 */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

enum verity_devkey {
	VERITY_DEVKEY_ROOT,
	VERITY_DEVKEY_SIGNER, /* of packages: codeSigning */
	VERITY_DEVKEY_UNLOCK,
	VERITY_DEVKEY_COUNT,
};

struct verity_devkeys;

/**
 * verity_devkeys_new - make all of them
 * @ret: set on success only; free with verity_devkeys_free()
 */
int verity_devkeys_new(struct verity_devkeys **ret, struct verity_error *err) must_check;

void verity_devkeys_free(struct verity_devkeys *keys);

DEFINE_CLEANUP(struct verity_devkeys, verity_devkeys_free);

/**
 * verity_devkeys_name - "root", "signer", "unlock"
 */
const char *verity_devkeys_name(enum verity_devkey which);

/**
 * verity_devkeys_pem - a private key and its certificate as PEM text
 * @ret_key, @ret_certificate: 0-terminated, set on success only; free()
 */
int verity_devkeys_pem(const struct verity_devkeys *keys, enum verity_devkey which,
		       char **ret_key, char **ret_certificate,
		       struct verity_error *err) must_check;
