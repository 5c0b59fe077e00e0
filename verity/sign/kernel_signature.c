/* SPDX-License-Identifier: MIT */

/* Signing a root hash for the kernel's own check. */

#include "verity/sign/kernel_signature.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cms/openssl.h"
#include "verity/sign/signing_key_private.h"
#include "verity/util/hex.h"

#define SIGN_FLAGS                                                                       \
	(PKCS7_PARTIAL | PKCS7_BINARY | PKCS7_DETACHED | PKCS7_NOATTR | PKCS7_NOCERTS)

DEFINE_CLEANUP(PKCS7, PKCS7_free);

int verity_kernel_sign(const uint8_t root_hash[static VERITY_DIGEST_BYTES],
		       const struct verity_signing_key *key, uint8_t **ret,
		       size_t *ret_bytes, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *content = NULL;
	cleanup_with(PKCS7_free_p) PKCS7 *pkcs7 = NULL;
	char text[2 * VERITY_DIGEST_BYTES + 1];
	cleanup_free uint8_t *der = NULL;
	unsigned char *next;
	int size;

	ERR_clear_error();
	if (!EVP_PKEY_is_a(key->key, "RSA") && !EVP_PKEY_is_a(key->key, "EC"))
		return verity_fail(err, VERITY_E_KEY,
				   "kernels take RSA and EC keys, and this is neither");
	verity_hex_encode(root_hash, VERITY_DIGEST_BYTES, text);
	content = BIO_new_mem_buf(text, (int)strlen(text));
	pkcs7 = content ? PKCS7_sign(NULL, NULL, NULL, content, SIGN_FLAGS) : NULL;
	if (!pkcs7 ||
	    !PKCS7_sign_add_signer(pkcs7, key->certificate, key->key,
				   verity_signing_key_digest(key), SIGN_FLAGS) ||
	    !PKCS7_final(pkcs7, content, SIGN_FLAGS) ||
	    (size = i2d_PKCS7(pkcs7, NULL)) < 0)
		return verity_fail_openssl(err, VERITY_E_KEY, "signing failed");
	next = der = malloc((size_t)size);
	if (!der)
		return verity_no_memory(err);
	i2d_PKCS7(pkcs7, &next);
	*ret_bytes = (size_t)size;
	*ret = steal_ptr(&der);
	return 0;
}
