/* SPDX-License-Identifier: MIT */
#include "installer/build/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "installer/build/passphrase.h"
#include "installer/common/report.h"
#include "verity/format/format.h"
#include "verity/sign/cms_sign.h"
#include "verity/sign/kernel_signature.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define PEM_START "-----BEGIN "

static int check_use(const struct build_signing *signing,
		     const struct verity_signing_key *key, struct verity_error *err)
{
	enum verity_purpose purpose = signing->use == BUILD_USE_UNLOCK
					      ? VERITY_PURPOSE_UNLOCK
					      : VERITY_PURPOSE_PACKAGE;
	int r;

	if (signing->use == BUILD_USE_ANY)
		return 0;
	r = verity_signing_key_check_purpose(key, purpose, err);
	if (r == -EINVAL && signing->use == BUILD_USE_PACKAGE) {
		report_warning("%s: %s", signing->cert, err->message);
		return 0;
	}
	return r < 0 ? verity_context(err, r, "%s", signing->cert) : 0;
}

static int load_key(const struct build_signing *signing,
		    const struct verity_secrets *secrets, struct verity_signing_key **ret,
		    struct verity_error *err)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key = NULL;
	int r = verity_signing_key_load(signing->key, signing->cert, signing->chain,
					secrets, &key, err);

	if (r == 0)
		r = check_use(signing, key, err);
	if (r < 0)
		return r;
	verity_signing_key_set_padding(key, signing->rsa_padding);
	*ret = steal_ptr(&key);
	return 0;
}

static int64_t time_of(const struct build_signing *signing)
{
	return signing->when >= 0 ? signing->when : (int64_t)time(NULL);
}

int build_sign_manifest(const struct build_signing *signing, const char *manifest,
			size_t manifest_bytes, uint8_t **ret, size_t *ret_bytes,
			struct verity_error *err)
{
	const struct verity_secrets secrets = {secret_ask, signing->pin_file};
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key = NULL;
	int r;

	if (!signing->key) {
		*ret = NULL;
		*ret_bytes = 0;
		return 0;
	}
	r = load_key(signing, &secrets, &key, err);
	if (r < 0)
		return r;
	return verity_cms_sign(manifest, manifest_bytes, key, time_of(signing), ret,
			       ret_bytes, err);
}

static int add(const struct build_signing *signing, const void *text, size_t text_bytes,
	       const void *present, size_t present_bytes, uint8_t **ret,
	       size_t *ret_bytes, struct verity_error *err)
{
	const struct verity_secrets secrets = {secret_ask, signing->pin_file};
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key = NULL;
	int r = load_key(signing, &secrets, &key, err);

	if (r < 0)
		return r;
	r = verity_cms_add(text, text_bytes, present, present_bytes, key,
			   time_of(signing), ret, ret_bytes, err);
	return r < 0 ? verity_context(err, r, "%s", signing->cert) : 0;
}

/* What openssl makes when it is told too little or too much. */
static int check_signer(const struct verity_signer *signer, struct verity_error *err)
{
	static const uint8_t unknown[VERITY_KEY_ID_BYTES];

	if (memcmp(signer->key_id, unknown, sizeof(unknown)) == 0)
		return verity_fail(err, VERITY_E_USAGE,
				   "the certificate of a signer is not in it (openssl "
				   "cms -sign without -nocerts)");
	if (signer->signed_at < 0)
		return verity_fail(err, VERITY_E_USAGE,
				   "it does not say when it was made (openssl cms -sign "
				   "without -noattr)");
	return 0;
}

static int check_signers(const struct verity_signatures *signatures,
			 struct verity_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < signatures->count; i++)
		r = check_signer(&signatures->signers[i], err);
	return r;
}

static int check_signature(const void *text, size_t text_bytes, const char *signature,
			   size_t signature_bytes, struct verity_error *err)
{
	struct verity_signatures signatures;
	int r;

	if (strncmp(signature, PEM_START, strlen(PEM_START)) == 0)
		return verity_fail(err, VERITY_E_USAGE,
				   "PEM, not DER (openssl cms -sign -outform DER)");
	r = verity_cms_verify(text, text_bytes, signature, signature_bytes, NULL,
			      VERITY_PURPOSE_PACKAGE, &signatures, err);
	/* Our key ring is none of its business: the device's is. */
	return r == -EKEYREJECTED ? check_signers(&signatures, err) : r;
}

static int bring(const char *path, const void *text, size_t text_bytes, uint8_t **ret,
		 size_t *ret_bytes, struct verity_error *err)
{
	cleanup_free char *signature = NULL;
	size_t bytes;
	int r = verity_io_load(AT_FDCWD, path, VERITY_SIGNATURE_MAX, &signature, &bytes,
			       err);

	if (r < 0)
		return r;
	r = check_signature(text, text_bytes, signature, bytes, err);
	if (r < 0)
		return verity_context(err, r, "%s", path);
	*ret_bytes = bytes;
	*ret = (uint8_t *)steal_ptr(&signature);
	return 0;
}

int build_resign(const struct build_resigning *resigning, const void *text,
		 size_t text_bytes, const void *present, size_t present_bytes,
		 uint8_t **ret, size_t *ret_bytes, struct verity_error *err)
{
	if (resigning->signature)
		return bring(resigning->signature, text, text_bytes, ret, ret_bytes, err);
	if (resigning->add && present_bytes > 0)
		return add(&resigning->signing, text, text_bytes, present, present_bytes,
			   ret, ret_bytes, err);
	return build_sign_manifest(&resigning->signing, text, text_bytes, ret, ret_bytes,
				   err);
}

int build_sign_root_hash(const struct build_signing *signing,
			 const uint8_t root_hash[static VERITY_DIGEST_BYTES],
			 uint8_t **ret, size_t *ret_bytes, struct verity_error *err)
{
	const struct verity_secrets secrets = {secret_ask, signing->pin_file};
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key = NULL;
	int r = load_key(signing, &secrets, &key, err);

	if (r < 0)
		return r;
	r = verity_kernel_sign(root_hash, key, ret, ret_bytes, err);
	return r < 0 ? verity_context(err, r, "%s", signing->key) : 0;
}
