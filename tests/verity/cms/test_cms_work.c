/* SPDX-License-Identifier: MIT */

/*
 * The work that a signature of a stranger causes, counted: operations with public keys,
 * and allocations of libcrypto for all that it decodes. At most three times that of an
 * honest signature, whatever is in it; no time is measured.
 */

#define OPENSSL_SUPPRESS_DEPRECATED /* methods are what can count */

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/dsa.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/certs.h"
#include "verity/cms/parts.h"
#include "verity/cms/work.h"
#include "verity/util/cleanup.h"

/* Over an honest one. In instructions, as callgrind counts them, the worst one is 2.9. */
#define OPERATIONS_TIMES  3
#define ALLOCATIONS_TIMES 4
#define CROWD             54 /* certificates beside those of signers */
#define SIGNERS           8

static const char text[] = "{\"type\":\"package\"}";

static struct cert root, good, sub, sub_good, crowd[CROWD], strangers[SIGNERS];
static struct cert fakes[SIGNERS];
static struct verity_keyring *ring;

/* What libcrypto has done since the last reset(). */
static struct {
	size_t operations, allocations;
} work;

static int (*verify_ec)(int, const unsigned char *, int, const unsigned char *, int,
			EC_KEY *);
static int (*decrypt_rsa)(int, const unsigned char *, unsigned char *, RSA *, int);

static int count_ec(int type, const unsigned char *digest, int digest_bytes,
		    const unsigned char *signature, int signature_bytes, EC_KEY *key)
{
	work.operations++;
	return verify_ec(type, digest, digest_bytes, signature, signature_bytes, key);
}

static int count_rsa(int size, const unsigned char *from, unsigned char *to, RSA *rsa,
		     int padding)
{
	work.operations++;
	assert_true(BN_num_bits(RSA_get0_n(rsa)) <= VERITY_CMS_RSA_BITS_MAX);
	assert_true(BN_num_bits(RSA_get0_e(rsa)) <= VERITY_CMS_RSA_EXPONENT_BITS_MAX);
	return decrypt_rsa(size, from, to, rsa, padding);
}

static void *count_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	work.allocations++;
	return malloc(size);
}

static void *count_realloc(void *at, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	work.allocations++;
	return realloc(at, size);
}

static void count_free(void *at, const char *file, int line)
{
	(void)file;
	(void)line;
	free(at);
}

static void count_keys(void)
{
	EC_KEY_METHOD *ec = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
	RSA_METHOD *rsa = RSA_meth_dup(RSA_PKCS1_OpenSSL());
	int (*verify_sig)(const unsigned char *, int, const ECDSA_SIG *, EC_KEY *);

	EC_KEY_METHOD_get_verify(ec, &verify_ec, &verify_sig);
	EC_KEY_METHOD_set_verify(ec, count_ec, verify_sig);
	EC_KEY_set_default_method(ec);
	decrypt_rsa = RSA_meth_get_pub_dec(rsa);
	RSA_meth_set_pub_dec(rsa, count_rsa);
	RSA_set_default_method(rsa);
}

static int verify_der(const uint8_t *der, size_t bytes, struct verity_signatures *ret,
		      struct verity_error *err)
{
	memset(&work, 0, sizeof(work));
	err->code = VERITY_OK;
	return verity_cms_verify(text, sizeof(text), der, bytes, ring,
				 VERITY_PURPOSE_PACKAGE, ret, err);
}

static int verify(CMS_ContentInfo *cms, struct verity_error *err)
{
	struct verity_signatures signatures;
	size_t bytes;
	uint8_t *der = certs_der(cms, &bytes);
	int r = verify_der(der, bytes, &signatures, err);

	assert_true(bytes <= 65536);
	OPENSSL_free(der);
	return r;
}

/* A ring that has seen no signature yet. */
static void renew_ring(void)
{
	verity_keyring_free(ring);
	ring = certs_ring((const struct certs_anchor[]){{"root.pem", &root}, {0}});
}

/* What an honest signature of one signer costs that is seen first. */
static void honest(size_t *ret_operations, size_t *ret_allocations)
{
	const struct certs_signer signers[] = {{.cert = &good}, {0}};
	struct verity_error err;

	/* twice: what libcrypto fetches once is not counted */
	for (int i = 0; i < 2; i++) {
		renew_ring();
		check_ok(verify(certs_cms(text, sizeof(text), signers, NULL), &err),
			 &err);
	}
	*ret_operations = work.operations;
	*ret_allocations = work.allocations;
}

static void test_honest(void **state)
{
	const struct certs_signer below[] = {{.cert = &sub_good}, {0}};
	const struct certs_signer all[] = {
		{.cert = &good},
		{.cert = &sub_good},
		{.cert = &good, .when = CERTS_NOW + 1, .hidden = true},
		{0}};
	const struct cert *enclosed[] = {&sub, NULL};
	struct verity_error err;
	size_t operations, allocations;

	(void)state;
	honest(&operations, &allocations);
	assert_int_equal(operations, 2);
	assert_in_range(allocations, 100, 3000);
	renew_ring();
	check_ok(verify(certs_cms(text, sizeof(text), below, enclosed), &err), &err);
	assert_int_equal(work.operations, 3);
	/* three signatures, and each of three links once */
	renew_ring();
	check_ok(verify(certs_cms(text, sizeof(text), all, enclosed), &err), &err);
	assert_int_equal(work.operations, 6);
}

/*
 * A certificate that the ring vouches for is decoded and verified once; the signature is
 * always verified, and one bit of the certificate makes it another one. Nothing is
 * remembered of strangers.
 */
static void test_known(void **state)
{
	const struct certs_signer signers[] = {{.cert = &sub_good}, {0}};
	const struct certs_signer strange[] = {{.cert = &strangers[0]}, {0}};
	const struct cert *enclosed[] = {&sub, NULL};
	struct verity_signatures signatures;
	size_t operations, allocations, bytes;
	struct verity_error err;
	uint8_t *der;

	(void)state;
	honest(&operations, &allocations);
	renew_ring();
	check_ok(verify(certs_cms(text, sizeof(text), signers, enclosed), &err), &err);
	assert_int_equal(work.operations, 3);
	der = certs_sign(text, sizeof(text), signers, enclosed, &bytes);
	check_ok(verify_der(der, bytes, &signatures, &err), &err);
	assert_int_equal(work.operations, 1);
	assert_in_range(work.allocations, 0, allocations);
	assert_string_equal(signatures.signers[0].anchor, "root.pem");
	assert_int_equal(signatures.key_id_count, 3);
	der[bytes - 1] ^= 1; /* of the signature */
	assert_int_equal(verify_der(der, bytes, &signatures, &err), -EBADMSG);
	assert_int_equal(work.operations, 1);
	OPENSSL_free(der);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
			verify(certs_cms(text, sizeof(text), strange, NULL), &err),
			-EKEYREJECTED);
		assert_int_equal(work.operations, 1);
	}
	check_ok(verify(certs_cms(text, sizeof(text), signers, enclosed), &err), &err);
	assert_int_equal(work.operations, 1);
	/* of a ring without that root */
	verity_keyring_free(ring);
	ring = certs_ring((const struct certs_anchor[]){{"other.pem", &crowd[0]}, {0}});
	assert_int_equal(verify(certs_cms(text, sizeof(text), signers, enclosed), &err),
			 -EKEYREJECTED);
	renew_ring();
}

static void check_work(const char *what)
{
	size_t operations, allocations, did = work.operations, took = work.allocations;

	honest(&operations, &allocations);
	if (did > OPERATIONS_TIMES * operations || took > ALLOCATIONS_TIMES * allocations)
		fail_msg("%s: %zu operations and %zu allocations, an honest one has %zu "
			 "and %zu",
			 what, did, took, operations, allocations);
}

static void enclose_crowd(CMS_ContentInfo *cms)
{
	for (int i = 0; i < CROWD && i < VERITY_KEY_IDS_MAX - SIGNERS; i++)
		assert_true(CMS_add1_cert(cms, crowd[i].x509));
}

/*
 * Eight signers beside a crowd of certificates: without their certificates, of their own,
 * below a made-up issuer that has the name and the key id of the ring's root.
 */
static void test_strangers(void **state)
{
	static const struct {
		const char *what;
		bool hidden, fake, by_key_id, good;
	} table[] = {
		{"hidden", .hidden = true},
		{"hidden, by key id", .hidden = true, .by_key_id = true},
		{"strangers", 0},
		{"strangers, by key id", .by_key_id = true},
		{"fakes", .fake = true},
		{"fakes, by key id", .fake = true, .by_key_id = true},
		{"strangers and one that is trusted", .good = true},
		{"fakes and one that is trusted", .fake = true, .good = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct certs_signer signers[SIGNERS + 1] = {0};
		struct verity_error err;
		CMS_ContentInfo *cms;
		int r;

		for (int k = 0; k < SIGNERS; k++)
			signers[k] = (struct certs_signer){
				.cert = table[i].fake ? &fakes[k] : &strangers[k],
				.hidden = table[i].hidden,
				.by_key_id = table[i].by_key_id};
		if (table[i].good)
			signers[0] = (struct certs_signer){.cert = &good};
		cms = certs_cms(text, sizeof(text), signers, NULL);
		enclose_crowd(cms);
		r = verify(cms, &err);
		/* fakes may use up what is verified before the good one comes */
		if (table[i].good && !table[i].fake)
			check_ok(r, &err);
		else if (!table[i].good)
			assert_int_equal(r, -EKEYREJECTED);
		if (r < 0)
			assert_int_equal(err.code, VERITY_E_UNTRUSTED_SIGNER);
		check_work(table[i].what);
	}
}

/* A crowd with the name of the ring's root as issuer, and the key id of another one. */
static void test_other_key_id(void **state)
{
	struct cert other, below[CROWD], leaf;
	const struct certs_signer signers[2] = {{.cert = &leaf}};
	CMS_ContentInfo *cms = NULL;
	struct verity_error err;

	(void)state;
	cert_make(&(struct cert_spec){.name = "root", .ca = true}, &other);
	for (int i = 0; i < CROWD; i++)
		cert_make(&(struct cert_spec){.name = "below",
					      .ca = true,
					      .issuer = &other},
			  &below[i]);
	cert_make(&(struct cert_spec){.name = "leaf", .issuer = &below[0]}, &leaf);
	cms = certs_cms(text, sizeof(text), signers, NULL);
	for (int i = 0; i < CROWD; i++)
		assert_true(CMS_add1_cert(cms, below[i].x509));
	assert_int_equal(verify(cms, &err), -EKEYREJECTED);
	check_work("another key id");
	cert_free(&leaf);
	for (int i = 0; i < CROWD; i++)
		cert_free(&below[i]);
	cert_free(&other);
}

/* Eight signers without signed attributes: what is not verified is not even of this data.
 */
static void test_no_attributes(void **state)
{
	struct certs_signer signers[SIGNERS + 1] = {0};
	struct verity_error err;
	CMS_ContentInfo *cms;

	(void)state;
	for (int i = 0; i < SIGNERS; i++)
		signers[i].cert = &strangers[i];
	cms = certs_cms_plain(text, sizeof(text), signers);
	assert_int_equal(verify(cms, &err), -EBADMSG);
	check_error(&err, VERITY_E_BAD_SIGNATURE,
		    "signature: of an unknown signer, without signed attributes");
	check_work("no attributes");
	signers[VERITY_CMS_STRANGE_MAX].cert = NULL;
	cms = certs_cms_plain(text, sizeof(text), signers);
	assert_int_equal(verify(cms, &err), -EKEYREJECTED);
}

/* A chain of seven, all of one name, and a crowd of that name beside it. */
static void test_namesakes(void **state)
{
	const struct certs_signer signers[2] = {{.cert = &fakes[0]}};
	struct cert namesakes[CROWD], leaf;
	struct certs_signer own[2] = {{.cert = &leaf}};
	struct verity_error err;
	CMS_ContentInfo *cms;

	(void)state;
	for (int i = 0; i < CROWD; i++)
		cert_make(&(struct cert_spec){.name = "root",
					      .ca = true,
					      .no_key_ids = true,
					      .issuer = i % 7 ? &namesakes[i - 1] : NULL},
			  &namesakes[i]);
	cert_make(&(struct cert_spec){.name = "leaf",
				      .no_key_ids = true,
				      .issuer = &namesakes[6]},
		  &leaf);
	for (int k = 0; k < 2; k++) {
		cms = certs_cms(text, sizeof(text), k ? signers : own, NULL);
		for (int i = 0; i < CROWD; i++)
			assert_true(CMS_add1_cert(cms, namesakes[i].x509));
		assert_int_equal(verify(cms, &err), -EKEYREJECTED);
		check_work("namesakes");
	}
	cert_free(&leaf);
	for (int i = 0; i < CROWD; i++)
		cert_free(&namesakes[i]);
}

static EVP_PKEY *public_rsa(int modulus_bits, int exponent_bits)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = BN_new(), *e = BN_new();
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	assert_true(BN_rand(n, modulus_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
	assert_true(BN_rand(e, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
	assert_true(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n));
	assert_true(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e));
	params = OSSL_PARAM_BLD_to_param(build);
	assert_true(EVP_PKEY_fromdata_init(context) > 0);
	assert_true(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) > 0);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(context);
	BN_free(n);
	BN_free(e);
	return key;
}

static EVP_PKEY *ec_in_form(const char *curve, const char *param, const char *value)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	assert_non_null(key);
	if (param)
		assert_true(EVP_PKEY_set_utf8_string_param(key, param, value));
	return key;
}

static EVP_PKEY *dsa(void)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
	EVP_PKEY *params = NULL, *key = NULL;

	assert_true(EVP_PKEY_paramgen_init(context) > 0);
	assert_true(EVP_PKEY_CTX_set_dsa_paramgen_bits(context, 1024) > 0);
	assert_true(EVP_PKEY_paramgen(context, &params) > 0);
	EVP_PKEY_CTX_free(context);
	context = EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL);
	assert_true(EVP_PKEY_keygen_init(context) > 0);
	assert_true(EVP_PKEY_keygen(context, &key) > 0);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(params);
	return key;
}

#define CURVE                                                                            \
	"signature: the elliptic curve of a key in it is not one that devices know by "  \
	"name"
#define POINT                                                                            \
	"signature: an elliptic curve key in it is not an uncompressed point of its curve"

/* A certificate beside the good ones, with a key that costs much, or a harmless one. */
static void test_keys(void **state)
{
	struct {
		EVP_PKEY *key;
		const char *message; /* NULL: it is trusted */
	} table[] = {
		{public_rsa(4096, 17), NULL},
		{public_rsa(4096, 32), NULL},
		{public_rsa(4097, 17),
		 "signature: an RSA key in it has 4097 bits, over the limit of 4096"},
		{public_rsa(16384, 17),
		 "signature: an RSA key in it has 16384 bits, over the limit of 4096"},
		{public_rsa(3072, 33), "signature: the exponent of an RSA key in it has "
				       "33 bits, over the limit of 32"},
		{public_rsa(3072, 3072), "signature: the exponent of an RSA key in it "
					 "has 3072 bits, over the limit of 32"},
		{ec_in_form("P-521", NULL, NULL), NULL},
		{ec_in_form("brainpoolP512r1", NULL, NULL), NULL},
		{ec_in_form("P-256", OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), CURVE},
		{ec_in_form("P-521", OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), CURVE},
		{ec_in_form("sect571r1", NULL, NULL), CURVE},
		{ec_in_form("P-521", OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
			    "compressed"),
		 POINT},
		{EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL},
		{EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
		 "signature: the type of a key in it is not RSA, EC or EdDSA"},
		{dsa(), "signature: the type of a key in it is not RSA, EC or EdDSA"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct certs_signer signers[] = {{.cert = &good}, {0}};
		const struct cert *enclosed[2] = {NULL};
		struct verity_error err;
		struct cert with;
		int r;

		cert_make(&(struct cert_spec){.name = "with",
					      .same_key = table[i].key,
					      .issuer = &root},
			  &with);
		enclosed[0] = &with;
		r = verify(certs_cms(text, sizeof(text), signers, enclosed), &err);
		if (table[i].message) {
			assert_int_equal(r, -EBADMSG);
			check_error(&err, VERITY_E_BAD_SIGNATURE, table[i].message);
			assert_int_equal(work.operations, 0);
		} else {
			check_ok(r, &err);
		}
		check_work("a key");
		cert_free(&with);
		EVP_PKEY_free(table[i].key);
	}
}

static CMS_SignerInfo *first(CMS_ContentInfo *cms)
{
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
}

static void add_extensions(CMS_ContentInfo *cms)
{
	X509 *x509 = X509_dup(good.x509);

	for (int i = 0; i < VERITY_CMS_EXTENSIONS_MAX; i++) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, "x");

		assert_true(X509_add_ext(x509, extension, -1));
		X509_EXTENSION_free(extension);
	}
	assert_true(X509_sign(x509, root.key, EVP_sha256()) > 0);
	assert_true(CMS_add1_cert(cms, x509));
	X509_free(x509);
}

static void add_comment(CMS_ContentInfo *cms)
{
	char comment[VERITY_CMS_CERTIFICATE_MAX];
	X509 *x509 = X509_dup(good.x509);
	X509_EXTENSION *extension;

	memset(comment, 'x', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = '\0';
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, comment);
	assert_true(X509_add_ext(x509, extension, -1));
	assert_true(X509_sign(x509, root.key, EVP_sha256()) > 0);
	assert_true(CMS_add1_cert(cms, x509));
	X509_EXTENSION_free(extension);
	X509_free(x509);
}

/* Elements in an extension, which OpenSSL would decode one by one. */
static void add_names(CMS_ContentInfo *cms)
{
	for (int i = 0; i < 8; i++) {
		X509 *x509 = X509_dup(good.x509);
		GENERAL_NAMES *list = GENERAL_NAMES_new();

		assert_true(ASN1_INTEGER_set(X509_get_serialNumber(x509), 1000 + i));
		for (int k = 0; k < 1200; k++) {
			GENERAL_NAME *name = GENERAL_NAME_new();
			ASN1_IA5STRING *dns = ASN1_IA5STRING_new();

			assert_true(ASN1_STRING_set(dns, "a", 1));
			GENERAL_NAME_set0_value(name, GEN_DNS, dns);
			sk_GENERAL_NAME_push(list, name);
		}
		assert_true(X509_add1_ext_i2d(x509, NID_subject_alt_name, list, 0, 0));
		assert_true(X509_sign(x509, root.key, EVP_sha256()) > 0);
		assert_true(CMS_add1_cert(cms, x509));
		GENERAL_NAMES_free(list);
		X509_free(x509);
	}
}

static void add_attributes(CMS_ContentInfo *cms)
{
	for (int i = 0; i < VERITY_CMS_SIGNED_ATTRIBUTES_MAX; i++) {
		char oid[32];

		snprintf(oid, sizeof(oid), "1.3.6.1.4.1.%d", i + 1);
		assert_true(CMS_signed_add1_attr_by_txt(first(cms), oid,
							V_ASN1_OCTET_STRING, "", 0));
	}
}

static void add_large_attribute(CMS_ContentInfo *cms)
{
	static const char large[VERITY_CMS_SIGNED_BYTES_MAX];

	assert_true(CMS_signed_add1_attr_by_txt(
		first(cms), "1.3.6.1.4.1.1", V_ASN1_OCTET_STRING, large, sizeof(large)));
}

static void add_unsigned(CMS_ContentInfo *cms)
{
	assert_true(CMS_unsigned_add1_attr_by_NID(first(cms), NID_pkcs9_countersignature,
						  V_ASN1_SEQUENCE, "\x30\x00", 2));
}

static void add_crl(CMS_ContentInfo *cms)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *now = ASN1_TIME_set(NULL, CERTS_NOW);

	assert_true(X509_CRL_set_issuer_name(crl, X509_get_subject_name(root.x509)));
	assert_true(X509_CRL_set1_lastUpdate(crl, now));
	assert_true(X509_CRL_sign(crl, root.key, EVP_sha256()) > 0);
	assert_true(CMS_add1_crl(cms, crl));
	X509_CRL_free(crl);
	ASN1_TIME_free(now);
}

/* More of something than any honest signature has. */
static void test_numbers(void **state)
{
	static const struct {
		void (*spoil)(CMS_ContentInfo *cms);
		const char *message;
	} table[] = {
		{add_extensions, "signature: too many extensions of a certificate: 33, "
				 "over the limit of 32"},
		{add_comment, NULL},
		{add_names, "signature: it has too many elements of DER"},
		{add_attributes, NULL},
		{add_large_attribute, NULL},
		{add_unsigned,
		 "signature: it has attributes that are not signed, other than one timestamp"},
		{add_crl,
		 "signature: it encloses revocation lists, which devices do not use"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct certs_signer signers[] = {{.cert = &good}, {0}};
		CMS_ContentInfo *cms = certs_cms(text, sizeof(text), signers, NULL);
		struct verity_error err;

		table[i].spoil(cms);
		assert_int_equal(verify(cms, &err), -EBADMSG);
		assert_int_equal(err.code, VERITY_E_BAD_SIGNATURE);
		if (table[i].message)
			check_error(&err, VERITY_E_BAD_SIGNATURE, table[i].message);
		else if (!strstr(err.message, "over the limit of"))
			fail_msg("%s", err.message);
		assert_int_equal(work.operations, 0);
		check_work(err.message);
	}
}

static int setup(void **state)
{
	(void)state;
	count_keys();
	cert_make(&(struct cert_spec){.name = "root", .ca = true}, &root);
	cert_make(&(struct cert_spec){.name = "good", .issuer = &root}, &good);
	cert_make(&(struct cert_spec){.name = "sub", .ca = true, .issuer = &root}, &sub);
	cert_make(&(struct cert_spec){.name = "sub good", .issuer = &sub}, &sub_good);
	for (int i = 0; i < SIGNERS; i++) {
		struct cert twin = root;

		/* a name and a key id as those of the root, and another key */
		twin.key = EVP_EC_gen("P-256");
		cert_make(&(struct cert_spec){.name = "fake", .issuer = &twin},
			  &fakes[i]);
		EVP_PKEY_free(twin.key);
		cert_make(&(struct cert_spec){.name = "stranger", .key = "P-256"},
			  &strangers[i]);
	}
	for (int i = 0; i < CROWD; i++)
		cert_make(&(struct cert_spec){.name = i % 2 ? "crowd" : "stranger",
					      .ca = true,
					      .issuer = i > 7 ? &crowd[i - 8] : NULL},
			  &crowd[i]);
	ring = certs_ring((const struct certs_anchor[]){{"root.pem", &root}, {0}});
	return 0;
}

static int teardown(void **state)
{
	struct cert *const all[] = {&root, &good, &sub, &sub_good};

	(void)state;
	verity_keyring_free(ring);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		cert_free(all[i]);
	for (int i = 0; i < SIGNERS; i++) {
		cert_free(&fakes[i]);
		cert_free(&strangers[i]);
	}
	for (int i = 0; i < CROWD; i++)
		cert_free(&crowd[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_honest),        cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_namesakes),     cmocka_unit_test(test_keys),
		cmocka_unit_test(test_numbers),       cmocka_unit_test(test_other_key_id),
		cmocka_unit_test(test_no_attributes), cmocka_unit_test(test_known),
	};

	if (!CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free))
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
