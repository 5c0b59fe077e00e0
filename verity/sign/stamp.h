/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Getting a timestamp (RFC 3161) for a signature that has none: the query for an
 * authority, and its response put into the signature. How the bytes get there and back is
 * not our business.
 */

#include "verity/util/error.h"

#include <stddef.h>
#include <stdint.h>

#define VERITY_TIMESTAMP_RESPONSE_MAX 65536 /* bytes */

/**
 * verity_timestamp_query - the query for the first signer that has no timestamp
 * @ret: DER of a TimeStampReq: SHA-256, with the certificate of the authority, without a
 *       nonce, so that one signature has one query; set on success only; free()
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE); -EINVAL (KEY) where each signer has a timestamp.
 */
int verity_timestamp_query(const void *signature, size_t bytes, uint8_t **ret,
			   size_t *ret_bytes, struct verity_error *err) must_check;

/**
 * verity_timestamp_add - put the response into the signature that it is for
 * @response: DER of a TimeStampResp
 * @ret:      the whole signature, DER, set on success only; free()
 *
 * Whether a device will trust the authority is not checked.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where @signature or the token in the response is
 * malformed; -EINVAL (KEY) where the authority has refused, or the response is for
 * another signature, or for one that has a timestamp.
 */
int verity_timestamp_add(const void *signature, size_t bytes, const void *response,
			 size_t response_bytes, uint8_t **ret, size_t *ret_bytes,
			 struct verity_error *err) must_check;
