/* SPDX-License-Identifier: MIT */
/* Loads the key of a signer for one signature, and checks signatures made elsewhere. */
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
#include "verity/sign/stamp.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* What the hints of devices begin with: here, it is the vendor who reads them. */
#define VENDOR_HINT " (ask the vendor"

/* A key, and the source of its passphrase, which has to outlive it. */
struct signer {
	struct verity_secrets secrets;
	struct verity_signing_key *key; /* owned */
	int64_t when;                   /* seconds since 1970 */
};

static void signer_close(struct signer *signer)
{
	verity_signing_key_free(signer->key);
}

static int signer_open(struct signer *signer, const struct build_signing *signing,
		       struct verity_error *err)
{
	enum verity_purpose purpose = signing->use == BUILD_USE_UNLOCK
					      ? VERITY_PURPOSE_UNLOCK
					      : VERITY_PURPOSE_PACKAGE;
	int r;

	signer->secrets = (struct verity_secrets){secret_ask, signing->pin_file};
	signer->when = signing->when >= 0 ? signing->when : (int64_t)time(NULL);
	r = verity_signing_key_load(signing->key, signing->cert, signing->chain,
				    &signer->secrets, &signer->key, err);
	if (r < 0)
		return r;
	verity_signing_key_set_padding(signer->key, signing->rsa_padding);
	if (signing->use == BUILD_USE_ANY)
		return 0;
	if (verity_signing_key_check_devices(signer->key, signer->when, err) < 0)
		report_warning("%s: %s", signing->cert, err->message);
	r = verity_signing_key_check_purpose(signer->key, purpose, err);
	if (r == -EINVAL && signing->use == BUILD_USE_PACKAGE) {
		report_warning("%s: %s", signing->cert, err->message);
		return 0;
	}
	return r < 0 ? verity_context(err, r, "%s", signing->cert) : 0;
}

int build_signature_make(const struct build_signing *signing, const void *text,
			 size_t text_bytes, uint8_t **ret, size_t *ret_bytes,
			 struct verity_error *err)
{
	cleanup_with(signer_close) struct signer signer = {.key = NULL};
	int r;

	if (!signing->key) {
		*ret = NULL;
		*ret_bytes = 0;
		return 0;
	}
	r = signer_open(&signer, signing, err);
	return r < 0 ? r
		     : verity_cms_sign(text, text_bytes, signer.key, signer.when, ret,
				       ret_bytes, err);
}

/* It says what other programs make when they are told too little or too much. */
static int check_signature(const void *text, size_t text_bytes, const char *signature,
			   size_t signature_bytes, struct verity_error *err)
{
	static const uint8_t unknown[VERITY_KEY_ID_BYTES];
	struct verity_signatures signatures;
	int r;

	r = verity_cms_verify(text, text_bytes, signature, signature_bytes, NULL,
			      VERITY_PURPOSE_PACKAGE, &signatures, err);
	/* Without a key ring the best result is "not trusted". */
	if (r != -EKEYREJECTED)
		return r;
	for (size_t i = 0; i < signatures.count; i++) {
		const struct verity_signer *signer = &signatures.signers[i];

		if (memcmp(signer->key_id, unknown, sizeof(unknown)) == 0)
			return verity_fail(err, VERITY_E_USAGE,
					   "the certificate of a signer is missing "
					   "(openssl cms -sign without -nocerts; gpgsm "
					   "--include-certs -1)");
		if (signer->signed_at < 0)
			return verity_fail(err, VERITY_E_USAGE,
					   "no signing time (openssl cms -sign without "
					   "-noattr; cmsutil -S -G)");
	}
	return 0;
}

/* As it is where devices take it so; otherwise its one encoding, if it has another. */
static int take_signature(const char *path, const void *text, size_t text_bytes,
			  uint8_t **ret, size_t *ret_bytes, struct verity_error *err)
{
	cleanup_free char *signature = NULL;
	cleanup_free uint8_t *der = NULL;
	char why[VERITY_MESSAGE_MAX], *hint;
	size_t size, der_bytes = 0;
	int r = verity_io_load(AT_FDCWD, path, VERITY_SIGNATURE_MAX, &signature, &size,
			       err);

	if (r < 0)
		return r;
	r = check_signature(text, text_bytes, signature, size, err);
	if (r == -EBADMSG &&
	    verity_cms_der(signature, size, &der, &der_bytes, NULL) == 0 &&
	    (der_bytes != size || memcmp(der, signature, size) != 0)) {
		free(signature);
		signature = (char *)steal_ptr(&der);
		size = der_bytes;
		r = check_signature(text, text_bytes, signature, size, err);
	}
	if (r < 0)
		verity_context(err, r, "%s", path);
	if (r == -EBADMSG) {
		snprintf(why, sizeof(why), "%s", err->message);
		hint = strstr(why, VENDOR_HINT);
		if (hint)
			*hint = '\0';
		verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"%s (sign what 'extract --manifest' writes: openssl cms -sign "
			"-binary -md sha256 -outform DER)",
			why);
	}
	if (r < 0)
		return r;
	*ret = (uint8_t *)steal_ptr(&signature);
	*ret_bytes = size;
	return 0;
}

static int put_timestamp(const char *path, const void *present, size_t present_bytes,
			 uint8_t **ret, size_t *ret_bytes, struct verity_error *err)
{
	cleanup_free char *response = NULL;
	size_t size;
	int r;

	if (present_bytes == 0)
		return verity_fail(err, VERITY_E_NO_SIGNATURE,
				   "there is no signature that %s could be for (sign it "
				   "first)",
				   path);
	r = verity_io_load(AT_FDCWD, path, VERITY_TIMESTAMP_RESPONSE_MAX, &response,
			   &size, err);
	if (r < 0)
		return r;
	r = verity_timestamp_add(present, present_bytes, response, size, ret, ret_bytes,
				 err);
	return r < 0 ? verity_context(err, r, "%s", path) : 0;
}

int build_signature_renew(const struct build_resigning *resigning, const void *text,
			  size_t text_bytes, const void *present, size_t present_bytes,
			  uint8_t **ret, size_t *ret_bytes, struct verity_error *err)
{
	cleanup_with(signer_close) struct signer signer = {.key = NULL};
	const struct build_signing *signing = &resigning->signing;
	int r;

	if (resigning->signature)
		return take_signature(resigning->signature, text, text_bytes, ret,
				      ret_bytes, err);
	if (resigning->timestamp)
		return put_timestamp(resigning->timestamp, present, present_bytes, ret,
				     ret_bytes, err);
	if (!resigning->add || present_bytes == 0)
		return build_signature_make(signing, text, text_bytes, ret, ret_bytes,
					    err);
	r = signer_open(&signer, signing, err);
	if (r < 0)
		return r;
	r = verity_cms_add(text, text_bytes, present, present_bytes, signer.key,
			   signer.when, ret, ret_bytes, err);
	return r < 0 ? verity_context(err, r, "%s", signing->cert) : 0;
}

int build_sign_root_hash(const struct build_signing *signing,
			 const uint8_t root_hash[static VERITY_DIGEST_BYTES],
			 uint8_t **ret, size_t *ret_bytes, struct verity_error *err)
{
	cleanup_with(signer_close) struct signer signer = {.key = NULL};
	int r = signer_open(&signer, signing, err);

	if (r < 0)
		return r;
	r = verity_kernel_sign(root_hash, signer.key, ret, ret_bytes, err);
	return r < 0 ? verity_context(err, r, "%s", signing->key) : 0;
}
