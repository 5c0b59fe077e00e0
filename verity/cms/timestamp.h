/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Timestamps (RFC 3161): a token by which an authority confirms that it has seen a
 * signature at a time. It is an attribute of the signature that is not signed
 * (id-aa-timeStampToken), and is over the bytes of the signature.
 */

#include "verity/cms/cms.h"
#include "verity/cms/der.h"

/* What a token says. */
struct verity_cms_stamp {
	int64_t time; /* seconds since 1970; -1: no authority of the ring vouches for it
		       */
	char anchor[VERITY_KEYRING_NAME_MAX + 1];
};

/**
 * verity_cms_timestamp_check - the time that a token confirms
 * @token:      DER of a TimeStampToken
 * @signature:  the bytes that it must be over
 * @keyring:    NULL: no authority is trusted
 * @strange:    budget of operations for what leads nowhere; what is left of it
 * @signatures: gets the keys of an authority that is trusted
 *
 * The certificate of the authority is for time stamping, and was valid at the time that
 * it confirms. An authority that is not of the ring cannot be checked: its token counts
 * as none.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where it is malformed, over something else, or not
 * signed by the authority it names; -EKEYREJECTED (UNTRUSTED_SIGNER, WEAK_KEY) where that
 * is of the ring and must not confirm this; -ENOMEM.
 */
int verity_cms_timestamp_check(const struct verity_der *token,
			       const struct verity_der *signature,
			       const struct verity_keyring *keyring, unsigned *strange,
			       struct verity_signatures *signatures,
			       struct verity_cms_stamp *ret,
			       struct verity_error *err) must_check;
