/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <time.h>

#include "tests/check.h"
#include "verity/cms/cms.h"

#define RSA_BITS 2048

static const char text[] = "{\"type\":\"package\"}";

static X509 *certify(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	X509_NAME *name;

	assert_non_null(certificate);
	name = X509_get_subject_name(certificate);
	assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					       (const unsigned char *)"rsa", -1, -1, 0));
	assert_true(X509_set_issuer_name(certificate, name));
	assert_true(X509_set_version(certificate, X509_VERSION_3));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1));
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
	assert_true(X509_set_pubkey(certificate, key));
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

static size_t sign(unsigned char **ret)
{
	EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
	X509 *certificate = certify(key);
	BIO *content = BIO_new_mem_buf(text, sizeof(text));
	CMS_ContentInfo *cms = CMS_sign(certificate, key, NULL, content,
					CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP);
	int size;

	assert_non_null(cms);
	size = i2d_CMS_ContentInfo(cms, ret);
	assert_true(size > RSA_BITS / 8);
	CMS_ContentInfo_free(cms);
	BIO_free_all(content);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return (size_t)size;
}

static int verify(const unsigned char *der, size_t bytes, struct verity_error *err)
{
	struct verity_signatures signatures;

	return verity_cms_verify(text, sizeof(text), der, bytes, NULL,
				 VERITY_PURPOSE_PACKAGE, &signatures, err);
}

/*
 * Damage to the signature's own bytes is damage, never just a signer that is not known,
 * which Allow Untrusted would let pass: OpenSSL numbers RSA's "invalid padding" as CMS's
 * "signer certificate not found".
 */
static void test_damaged(void **state)
{
	unsigned char *der = NULL;
	size_t bytes = sign(&der);
	struct verity_error err;

	(void)state;
	assert_int_equal(verify(der, bytes, &err), -EKEYREJECTED);
	check_error(&err, VERITY_E_UNTRUSTED_SIGNER,
		    "there is no key ring to verify it with");
	for (size_t i = bytes - RSA_BITS / 8; i < bytes; i++) {
		der[i] ^= 1;
		err.code = VERITY_OK;
		assert_int_equal(verify(der, bytes, &err), -EBADMSG);
		assert_int_equal(err.code, VERITY_E_BAD_SIGNATURE);
		der[i] ^= 1;
	}
	OPENSSL_free(der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
