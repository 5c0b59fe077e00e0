/* SPDX-License-Identifier: MIT */

/* Building the chain of a signer with OpenSSL, and what its certificates must be for. */

#include "verity/cms/chain.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "verity/cms/certificate.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"

#define CHAIN_DEPTH_MAX 8
#define AUTH_LEVEL      2   /* OpenSSL's: keys of 112 bits of strength, no SHA-1 */
#define NAME_BYTES      128 /* of a certificate's name in a message */

DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free);

int verity_cms_add_key_id(const uint8_t id[static VERITY_KEY_ID_BYTES],
			  struct verity_signatures *signatures, struct verity_error *err)
{
	for (size_t i = 0; i < signatures->key_id_count; i++)
		if (memcmp(signatures->key_ids[i], id, VERITY_KEY_ID_BYTES) == 0)
			return 0;
	if (signatures->key_id_count == VERITY_KEY_IDS_MAX)
		return verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: too many certificates take part in it, over the limit of %d",
			VERITY_KEY_IDS_MAX);
	memcpy(signatures->key_ids[signatures->key_id_count++], id, VERITY_KEY_ID_BYTES);
	return 0;
}

int verity_cms_add_key(X509 *certificate, struct verity_signatures *signatures,
		       struct verity_error *err)
{
	uint8_t id[VERITY_KEY_ID_BYTES];

	if (!verity_certificate_key_id(certificate, id))
		return verity_fail_openssl(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: a certificate has no readable key");
	return verity_cms_add_key_id(id, signatures, err);
}

static int no_chain(int reason, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
			   "the signer does not chain to a key of this device: %s",
			   X509_verify_cert_error_string(reason));
}

/* Says of a weak key or digest whose it is. */
static int fail_chain(X509_STORE_CTX *context, struct verity_error *err)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(context);
	int reason = X509_STORE_CTX_get_error(context);
	EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
	char name[NAME_BYTES] = "", whose[NAME_BYTES + 32] = "the signer's key";
	int digest = NID_undef, bits_min = verity_key_bits_min(key);

	ERR_clear_error();
	if (certificate)
		verity_certificate_name(certificate, name, sizeof(name));
	if (X509_STORE_CTX_get_error_depth(context) > 0)
		snprintf(whose, sizeof(whose), "the key of '%s'", name);
	switch (reason) {
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
		if (bits_min == 0)
			return verity_fail(err, VERITY_E_WEAK_KEY, "%s is too weak",
					   whose);
		return verity_fail(err, VERITY_E_WEAK_KEY,
				   "%s has %d bits, the minimum is %d", whose,
				   EVP_PKEY_get_bits(key), bits_min);
	case X509_V_ERR_CA_MD_TOO_WEAK:
		X509_get_signature_info(certificate, &digest, NULL, NULL, NULL);
		if (digest == NID_undef)
			return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
					   "the certificate of '%s' is signed with an "
					   "unknown algorithm",
					   name);
		return verity_fail(
			err, VERITY_E_WEAK_KEY,
			"the certificate of '%s' is signed with %s, which is too weak",
			name, OBJ_nid2sn(digest));
	case X509_V_ERR_APPLICATION_VERIFICATION:
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER, VERITY_CMS_NOT_CHECKED,
				   VERITY_CMS_STRANGE_MAX);
	case X509_V_ERR_OUT_OF_MEM:
		return verity_no_memory(err);
	default:
		return no_chain(reason, err);
	}
}

struct links {
	struct verity_cms_work *work;
	int64_t when;
};

/*
 * In the place of OpenSSL's internal_verify(), and with the same result, from the anchor
 * downwards: signature of each link, validity of each certificate. But here each link is
 * verified once for all signers, and within the budget. The signature on the anchor
 * itself proves nothing: what makes it one is that it is in the ring.
 */
static int check_links(X509_STORE_CTX *context)
{
	const struct links *links = X509_STORE_CTX_get_app_data(context);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
	int last = sk_X509_num(chain) - 1;

	for (int i = last; i >= 0; i--) {
		X509 *certificate = sk_X509_value(chain, i);
		int reason = i == last
				     ? X509_V_OK
				     : verity_cms_work_link(links->work, certificate,
							    sk_X509_value(chain, i + 1));

		if (reason == X509_V_OK)
			reason = verity_certificate_check_time(certificate, links->when);
		if (reason == X509_V_OK)
			continue;
		X509_STORE_CTX_set_error(context, reason);
		X509_STORE_CTX_set_error_depth(context, i);
		X509_STORE_CTX_set_current_cert(context, certificate);
		return 0;
	}
	return 1;
}

/* One way to build the chain. @anchor: the only one to end in; NULL: any of the ring. */
static int build(const struct verity_cms_trust *trust, STACK_OF(X509) * enclosed,
		 STACK_OF(X509) * anchor, X509 *certificate, int64_t when,
		 X509_STORE_CTX *context, struct verity_error *err)
{
	struct links links = {trust->work, when};
	X509_VERIFY_PARAM *param;
	bool good;

	X509_STORE_CTX_cleanup(context);
	if (X509_STORE_CTX_init(context, trust->keyring->store, certificate, enclosed) !=
	    1)
		return verity_no_memory(err);
	if (X509_STORE_CTX_set_app_data(context, &links) != 1)
		return verity_no_memory(err);
	X509_STORE_CTX_set_verify(context, check_links);
	if (anchor)
		X509_STORE_CTX_set0_trusted_stack(context, anchor);
	param = X509_STORE_CTX_get0_param(context);
	/* It prefers issuers that are valid then, and by its own clock where its time_t
	 * is another than that of this program. */
	X509_VERIFY_PARAM_set_time(param, when);
	if (X509_VERIFY_PARAM_get_time(param) != when)
		X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_USE_CHECK_TIME);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* Whatever is in the key ring is an anchor, an intermediate as well as a root. */
	X509_VERIFY_PARAM_set_flags(param,
				    X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK);
	/* Any policy will do where a certificate demands one. */
	if (X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy)) != 1)
		return verity_no_memory(err);
	good = X509_verify_cert(context) == 1;
	X509_STORE_CTX_set_app_data(context, NULL);
	return good ? 0 : fail_chain(context, err);
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

/*
 * OpenSSL takes the first certificate with the right name as the issuer, and does not
 * come back for the second: an old and a new root of one name, an intermediate that both
 * roots have signed. So those are tried one by one: the enclosed ones in reverse, then
 * each anchor that shares its name. The reason of the first attempt stays.
 */
static int build_any(const struct verity_cms_trust *trust, X509 *certificate,
		     bool certified, int64_t when, X509_STORE_CTX *context,
		     struct verity_error *err)
{
	STACK_OF(X509) *ring = trust->keyring->certificates;
	cleanup_with(verity_certificates_borrowed_free_p) STACK_OF(X509) *reverse =
		sk_X509_new_null();
	cleanup_with(verity_certificates_borrowed_free_p) STACK_OF(X509) *anchor =
		sk_X509_new_reserve(NULL, 1);
	int r = build(trust, trust->enclosed, NULL, certificate, when, context, err);

	if (r != -EKEYREJECTED || !certified)
		return r;
	for (int i = sk_X509_num(trust->enclosed) - 1; reverse && i >= 0; i--)
		if (sk_X509_push(reverse, sk_X509_value(trust->enclosed, i)) <= 0)
			return verity_no_memory(err);
	if (!reverse || !anchor)
		return verity_no_memory(err);
	if (build(trust, reverse, NULL, certificate, when, context, NULL) == 0)
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

/*
 * What is checked of a critical extension: all others make a chain untrusted, also those
 * that OpenSSL takes for handled and leaves to its caller (revocation lists, netscape's
 * types). Constraints of policies count below the certificate that has them; OpenSSL does
 * not look at those of an anchor.
 */
static const struct {
	int nid;
	bool in_anchor;
} processed[] = {
	{NID_basic_constraints, true},   {NID_key_usage, true},
	{NID_ext_key_usage, true},       {NID_name_constraints, true},
	{NID_subject_alt_name, true},    {NID_certificate_policies, true},
	{NID_policy_mappings, false},    {NID_policy_constraints, false},
	{NID_inhibit_any_policy, false},
};

static bool is_processed(int nid, bool anchor)
{
	for (size_t i = 0; i < sizeof(processed) / sizeof(processed[0]); i++)
		if (processed[i].nid == nid)
			return processed[i].in_anchor || !anchor;
	return false;
}

static int check_critical(STACK_OF(X509) * chain, struct verity_error *err)
{
	int last = sk_X509_num(chain) - 1;

	for (int i = 0; i <= last; i++) {
		X509 *certificate = sk_X509_value(chain, i);

		for (int k = 0; k < X509_get_ext_count(certificate); k++) {
			X509_EXTENSION *extension = X509_get_ext(certificate, k);
			int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
			char name[NAME_BYTES];

			if (!X509_EXTENSION_get_critical(extension) ||
			    is_processed(nid, i > 0 && i == last))
				continue;
			verity_certificate_name(certificate, name, sizeof(name));
			return verity_fail(
				err, VERITY_E_UNTRUSTED_SIGNER,
				"the certificate of '%s' has a critical "
				"extension that devices do not process: %s",
				name, nid == NID_undef ? "unknown" : OBJ_nid2sn(nid));
		}
	}
	return 0;
}

/* The leaf must be for it; what is above it must not be for something else. */
static int check_purpose(STACK_OF(X509) * chain, enum verity_purpose purpose,
			 struct verity_error *err)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);

		if (i > 0 && !(X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE))
			continue;
		if (!verity_certificate_is_for(certificate, purpose))
			return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
					   "a certificate of the signer is not for %s",
					   verity_purpose_name(purpose));
	}
	/* RFC 3161 §2.3: critical, and for nothing else */
	if (purpose == VERITY_PURPOSE_TIMESTAMP)
		return X509_check_purpose(sk_X509_value(chain, 0),
					  X509_PURPOSE_TIMESTAMP_SIGN, 0) == 1
			       ? 0
			       : verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
					     "the certificate of the authority is not "
					     "for timestamps only");
	if (!(X509_get_key_usage(sk_X509_value(chain, 0)) & KU_DIGITAL_SIGNATURE))
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the signer's certificate is not for digital signatures");
	return 0;
}

int verity_cms_chain_check(const struct verity_cms_trust *trust, X509 *certificate,
			   const struct verity_cms_found *found,
			   struct verity_signer *signer,
			   struct verity_signatures *signatures, struct verity_error *err)
{
	cleanup_with(X509_STORE_CTX_free_p) X509_STORE_CTX *context = NULL;
	STACK_OF(X509) * chain;
	const char *anchor;
	int r;

	/* The reason that OpenSSL would find, without its work. */
	if (found && !found->has_issuer)
		return no_chain(X509_NAME_cmp(X509_get_subject_name(certificate),
					      X509_get_issuer_name(certificate)) == 0
					? X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
					: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
				err);
	context = X509_STORE_CTX_new();
	if (!context)
		return verity_no_memory(err);
	r = build_any(trust, certificate, !found || found->certified,
		      verity_signer_time(signer), context, err);
	if (r < 0)
		return r;
	chain = X509_STORE_CTX_get0_chain(context);
	for (int i = 0; r == 0 && i < sk_X509_num(chain); i++)
		r = verity_cms_add_key(sk_X509_value(chain, i), signatures, err);
	if (r == 0)
		r = check_critical(chain, err);
	if (r < 0)
		return r;
	r = check_purpose(chain, trust->purpose, err);
	if (r < 0) {
		signatures->other_purpose = true;
		return r;
	}
	anchor = verity_keyring_file(trust->keyring,
				     sk_X509_value(chain, sk_X509_num(chain) - 1));
	snprintf(signer->anchor, sizeof(signer->anchor), "%s", anchor ? anchor : "?");
	return 0;
}
