/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The signature that the kernel itself checks before it sets a dm-verity device up:
 * detached PKCS #7 in DER over the root hash in lower-case hex, without attributes and
 * certificates; the key is one of the kernel's trusted key ring. What `veritysetup open
 * --root-hash-signature` takes. Source: Linux
 * Documentation/admin-guide/device-mapper/verity.rst, root_hash_sig_key_desc.
 */

#include "verity/hashtree/tree.h"
#include "verity/sign/signing_key.h"

#include <stdint.h>

/**
 * verity_kernel_sign - sign a root hash for the kernel
 * @ret: DER, set on success only; free()
 *
 * RSA keys sign as PKCS #1 v1.5 has it, since kernels know no other.
 *
 * Return: 0; -EINVAL (KEY) where the key is neither RSA nor EC, or OpenSSL refuses.
 */
int verity_kernel_sign(const uint8_t root_hash[static VERITY_DIGEST_BYTES],
		       const struct verity_signing_key *key, uint8_t **ret,
		       size_t *ret_bytes, struct verity_error *err) must_check;
