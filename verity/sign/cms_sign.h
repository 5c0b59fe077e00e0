/* SPDX-License-Identifier: MIT */
#pragma once

/* Making CMS signatures (RFC 5652): detached, DER, with signed attributes. */

#include "verity/sign/signing_key.h"

#include <stddef.h>
#include <stdint.h>

/**
 * verity_cms_sign - sign @data
 * @when: signing time, seconds since 1970
 * @ret:  DER, set on success only; free()
 *
 * With SHA-384 where the key is P-384, SHA-512 where it is P-521, SHA-256 else. Not with
 * an Ed25519 key: OpenSSL 3.0 has no CMS for it. The strength of the key is
 * the verifier's to judge.
 *
 * Return: 0; -EINVAL (KEY) where the key cannot sign, OpenSSL refuses or the result
 * passes VERITY_SIGNATURE_MAX.
 */
int verity_cms_sign(const void *data, size_t data_bytes,
		    const struct verity_signing_key *key, int64_t when, uint8_t **ret,
		    size_t *ret_bytes, struct verity_error *err) must_check;

/**
 * verity_cms_add - sign @data beside its earlier signers
 * @present: their signature, DER
 * @when:    signing time, seconds since 1970
 * @ret:     all of them, DER, set on success only; free()
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where @present does not cover @data; -EINVAL (KEY)
 * as verity_cms_sign(), where the key's certificate has signed already, and where
 * VERITY_SIGNERS_MAX have.
 */
int verity_cms_add(const void *data, size_t data_bytes, const void *present,
		   size_t present_bytes, const struct verity_signing_key *key,
		   int64_t when, uint8_t **ret, size_t *ret_bytes,
		   struct verity_error *err) must_check;

/**
 * verity_cms_der - the DER encoding of a CMS that another program wrote in BER or PEM
 * @ret: set on success only; free()
 *
 * NSS (cmsutil) and gpgsm write lengths that are not known beforehand as indefinite.
 * Whether the result is a signature is not checked.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where it is no CMS.
 */
int verity_cms_der(const void *ber, size_t ber_bytes, uint8_t **ret, size_t *ret_bytes,
		   struct verity_error *err) must_check;
