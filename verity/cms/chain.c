/* SPDX-License-Identifier: MIT */
#include "verity/cms/chain.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "verity/cms/key.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/certificate.h"
#include "verity/cms/signer.h"
#include "verity/util/cleanup.h"

#define CHAIN_DEPTH_MAX 8
#define AUTH_LEVEL      2   /* OpenSSL's: keys of 112 bits of strength, no SHA-1 */
#define NAME_BYTES      128 /* of a certificate's name in a message */

DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free);

static void stack_free_p(STACK_OF(X509) * *certificates)
{
	sk_X509_free(*certificates);
}

static int fail_memory(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

/* "the signer's key has 1024 bits, …"; above it, whose key it is. */
static int fail_key(X509_STORE_CTX *context, struct verity_error *err)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(context);
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	int minimum = verity_cms_key_bits_min(key);
	char whose[NAME_BYTES + 32] = "the signer's key", name[NAME_BYTES];

	if (X509_STORE_CTX_get_error_depth(context) > 0) {
		verity_cms_print_name(X509_get_subject_name(certificate), name,
				      sizeof(name));
		snprintf(whose, sizeof(whose), "the key of '%s'", name);
	}
	if (minimum == 0)
		return verity_fail(err, VERITY_E_WEAK_KEY, "%s is too weak", whose);
	return verity_fail(err, VERITY_E_WEAK_KEY,
			   "%s has %d bits, under the %d that are asked for", whose,
			   EVP_PKEY_get_bits(key), minimum);
}

static int fail_digest(X509_STORE_CTX *context, struct verity_error *err)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(context);
	char name[NAME_BYTES];
	int nid = NID_undef;

	verity_cms_print_name(X509_get_subject_name(certificate), name, sizeof(name));
	X509_get_signature_info(certificate, &nid, NULL, NULL, NULL);
	if (nid == NID_undef)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the certificate of '%s' is signed with an unknown "
				   "algorithm",
				   name);
	return verity_fail(err, VERITY_E_WEAK_KEY,
			   "the certificate of '%s' is signed with %s, which is too weak",
			   name, OBJ_nid2sn(nid));
}

static int fail_chain(X509_STORE_CTX *context, struct verity_error *err)
{
	int reason = X509_STORE_CTX_get_error(context);

	ERR_clear_error();
	switch (reason) {
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		return fail_key(context, err);
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return fail_digest(context, err);
	case X509_V_ERR_OUT_OF_MEM:
		return fail_memory(err);
	default:
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the signer does not chain to a key of this device: %s",
			X509_verify_cert_error_string(reason));
	}
}

/* One way to build the chain. @anchor: the only one to end in; NULL: any of the ring. */
static int build(const struct verity_cms_trust *trust, STACK_OF(X509) * enclosed,
		 STACK_OF(X509) * anchor, X509 *certificate, int64_t when,
		 X509_STORE_CTX *context, struct verity_error *err)
{
	X509_VERIFY_PARAM *param;

	X509_STORE_CTX_cleanup(context);
	if (X509_STORE_CTX_init(context, verity_keyring_store(trust->keyring),
				certificate, enclosed) != 1)
		return fail_memory(err);
	if (anchor)
		X509_STORE_CTX_set0_trusted_stack(context, anchor);
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(param, (time_t)when);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* Whatever is in the key ring is an anchor, an intermediate as well as a root. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(context) != 1)
		return fail_chain(context, err);
	return 0;
}

static bool has_namesake(STACK_OF(X509) * certificates, int which)
{
	const X509_NAME *name = X509_get_subject_name(sk_X509_value(certificates, which));

	for (int i = 0; i < sk_X509_num(certificates); i++)
		if (i != which &&
		    X509_NAME_cmp(X509_get_subject_name(sk_X509_value(certificates, i)),
				  name) == 0)
			return true;
	return false;
}

static STACK_OF(X509) * reversed(STACK_OF(X509) * certificates)
{
	STACK_OF(X509) *ret = sk_X509_new_null();

	for (int i = sk_X509_num(certificates) - 1; ret && i >= 0; i--)
		if (sk_X509_push(ret, sk_X509_value(certificates, i)) <= 0) {
			sk_X509_free(ret);
			return NULL;
		}
	return ret;
}

/*
 * OpenSSL takes the first certificate whose name fits for the issuer, and does not come
 * back to the second: an old and a new root of one name, an intermediate that both
 * roots have signed. So those are tried one by one. The reason of the first attempt
 * stays.
 */
static int build_any(const struct verity_cms_trust *trust, X509 *certificate,
		     int64_t when, X509_STORE_CTX *context, struct verity_error *err)
{
	STACK_OF(X509) *ring = verity_keyring_certificates(trust->keyring);
	cleanup_with(stack_free_p) STACK_OF(X509) *other = reversed(trust->enclosed);
	cleanup_with(stack_free_p) STACK_OF(X509) *anchor = sk_X509_new_reserve(NULL, 1);
	int r = build(trust, trust->enclosed, NULL, certificate, when, context, err);

	if (r != -EKEYREJECTED)
		return r;
	if (!other || !anchor)
		return fail_memory(err);
	if (build(trust, other, NULL, certificate, when, context, NULL) == 0)
		return 0;
	for (int i = 0; i < sk_X509_num(ring); i++) {
		if (!has_namesake(ring, i))
			continue;
		sk_X509_zero(anchor);
		sk_X509_push(anchor, sk_X509_value(ring, i));
		if (build(trust, trust->enclosed, anchor, certificate, when, context,
			  NULL) == 0)
			return 0;
	}
	return r;
}

int verity_cms_chain_check(const struct verity_cms_trust *trust, X509 *certificate,
			   int64_t when, struct verity_signatures *signatures,
			   char ret_anchor[static VERITY_KEYRING_NAME_MAX + 1],
			   struct verity_error *err)
{
	cleanup_with(X509_STORE_CTX_free_p) X509_STORE_CTX *context =
		X509_STORE_CTX_new();
	STACK_OF(X509) * chain;
	const char *anchor;
	int r;

	if (!context)
		return fail_memory(err);
	r = build_any(trust, certificate, when, context, err);
	if (r < 0)
		return r;
	chain = X509_STORE_CTX_get0_chain(context);
	for (int i = 0; r == 0 && i < sk_X509_num(chain); i++)
		r = verity_cms_add_key(sk_X509_value(chain, i), signatures, err);
	if (r == 0)
		r = verity_cms_purpose_check(chain, trust->purpose, err);
	if (r < 0)
		return r;
	anchor = verity_keyring_file(trust->keyring,
				     sk_X509_value(chain, sk_X509_num(chain) - 1));
	snprintf(ret_anchor, VERITY_KEYRING_NAME_MAX + 1, "%s", anchor ? anchor : "?");
	return 0;
}
