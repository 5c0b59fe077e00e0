/* SPDX-License-Identifier: MIT */

/* What may sign and with what; what wmopkg-build makes of each key. */

#include <errno.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/certs.h"
#include "verity/util/cleanup.h"

static const char text[] = "{\"type\":\"package\"}";

enum { ROOT, P256, P384, P521, BRAINPOOL, RSA3072, PSS, ED25519, UNDER_ED25519, COUNT };
static struct cert made[COUNT];
static struct verity_keyring *ring;

static int verify(const uint8_t *der, size_t bytes, struct verity_error *err)
{
	struct verity_signatures signatures;

	return verity_cms_verify(text, sizeof(text), der, bytes, ring,
				 VERITY_PURPOSE_PACKAGE, &signatures, err);
}

/* What stands in the signature: digest, algorithm, and of RSA-PSS the salt. */
static void check_written(const uint8_t *der, size_t bytes, int digest, int algorithm,
			  long salt_bytes)
{
	const unsigned char *next = der;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &next, (long)bytes);
	X509_ALGOR *digest_algorithm = NULL, *signature = NULL;
	RSA_PSS_PARAMS *pss;

	CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0),
				 NULL, NULL, &digest_algorithm, &signature);
	assert_int_equal(OBJ_obj2nid(digest_algorithm->algorithm), digest);
	assert_int_equal(OBJ_obj2nid(signature->algorithm), algorithm);
	if (salt_bytes) {
		pss = ASN1_item_unpack(signature->parameter->value.sequence,
				       ASN1_ITEM_rptr(RSA_PSS_PARAMS));
		assert_non_null(pss);
		assert_int_equal(OBJ_obj2nid(pss->hashAlgorithm->algorithm), digest);
		assert_int_equal(ASN1_INTEGER_get(pss->saltLength), salt_bytes);
		RSA_PSS_PARAMS_free(pss);
	}
	CMS_ContentInfo_free(cms);
}

static void test_signing(void **state)
{
	static const struct {
		int cert;
		enum verity_rsa_padding padding;
		int digest, algorithm;
		long salt_bytes;
	} table[] = {
		{P256, VERITY_RSA_PSS, NID_sha256, NID_ecdsa_with_SHA256, 0},
		{P256, VERITY_RSA_PKCS1, NID_sha256, NID_ecdsa_with_SHA256, 0},
		{P384, VERITY_RSA_PSS, NID_sha384, NID_ecdsa_with_SHA384, 0},
		{P521, VERITY_RSA_PSS, NID_sha512, NID_ecdsa_with_SHA512, 0},
		{BRAINPOOL, VERITY_RSA_PSS, NID_sha256, NID_ecdsa_with_SHA256, 0},
		{RSA3072, VERITY_RSA_PSS, NID_sha256, NID_rsassaPss, 32},
		{RSA3072, VERITY_RSA_PKCS1, NID_sha256, NID_rsaEncryption, 0},
		{PSS, VERITY_RSA_PSS, NID_sha256, NID_rsassaPss, 32},
		{UNDER_ED25519, VERITY_RSA_PSS, NID_sha256, NID_ecdsa_with_SHA256, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key =
			certs_signing_key(&made[table[i].cert], NULL);
		cleanup_free uint8_t *der = NULL;
		struct verity_error err;
		size_t bytes;

		verity_signing_key_set_padding(key, table[i].padding);
		check_ok(verity_cms_sign(text, sizeof(text), key, CERTS_NOW, &der, &bytes,
					 &err),
			 &err);
		check_written(der, bytes, table[i].digest, table[i].algorithm,
			      table[i].salt_bytes);
		check_ok(verify(der, bytes, &err), &err);
	}
}

static void test_cannot_sign(void **state)
{
	static const struct {
		int cert;
		const char *message;
	} table[] = {
		{ED25519, "an Ed25519 key cannot sign: this OpenSSL has no CMS for it "
			  "(use ECDSA P-256 or P-384, or RSA)"},
		{PSS, "the key is for RSA-PSS only and cannot sign with PKCS #1 v1.5"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key =
			certs_signing_key(&made[table[i].cert], NULL);
		uint8_t *der = NULL;
		struct verity_error err;
		size_t bytes;

		verity_signing_key_set_padding(key, VERITY_RSA_PKCS1);
		assert_int_equal(verity_cms_sign(text, sizeof(text), key, CERTS_NOW, &der,
						 &bytes, &err),
				 -EINVAL);
		check_error(&err, VERITY_E_KEY, table[i].message);
		assert_null(der);
	}
}

/* What every device would refuse is not signed. */
static void test_over_a_limit(void **state)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key = NULL;
	struct cert_spec spec = {.name = "exponent", .issuer = &made[ROOT]};
	BIGNUM *exponent = BN_new();
	struct verity_error err;
	uint8_t *der = NULL;
	struct cert cert;
	size_t bytes;

	(void)state;
	assert_true(BN_hex2bn(&exponent, "10000000F") > 0);
	assert_true(EVP_PKEY_keygen_init(context) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0);
	assert_true(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, exponent) > 0);
	assert_true(EVP_PKEY_generate(context, &spec.same_key) > 0);
	cert_make(&spec, &cert);
	key = certs_signing_key(&cert, NULL);
	assert_int_equal(
		verity_cms_sign(text, sizeof(text), key, CERTS_NOW, &der, &bytes, &err),
		-EINVAL);
	check_error(&err, VERITY_E_KEY,
		    "devices would refuse the signature: the exponent of an RSA key in "
		    "it has 33 bits, over the limit of 32");
	assert_null(der);
	cert_free(&cert);
	EVP_PKEY_free(spec.same_key);
	EVP_PKEY_CTX_free(context);
	BN_free(exponent);
}

static void check(const struct certs_signer *signer, const char *message)
{
	const struct certs_signer signers[] = {*signer, {0}};
	size_t bytes;
	uint8_t *der = certs_sign(text, sizeof(text), signers, NULL, &bytes);
	struct verity_error err;
	int r = verify(der, bytes, &err);

	OPENSSL_free(der);
	if (!message) {
		check_ok(r, &err);
		return;
	}
	assert_int_equal(r, -EBADMSG);
	check_error(&err, VERITY_E_BAD_SIGNATURE, message);
}

#define AGAIN   " (ask the vendor to sign it again in a way that devices accept)"
#define NOT_ONE " is not one of SHA-256, SHA-384, SHA-512" AGAIN

static void test_digests(void **state)
{
	const struct {
		struct certs_signer signer;
		const char *message;
	} table[] = {
		{{.digest = EVP_sha256()}, NULL},
		{{.digest = EVP_sha384()}, NULL},
		{{.digest = EVP_sha512()}, NULL},
		{{.digest = EVP_sha1()}, "signature: digest SHA1" NOT_ONE},
		{{.digest = EVP_sha224()}, "signature: digest SHA224" NOT_ONE},
		{{.digest = EVP_sha3_256()}, "signature: digest SHA3-256" NOT_ONE},
		{{.digest = EVP_sha512_256()}, "signature: digest SHA512-256" NOT_ONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct certs_signer signer = table[i].signer;

		signer.cert = &made[RSA3072];
		check(&signer, table[i].message);
	}
}

static void test_pss(void **state)
{
	static const char digests[] =
		"signature: a digest of RSA-PSS is not that of the signature";
	const struct {
		struct certs_signer signer;
		const char *message;
	} table[] = {
		{{.pss = true}, NULL},
		{{.digest = EVP_sha384()}, NULL},
		{{.digest = EVP_sha512()}, NULL},
		{{.salt_bytes = RSA_PSS_SALTLEN_MAX}, NULL},
		{{.salt_bytes = 33}, NULL},
		{{.salt_bytes = 31},
		 "signature: the salt of RSA-PSS has 31 bytes, under "
		 "the 32 of its digest" AGAIN},
		{{.salt_bytes = 20},
		 "signature: the salt of RSA-PSS has 20 bytes, under "
		 "the 32 of its digest" AGAIN},
		{{.digest = EVP_sha512(), .salt_bytes = 32},
		 "signature: the salt of RSA-PSS has 32 bytes, under the 64 of its "
		 "digest" AGAIN},
		{{.mgf1 = EVP_sha1()}, digests},
		{{.mgf1 = EVP_sha512()}, digests},
		{{.digest = EVP_sha1(), .salt_bytes = 32},
		 "signature: digest SHA1" NOT_ONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct certs_signer signer = table[i].signer;

		signer.pss = true;
		signer.cert = &made[RSA3072];
		check(&signer, table[i].message);
		signer.cert = &made[PSS];
		check(&signer, table[i].message);
	}
}

/* What OpenSSL takes from the key, and ignores where the signature says otherwise. */
static void test_written_otherwise(void **state)
{
	static const struct {
		int cert, algorithm, parameter;
		const char *message;
	} table[] = {
		{P256, NID_ecdsa_with_SHA256, V_ASN1_UNDEF, NULL},
		{P256, NID_ecdsa_with_SHA256, V_ASN1_NULL,
		 "signature: its algorithm has parameters"},
		{P256, NID_ecdsa_with_SHA384, V_ASN1_UNDEF,
		 "signature: its algorithm does not match its digest"},
		{P256, NID_rsaEncryption, V_ASN1_NULL,
		 "signature: its algorithm does not match its signer's key"},
		{P256, NID_dsa_with_SHA256, V_ASN1_UNDEF,
		 "signature: algorithm dsa_with_SHA256 is not one of RSA, RSA-PSS, "
		 "ECDSA" AGAIN},
		{P256, NID_ED25519, V_ASN1_UNDEF,
		 "signature: algorithm ED25519 is not one of RSA, RSA-PSS, ECDSA" AGAIN},
		{RSA3072, NID_rsaEncryption, V_ASN1_NULL, NULL},
		{RSA3072, NID_sha256WithRSAEncryption, V_ASN1_NULL, NULL},
		{RSA3072, NID_sha256WithRSAEncryption, V_ASN1_UNDEF, NULL},
		{RSA3072, NID_sha512WithRSAEncryption, V_ASN1_NULL,
		 "signature: its algorithm does not match its digest"},
		{RSA3072, NID_sha1WithRSAEncryption, V_ASN1_NULL,
		 "signature: algorithm RSA-SHA1 is not one of RSA, RSA-PSS, ECDSA" AGAIN},
		{RSA3072, NID_ecdsa_with_SHA256, V_ASN1_UNDEF,
		 "signature: its algorithm does not match its signer's key"},
		{RSA3072, NID_rsassaPss, V_ASN1_UNDEF,
		 "signature: its RSA-PSS parameters are malformed"},
		{RSA3072, NID_rsassaPss, V_ASN1_NULL,
		 "signature: its RSA-PSS parameters are malformed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct certs_signer signers[] = {{.cert = &made[table[i].cert]},
						       {0}};
		CMS_ContentInfo *cms = certs_cms(text, sizeof(text), signers, NULL);
		X509_ALGOR *signature = NULL;
		struct verity_error err;
		uint8_t *der;
		size_t bytes;
		int r;

		CMS_SignerInfo_get0_algs(
			sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0), NULL, NULL,
			NULL, &signature);
		X509_ALGOR_set0(signature, OBJ_nid2obj(table[i].algorithm),
				table[i].parameter, NULL);
		der = certs_der(cms, &bytes);
		r = verify(der, bytes, &err);
		OPENSSL_free(der);
		if (!table[i].message) {
			check_ok(r, &err);
			continue;
		}
		assert_int_equal(r, -EBADMSG);
		check_error(&err, VERITY_E_BAD_SIGNATURE, table[i].message);
	}
}

static int setup(void **state)
{
	static const char *const keys[COUNT] = {
		[ROOT] = "P-256",
		[P256] = "P-256",
		[P384] = "P-384",
		[P521] = "P-521",
		[BRAINPOOL] = "brainpoolP256r1",
		[RSA3072] = "RSA:3072",
		[PSS] = "RSA-PSS:3072",
		[ED25519] = "ED25519",
		[UNDER_ED25519] = "P-256",
	};

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		struct cert_spec spec = {.name = keys[i], .key = keys[i]};

		spec.ca = i == ROOT || i == ED25519;
		spec.issuer = i == UNDER_ED25519 ? &made[ED25519]
			      : spec.ca          ? NULL
						 : &made[ROOT];
		cert_make(&spec, &made[i]);
	}
	ring = certs_ring((const struct certs_anchor[]){
		{"root.pem", &made[ROOT]}, {"ed25519.pem", &made[ED25519]}, {0}});
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	verity_keyring_free(ring);
	for (int i = 0; i < COUNT; i++)
		cert_free(&made[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signing),
		cmocka_unit_test(test_cannot_sign),
		cmocka_unit_test(test_over_a_limit),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_pss),
		cmocka_unit_test(test_written_otherwise),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
