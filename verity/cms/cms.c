/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <string.h>

#include "verity/cms/chain.h"
#include "verity/cms/cms.h"
#include "verity/cms/decode.h"
#include "verity/cms/integrity.h"
#include "verity/cms/signer.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free);

static void certificates_free_p(STACK_OF(X509) * *certificates)
{
	sk_X509_pop_free(*certificates, X509_free);
}

/* A key that is denied counts wherever it takes part, in a chain or not. */
static int add_keys(CMS_ContentInfo *cms, STACK_OF(X509) * enclosed,
		    struct verity_signatures *signatures, struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	int r = 0;

	for (int i = 0; r == 0 && i < sk_X509_num(enclosed); i++)
		r = verity_cms_add_key(sk_X509_value(enclosed, i), signatures, err);
	for (int i = 0; r == 0 && i < sk_CMS_SignerInfo_num(signers); i++) {
		X509 *certificate = NULL;

		CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(signers, i), NULL,
					 &certificate, NULL, NULL);
		if (certificate)
			r = verity_cms_add_key(certificate, signatures, err);
	}
	return r;
}

static int check_signer(const struct verity_cms_trust *trust, CMS_SignerInfo *signer,
			struct verity_signatures *signatures, struct verity_signer *ret,
			struct verity_error *err)
{
	X509 *certificate = NULL;

	CMS_SignerInfo_get0_algs(signer, NULL, &certificate, NULL, NULL);
	verity_cms_signer_describe(signer, certificate, ret);
	if (!certificate)
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the signer's certificate is neither in the signature nor in "
			"the key ring");
	if (ret->signed_at < 0)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the signature does not say when it was made");
	if (!trust->keyring)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "there is no key ring to judge it by");
	if (verity_keyring_count(trust->keyring) == 0)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the key ring is empty");
	return verity_cms_chain_check(trust, certificate, ret->signed_at, signatures,
				      ret->anchor, err);
}

/* Each in the order of the signature, those that chain before those that do not. */
static void insert(struct verity_signatures *signatures, size_t place,
		   const struct verity_signer *signer)
{
	memmove(&signatures->signers[place + 1], &signatures->signers[place],
		(signatures->count - place) * sizeof(*signer));
	signatures->signers[place] = *signer;
	signatures->count++;
}

/* Where none is trusted, the reason of the first counts. */
static int check_signers(const struct verity_cms_trust *trust, CMS_ContentInfo *cms,
			 struct verity_signatures *ret, struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	struct verity_error first = {.code = VERITY_OK};
	size_t trusted = 0;

	for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++) {
		struct verity_error why = {.code = VERITY_OK};
		struct verity_signer signer;
		int r = check_signer(trust, sk_CMS_SignerInfo_value(signers, i), ret,
				     &signer, &why);

		if (r < 0 && r != -EKEYREJECTED) {
			if (err)
				*err = why;
			return r;
		}
		if (r < 0 && first.code == VERITY_OK)
			first = why;
		insert(ret, r < 0 ? ret->count : trusted++, &signer);
	}
	if (trusted)
		return 0;
	if (err)
		*err = first;
	return -EKEYREJECTED;
}

static int verify(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
		  struct verity_cms_trust *trust, struct verity_signatures *ret,
		  struct verity_error *err)
{
	cleanup_with(certificates_free_p) STACK_OF(X509) *enclosed = CMS_get1_certs(cms);
	int r = verity_cms_sound_check(cms, data, data_bytes, trust->keyring, err);

	trust->enclosed = enclosed;
	if (r == 0)
		r = add_keys(cms, enclosed, ret, err);
	if (r == 0)
		r = check_signers(trust, cms, ret, err);
	return r;
}

int verity_cms_verify(const void *data, size_t data_bytes, const void *signature,
		      size_t signature_bytes, const struct verity_keyring *keyring,
		      enum verity_purpose purpose, struct verity_signatures *ret,
		      struct verity_error *err)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	struct verity_cms_trust trust = {.keyring = keyring, .purpose = purpose};
	int r;

	*ret = (struct verity_signatures){.count = 0};
	/* What an earlier call left there is not to be blamed on this one. */
	ERR_clear_error();
	r = verity_cms_decode(signature, signature_bytes, &cms, err);
	if (r == 0)
		r = verify(cms, data, data_bytes, &trust, ret, err);
	if (r < 0 && r != -EKEYREJECTED)
		*ret = (struct verity_signatures){.count = 0};
	ERR_clear_error();
	return r;
}
