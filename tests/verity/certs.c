/* SPDX-License-Identifier: MIT */
#include "tests/verity/certs.h"

#include <fcntl.h>
#include <openssl/conf.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

static EVP_PKEY *make_key(const char *type)
{
	EVP_PKEY_CTX *context;
	EVP_PKEY *key = NULL;
	const char *bits;

	if (strncmp(type, "RSA", 3) != 0)
		return strncmp(type, "ED", 2) == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, type)
						   : EVP_EC_gen(type);
	bits = strchr(type, ':');
	assert_non_null(bits);
	context = EVP_PKEY_CTX_new_from_name(
		NULL, strncmp(type, "RSA-PSS", 7) == 0 ? "RSA-PSS" : "RSA", NULL);
	assert_true(EVP_PKEY_keygen_init(context) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(context, atoi(bits + 1)) > 0);
	assert_true(EVP_PKEY_generate(context, &key) > 0);
	EVP_PKEY_CTX_free(context);
	return key;
}

static void add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	CONF *sections = NCONF_new(NULL); /* of policies: none, but it must be there */
	X509V3_CTX context;

	if (*value) {
		X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
		X509V3_set_nconf(&context, sections);
		extension = X509V3_EXT_nconf_nid(sections, &context, nid, value);
		assert_non_null(extension);
		assert_true(X509_add_ext(x509, extension, -1));
		X509_EXTENSION_free(extension);
	}
	NCONF_free(sections);
}

static void add_extensions(const struct cert_spec *spec, X509 *x509, X509 *issuer)
{
	const char *usage = spec->usage ?: spec->ca ? "" : "codeSigning";
	const char *key_usage = spec->key_usage
					?: spec->ca ? "critical,keyCertSign"
						    : "critical,digitalSignature";

	add_extension(x509, issuer, NID_basic_constraints,
		      spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(x509, issuer, NID_key_usage, key_usage);
	add_extension(x509, issuer, NID_ext_key_usage, usage);
	for (size_t i = 0; i < 3 && spec->more[i][0]; i++)
		add_extension(x509, issuer, OBJ_txt2nid(spec->more[i][0]),
			      spec->more[i][1]);
	if (spec->no_key_ids)
		return;
	add_extension(x509, issuer, NID_subject_key_identifier, "hash");
	add_extension(x509, issuer, NID_authority_key_identifier, "keyid");
}

void cert_make(const struct cert_spec *spec, struct cert *ret)
{
	static long serial;
	X509 *x509 = X509_new();
	X509 *issuer = spec->issuer ? spec->issuer->x509 : x509;
	size_t bytes = spec->name_bytes ?: strlen(spec->name);
	EVP_PKEY *signing;

	ret->key = spec->same_key ?: make_key(spec->key ?: "P-256");
	if (spec->same_key)
		EVP_PKEY_up_ref(ret->key);
	assert_non_null(ret->key);
	ret->x509 = x509;
	assert_true(X509_set_version(x509, X509_VERSION_3));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial));
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x509),
				      spec->from ?: CERTS_NOW - CERTS_YEAR));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x509),
				      spec->until ?: CERTS_NOW + 9 * CERTS_YEAR));
	assert_true(X509_NAME_add_entry_by_NID(
		X509_get_subject_name(x509), NID_commonName, V_ASN1_UTF8STRING,
		(const unsigned char *)spec->name, (int)bytes, -1, 0));
	assert_true(X509_set_issuer_name(x509, X509_get_subject_name(issuer)));
	assert_true(X509_set_pubkey(x509, ret->key));
	add_extensions(spec, x509, issuer);
	signing = spec->issuer ? spec->issuer->key : ret->key;
	assert_true(X509_sign(x509, signing,
			      EVP_PKEY_get_base_id(signing) == EVP_PKEY_ED25519
				      ? NULL
				      : spec->digest ?: EVP_sha256()) > 0);
}

void cert_free(struct cert *cert)
{
	EVP_PKEY_free(cert->key);
	X509_free(cert->x509);
}

void cert_key_id(const struct cert *cert, uint8_t ret[static VERITY_KEY_ID_BYTES])
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(cert->key, &der);

	assert_true(size > 0);
	assert_true(EVP_Digest(der, (size_t)size, ret, NULL, EVP_sha256(), NULL));
	OPENSSL_free(der);
}

static BIO *create(const char *path)
{
	BIO *bio = BIO_new_file(path, "we");

	assert_non_null(bio);
	return bio;
}

static void write_x509(const char *path, const struct cert *cert)
{
	BIO *bio = create(path);

	assert_true(PEM_write_bio_X509(bio, cert->x509));
	BIO_free_all(bio);
}

struct verity_keyring *certs_ring(const struct certs_anchor *anchors)
{
	char folder[] = "/tmp/wmopkg-test-ring.XXXXXX", path[sizeof(folder) + 256];
	struct verity_keyring *ring;
	struct verity_error err;

	assert_non_null(mkdtemp(folder));
	for (const struct certs_anchor *a = anchors; a->file; a++) {
		snprintf(path, sizeof(path), "%s/%s", folder, a->file);
		write_x509(path, a->cert);
	}
	check_ok(verity_keyring_load(folder, &ring, &err), &err);
	for (const struct certs_anchor *a = anchors; a->file; a++) {
		snprintf(path, sizeof(path), "%s/%s", folder, a->file);
		unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
	return ring;
}

static void set_pss(CMS_SignerInfo *info, const struct certs_signer *signer)
{
	EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(info);

	assert_true(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(
			    context, signer->salt_bytes ?: RSA_PSS_SALTLEN_DIGEST) > 0);
	if (signer->mgf1)
		assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(context, signer->mgf1) > 0);
}

static void add_signer(CMS_ContentInfo *cms, const struct certs_signer *signer)
{
	unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP | CMS_CADES |
			 CMS_KEY_PARAM | (signer->hidden ? CMS_NOCERTS : 0) |
			 (signer->by_key_id ? CMS_USE_KEYID : 0);
	ASN1_TIME *when = ASN1_TIME_set(NULL, signer->when ?: CERTS_NOW);
	CMS_SignerInfo *info = CMS_add1_signer(cms, signer->cert->x509, signer->cert->key,
					       signer->digest ?: EVP_sha256(), flags);

	assert_non_null(info);
	if (signer->pss)
		set_pss(info, signer);
	assert_true(CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, when->type,
						when, -1));
	ASN1_TIME_free(when);
}

CMS_ContentInfo *certs_cms(const void *data, size_t size,
			   const struct certs_signer *signers,
			   const struct cert *const *enclosed)
{
	const unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP;
	BIO *content = BIO_new_mem_buf(data, (int)size);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, content, flags);

	assert_non_null(cms);
	for (; signers->cert; signers++)
		add_signer(cms, signers);
	for (; enclosed && *enclosed; enclosed++)
		assert_true(CMS_add1_cert(cms, (*enclosed)->x509));
	assert_true(CMS_final(cms, content, NULL, flags));
	BIO_free_all(content);
	return cms;
}

CMS_ContentInfo *certs_cms_plain(const void *data, size_t size,
				 const struct certs_signer *signers)
{
	const unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_NOATTR;
	BIO *content = BIO_new_mem_buf(data, (int)size);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, content, flags);

	assert_non_null(cms);
	for (; signers->cert; signers++)
		assert_non_null(CMS_add1_signer(cms, signers->cert->x509,
						signers->cert->key, EVP_sha256(), flags));
	assert_true(CMS_final(cms, content, NULL, flags));
	BIO_free_all(content);
	return cms;
}

static int compare_der(const void *a, const void *b)
{
	const ASN1_STRING *const *x = a, *const *y = b;
	int x_size = ASN1_STRING_length(*x), y_size = ASN1_STRING_length(*y);
	int r = memcmp(ASN1_STRING_get0_data(*x), ASN1_STRING_get0_data(*y),
		       (size_t)(x_size < y_size ? x_size : y_size));

	return r ?: x_size - y_size;
}

/* The attributes as RFC 5652 §5.4 has them signed: a SET, each in its DER, sorted. */
static size_t encode_attributes(const CMS_SignerInfo *signer, unsigned char *ret,
				size_t room)
{
	ASN1_STRING *each[8];
	int count = CMS_signed_get_attr_count(signer), total = 0;
	unsigned char *at = ret;

	assert_in_range(count, 1, 8);
	for (int i = 0; i < count; i++) {
		unsigned char *der = NULL;
		int bytes = i2d_X509_ATTRIBUTE(CMS_signed_get_attr(signer, i), &der);

		assert_true(bytes > 0);
		each[i] = ASN1_STRING_new();
		ASN1_STRING_set0(each[i], der, bytes);
		total += bytes;
	}
	assert_true((size_t)total + 8 < room);
	qsort(each, (size_t)count, sizeof(each[0]), compare_der);
	ASN1_put_object(&at, 1, total, V_ASN1_SET, V_ASN1_UNIVERSAL);
	for (int i = 0; i < count; i++) {
		size_t bytes = (size_t)ASN1_STRING_length(each[i]);

		memcpy(at, ASN1_STRING_get0_data(each[i]), bytes);
		at += bytes;
		ASN1_STRING_free(each[i]);
	}
	return (size_t)(at - ret);
}

void certs_sign_again(CMS_SignerInfo *signer, EVP_PKEY *key, const EVP_MD *digest)
{
	unsigned char attributes[4096], signature[1024];
	size_t bytes = encode_attributes(signer, attributes, sizeof(attributes));
	size_t signature_bytes = sizeof(signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	assert_true(EVP_DigestSignInit(context, NULL, digest, NULL, key) > 0);
	assert_true(EVP_DigestSign(context, signature, &signature_bytes, attributes,
				   bytes) > 0);
	assert_true(ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(signer),
					  signature, (int)signature_bytes));
	EVP_MD_CTX_free(context);
}

uint8_t *certs_der(CMS_ContentInfo *cms, size_t *ret_size)
{
	unsigned char *der = NULL;
	int size = i2d_CMS_ContentInfo(cms, &der);

	assert_true(size > 0);
	CMS_ContentInfo_free(cms);
	*ret_size = (size_t)size;
	return der;
}

uint8_t *certs_sign(const void *data, size_t size, const struct certs_signer *signers,
		    const struct cert *const *enclosed, size_t *ret_size)
{
	return certs_der(certs_cms(data, size, signers, enclosed), ret_size);
}

struct verity_signing_key *certs_signing_key(const struct cert *cert,
					     const struct cert *chain)
{
	char folder[] = "/tmp/wmopkg-test-key.XXXXXX", paths[3][64];
	struct verity_signing_key *key;
	struct verity_error err;
	BIO *bio;

	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < 3; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%d.pem", folder, i);
	bio = create(paths[0]);
	assert_true(PEM_write_bio_PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL));
	BIO_free_all(bio);
	write_x509(paths[1], cert);
	write_x509(paths[2], chain ?: cert);
	check_ok(verity_signing_key_load(paths[0], paths[1], chain ? paths[2] : NULL,
					 NULL, &key, &err),
		 &err);
	for (int i = 0; i < 3; i++)
		unlink(paths[i]);
	assert_int_equal(rmdir(folder), 0);
	return key;
}
