/* SPDX-License-Identifier: MIT */

/* Timestamps of an authority: its time counts, and nothing of it can be changed. */

#include <errno.h>
#include <openssl/ts.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/certs.h"
#include "verity/cms/openssl.h"
#include "verity/cms/parts.h"
#include "verity/sign/stamp.h"
#include "verity/util/cleanup.h"

#define CHAIN "the signer does not chain to a key of this device: "

static const char text[] = "{\"type\":\"package\"}";

static struct cert root, good, brief, later, tsa_root, tsa, tsa_sub, tsa_below, tsa_brief;
static struct cert own_tsa, stranger_tsa, tsa_leaf;
static struct verity_keyring *ring, *strict;

static ASN1_INTEGER *next_serial(TS_RESP_CTX *context, void *data)
{
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	(void)context;
	(void)data;
	assert_true(ASN1_INTEGER_set(serial, 7));
	return serial;
}

static int tell_time(TS_RESP_CTX *context, void *data, long *seconds, long *microseconds)
{
	(void)context;
	*seconds = (long)*(const int64_t *)data;
	*microseconds = 0;
	return 1;
}

/* What an authority answers; DER, OPENSSL_free(). */
static unsigned char *answer(const uint8_t *query, size_t query_bytes,
			     const struct cert *authority, const struct cert *above,
			     int64_t when, size_t *ret_bytes)
{
	TS_RESP_CTX *context = TS_RESP_CTX_new();
	BIO *request = BIO_new_mem_buf(query, (int)query_bytes);
	STACK_OF(X509) *certificates = sk_X509_new_null();
	ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
	unsigned char *der = NULL;
	TS_RESP *response;
	int bytes;

	if (above)
		assert_true(sk_X509_push(certificates, above->x509) > 0);
	TS_RESP_CTX_set_serial_cb(context, next_serial, NULL);
	TS_RESP_CTX_set_time_cb(context, tell_time, &when);
	assert_true(TS_RESP_CTX_set_signer_cert(context, authority->x509));
	assert_true(TS_RESP_CTX_set_signer_key(context, authority->key));
	assert_true(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()));
	assert_true(TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()));
	assert_true(TS_RESP_CTX_set_def_policy(context, policy));
	ASN1_OBJECT_free(policy);
	assert_true(TS_RESP_CTX_set_certs(context, certificates));
	assert_true(TS_RESP_CTX_add_md(context, EVP_sha256()));
	response = TS_RESP_create_response(context, request);
	assert_non_null(response);
	bytes = i2d_TS_RESP(response, &der);
	assert_true(bytes > 0);
	TS_RESP_free(response);
	TS_RESP_CTX_free(context);
	BIO_free_all(request);
	sk_X509_free(certificates);
	*ret_bytes = (size_t)bytes;
	return der;
}

static uint8_t *sign(const struct cert *signer, int64_t when, size_t *ret_bytes)
{
	const struct certs_signer signers[] = {{.cert = signer, .when = when}, {0}};

	return certs_sign(text, sizeof(text), signers, NULL, ret_bytes);
}

/* Frees @der. */
static uint8_t *stamp(uint8_t *der, size_t *bytes, const struct cert *authority,
		      const struct cert *above, int64_t when)
{
	cleanup_free uint8_t *query = NULL;
	struct verity_error err;
	size_t query_bytes, answer_bytes;
	unsigned char *response;
	uint8_t *stamped;

	check_ok(verity_timestamp_query(der, *bytes, &query, &query_bytes, &err), &err);
	response = answer(query, query_bytes, authority, above, when, &answer_bytes);
	check_ok(verity_timestamp_add(der, *bytes, response, answer_bytes, &stamped,
				      bytes, &err),
		 &err);
	OPENSSL_free(response);
	OPENSSL_free(der);
	return stamped;
}

static int verify(const uint8_t *der, size_t bytes, const struct verity_keyring *keyring,
		  struct verity_signatures *ret, struct verity_error *err)
{
	err->code = VERITY_OK;
	return verity_cms_verify(text, sizeof(text), der, bytes, keyring,
				 VERITY_PURPOSE_PACKAGE, ret, err);
}

/* The two kinds of time, and who is to be believed. */
static void test_times(void **state)
{
	const int64_t now = CERTS_NOW, year = CERTS_YEAR;
	const struct {
		const struct cert *signer;
		int64_t signed_at;
		const struct cert *authority, *above;
		int64_t stamped_at;  /* what the token says; 0: there is none */
		const char *message; /* with the ring that requires none; NULL: trusted */
		const char *strict;  /* with the one that does */
		const char *by;      /* "": the token does not count */
	} table[] = {
		{&good, now, NULL, NULL, 0, NULL, "its signature has no timestamp", ""},
		{&good, now, &tsa, NULL, now + 60, NULL, NULL, "public.tsa.pem"},
		{&good, now, &tsa_below, &tsa_sub, now + 60, NULL, NULL,
		 "public.tsa.pem"},
		{&good, now, &own_tsa, NULL, now + 60, NULL, NULL, "root.pem"},
		/* a stolen key, whose certificate has expired, says an earlier time */
		{&brief, now, NULL, NULL, 0, NULL, "its signature has no timestamp", ""},
		{&brief, now, &tsa, NULL, now + 2 * year, CHAIN "certificate has expired",
		 CHAIN "certificate has expired", "public.tsa.pem"},
		/* a clock that was wrong when it was signed */
		{&later, now, NULL, NULL, 0, CHAIN "certificate is not yet valid",
		 CHAIN "certificate is not yet valid", ""},
		{&later, now, &tsa, NULL, now + 2 * year, NULL, NULL, "public.tsa.pem"},
		/* an authority that the device does not know */
		{&good, now, &stranger_tsa, NULL, now + 60, NULL,
		 "the authority of its timestamp is not in this device's key ring", ""},
		{&brief, now, &stranger_tsa, NULL, now + 2 * year, NULL,
		 "the authority of its timestamp is not in this device's key ring", ""},
		/* one of the ring that must not confirm this time */
		{&good, now, &tsa_brief, NULL, now + 3 * year,
		 "timestamp: " CHAIN "certificate has expired",
		 "timestamp: " CHAIN "certificate has expired", ""},
		/* an authority for timestamps vouches for no signer */
		{&tsa_leaf, now, &tsa, NULL, now,
		 CHAIN "unable to get local issuer certificate",
		 CHAIN "unable to get local issuer certificate", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t bytes;
		uint8_t *der = sign(table[i].signer, table[i].signed_at, &bytes);

		if (table[i].stamped_at)
			der = stamp(der, &bytes, table[i].authority, table[i].above,
				    table[i].stamped_at);
		for (int k = 0; k < 2; k++) {
			const char *message = k ? table[i].strict : table[i].message;
			struct verity_signatures found;
			struct verity_error err;
			int r = verify(der, bytes, k ? strict : ring, &found, &err);

			if (message) {
				assert_int_equal(r, -EKEYREJECTED);
				check_error(&err,
					    strstr(message, "its ")
						    ? VERITY_E_MISSING_TIMESTAMP
						    : VERITY_E_UNTRUSTED_SIGNER,
					    message);
				assert_string_equal(found.signers[0].anchor, "");
			} else {
				check_ok(r, &err);
			}
			assert_string_equal(found.signers[0].stamped_by, table[i].by);
			assert_int_equal(found.signers[0].stamped_at,
					 table[i].by[0] ? table[i].stamped_at : -1);
			assert_int_equal(found.signers[0].signed_at, table[i].signed_at);
		}
		free(der);
	}
}

/* No changed bit makes another time, or trust that was not there. */
static void test_flips(void **state)
{
	struct verity_signatures found;
	struct verity_error err;
	size_t bytes, bad = 0, none = 0, refused = 0;
	uint8_t *der = sign(&good, CERTS_NOW, &bytes);
	size_t plain = bytes;

	(void)state;
	der = stamp(der, &bytes, &tsa, NULL, CERTS_NOW + 60);
	check_ok(verify(der, bytes, strict, &found, &err), &err);
	for (size_t bit = 8 * (plain - 64); bit < bytes * 8; bit += 3) {
		int r;

		der[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = verify(der, bytes, strict, &found, &err);
		der[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (r == -EBADMSG)
			bad++;
		else if (r == -EKEYREJECTED && err.code == VERITY_E_MISSING_TIMESTAMP)
			none++;
		else if (r == -EKEYREJECTED)
			refused++;
		else
			fail_msg("byte %zu of %zu: %d", bit / 8, bytes, r);
	}
	assert_true(bad > none + refused);
	free(der);
}

/* The token of one signature in another; responses that are none. */
static void test_other_signature(void **state)
{
	cleanup_free uint8_t *query = NULL;
	size_t first_bytes, second_bytes, query_bytes, bytes, made;
	uint8_t *first = sign(&good, CERTS_NOW, &first_bytes);
	uint8_t *second = sign(&good, CERTS_NOW + 1, &second_bytes), *ret = NULL;
	static const uint8_t refusal[] = {0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02};
	struct verity_error err;
	unsigned char *response;

	(void)state;
	check_ok(verity_timestamp_query(first, first_bytes, &query, &query_bytes, &err),
		 &err);
	response = answer(query, query_bytes, &tsa, NULL, CERTS_NOW, &bytes);
	assert_int_equal(verity_timestamp_add(second, second_bytes, response, bytes, &ret,
					      &made, &err),
			 -EINVAL);
	check_error(&err, VERITY_E_KEY, "timestamp: it is not over this signature");
	assert_int_equal(verity_timestamp_add(second, second_bytes, refusal,
					      sizeof(refusal), &ret, &made, &err),
			 -EINVAL);
	check_error(&err, VERITY_E_KEY, "the timestamp authority has refused: status 2");
	assert_int_equal(verity_timestamp_add(second, second_bytes, response, bytes - 1,
					      &ret, &made, &err),
			 -EINVAL);
	check_error(&err, VERITY_E_KEY, "not a timestamp response (DER)");
	assert_null(ret);
	OPENSSL_free(response);
	OPENSSL_free(second);
	/* once is enough */
	first = stamp(first, &first_bytes, &tsa, NULL, CERTS_NOW);
	free(query);
	query = NULL;
	assert_int_equal(
		verity_timestamp_query(first, first_bytes, &query, &query_bytes, &err),
		-EINVAL);
	check_error(&err, VERITY_E_KEY, "each signature in it has a timestamp already");
	free(first);
}

static CMS_ContentInfo *decode(const uint8_t *der, size_t bytes)
{
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, (long)bytes);

	assert_non_null(cms);
	return cms;
}

static CMS_SignerInfo *signer_of(CMS_ContentInfo *cms)
{
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
}

/* Put into a package by somebody who can change it: another token, two, another
 * attribute. */
static void test_spoiled(void **state)
{
	struct verity_signatures found;
	struct verity_error err;
	size_t bytes, other_bytes, spoiled_bytes;
	uint8_t *der = sign(&good, CERTS_NOW, &bytes);
	uint8_t *other = sign(&good, CERTS_NOW + 1, &other_bytes);
	ASN1_TYPE *token;

	(void)state;
	der = stamp(der, &bytes, &tsa, NULL, CERTS_NOW);
	other = stamp(other, &other_bytes, &tsa, NULL, CERTS_NOW);
	for (int i = 0; i < 4; i++) {
		CMS_ContentInfo *cms = decode(der, bytes);
		CMS_ContentInfo *from = decode(other, other_bytes);
		uint8_t *spoiled;

		token = X509_ATTRIBUTE_get0_type(
			CMS_unsigned_get_attr(signer_of(from), 0), 0);
		if (i != 1)
			X509_ATTRIBUTE_free(CMS_unsigned_delete_attr(signer_of(cms), 0));
		if (i == 2)
			assert_true(CMS_unsigned_add1_attr_by_NID(
				signer_of(cms), NID_pkcs9_countersignature,
				V_ASN1_SEQUENCE, token->value.sequence->data,
				token->value.sequence->length));
		else if (i == 3)
			assert_true(CMS_unsigned_add1_attr_by_NID(
				signer_of(cms), NID_id_smime_aa_timeStampToken,
				V_ASN1_SEQUENCE, "\x30\x00", 2));
		else
			assert_true(CMS_unsigned_add1_attr_by_NID(
				signer_of(cms), NID_id_smime_aa_timeStampToken,
				V_ASN1_SEQUENCE, token->value.sequence->data,
				token->value.sequence->length));
		spoiled = certs_der(cms, &spoiled_bytes);
		CMS_ContentInfo_free(from);
		assert_int_equal(verify(spoiled, spoiled_bytes, ring, &found, &err),
				 -EBADMSG);
		assert_int_equal(err.code, VERITY_E_BAD_SIGNATURE);
		if (i == 0)
			assert_string_equal(err.message,
					    "timestamp: it is not over this signature");
		OPENSSL_free(spoiled);
	}
	free(der);
	free(other);
}

/* The same signature with and without a timestamp is not two. */
static void test_twice(void **state)
{
	struct verity_signatures found;
	struct verity_error err;
	size_t bytes, both_bytes;
	uint8_t *der = sign(&good, CERTS_NOW, &bytes), *twice;
	CMS_ContentInfo *cms = decode(der, bytes), *with;
	STACK_OF(CMS_SignerInfo) * infos;

	(void)state;
	der = stamp(der, &bytes, &tsa, NULL, CERTS_NOW);
	with = decode(der, bytes);
	infos = CMS_get0_SignerInfos(with);
	sk_CMS_SignerInfo_push(infos, sk_CMS_SignerInfo_pop(CMS_get0_SignerInfos(cms)));
	twice = certs_der(with, &both_bytes);
	assert_int_equal(verify(twice, both_bytes, ring, &found, &err), -EBADMSG);
	check_error(&err, VERITY_E_BAD_SIGNATURE,
		    "signature: one signature is in it twice");
	OPENSSL_free(twice);
	CMS_ContentInfo_free(cms);
	free(der);
}

/*
 * Under a key that is made for it, the bytes of a signature, and with them its timestamp,
 * are valid for other data; not where the data says which certificate it is of.
 */
static void test_names_no_certificate(void **state)
{
	struct verity_signatures found;
	struct verity_error err;
	size_t bytes, query_bytes, answer_bytes;
	uint8_t *der = sign(&good, CERTS_NOW, &bytes), *query, *stamped;
	CMS_ContentInfo *cms = decode(der, bytes);
	unsigned char *response, *token = NULL;
	const unsigned char *next;
	TS_RESP *decoded;
	int index, token_bytes;

	(void)state;
	index = CMS_signed_get_attr_by_NID(signer_of(cms),
					   NID_id_smime_aa_signingCertificateV2, -1);
	assert_true(index >= 0);
	X509_ATTRIBUTE_free(CMS_signed_delete_attr(signer_of(cms), index));
	certs_sign_again(signer_of(cms), good.key, EVP_sha256());
	OPENSSL_free(der);
	der = certs_der(cms, &bytes);
	check_ok(verify(der, bytes, ring, &found, &err), &err);
	check_ok(verity_timestamp_query(der, bytes, &query, &query_bytes, &err), &err);
	response = answer(query, query_bytes, &tsa, NULL, CERTS_NOW, &answer_bytes);
	assert_true(verity_timestamp_add(der, bytes, response, answer_bytes, &stamped,
					 &bytes, &err) < 0);
	assert_non_null(
		strstr(err.message, "the signature does not name its certificate"));

	next = response;
	decoded = d2i_TS_RESP(NULL, &next, (long)answer_bytes);
	token_bytes = i2d_PKCS7(TS_RESP_get_token(decoded), &token);
	cms = decode(der, bytes);
	assert_true(CMS_unsigned_add1_attr_by_NID(signer_of(cms),
						  NID_id_smime_aa_timeStampToken,
						  V_ASN1_SEQUENCE, token, token_bytes));
	stamped = certs_der(cms, &bytes);
	check_ok(verify(stamped, bytes, ring, &found, &err), &err);
	assert_int_equal(found.signers[0].stamped_at, -1);
	assert_int_equal(verify(stamped, bytes, strict, &found, &err), -EKEYREJECTED);
	check_error(&err, VERITY_E_MISSING_TIMESTAMP,
		    "its signature has a timestamp, but does not name its certificate "
		    "(signingCertificateV2)");
	TS_RESP_free(decoded);
	OPENSSL_free(token);
	OPENSSL_free(response);
	OPENSSL_free(stamped);
	OPENSSL_free(der);
	free(query);
}

static int setup(void **state)
{
	static const char usage[] = "critical,timeStamping";
	const int64_t now = CERTS_NOW, year = CERTS_YEAR;

	(void)state;
	/* as devices do: every digest that they accept is there */
	verity_openssl_start();
	cert_make(&(struct cert_spec){.name = "root", .ca = true}, &root);
	cert_make(&(struct cert_spec){.name = "good", .issuer = &root}, &good);
	cert_make(&(struct cert_spec){.name = "brief",
				      .issuer = &root,
				      .until = now + year},
		  &brief);
	cert_make(
		&(struct cert_spec){.name = "later", .issuer = &root, .from = now + year},
		&later);
	cert_make(&(struct cert_spec){.name = "public", .ca = true}, &tsa_root);
	cert_make(&(struct cert_spec){.name = "tsa", .usage = usage, .issuer = &tsa_root},
		  &tsa);
	cert_make(&(struct cert_spec){.name = "tsa sub",
				      .ca = true,
				      .usage = usage,
				      .issuer = &tsa_root},
		  &tsa_sub);
	cert_make(&(struct cert_spec){.name = "tsa below",
				      .usage = usage,
				      .issuer = &tsa_sub},
		  &tsa_below);
	cert_make(&(struct cert_spec){.name = "tsa brief",
				      .usage = usage,
				      .until = now + year,
				      .issuer = &tsa_root},
		  &tsa_brief);
	cert_make(&(struct cert_spec){.name = "own", .usage = usage, .issuer = &root},
		  &own_tsa);
	cert_make(&(struct cert_spec){.name = "stranger", .usage = usage}, &stranger_tsa);
	cert_make(&(struct cert_spec){.name = "signer", .issuer = &tsa_root}, &tsa_leaf);
	const struct certs_anchor anchors[] = {
		{"public.tsa.pem", &tsa_root}, {"root.pem", &root}, {0}};
	ring = certs_ring(anchors);
	strict = certs_ring(anchors);
	verity_keyring_require_timestamps(strict);
	assert_int_equal(verity_keyring_count(ring), 1);
	return 0;
}

static int teardown(void **state)
{
	struct cert *const all[] = {&root,      &good,    &brief,        &later,
				    &tsa_root,  &tsa,     &tsa_sub,      &tsa_below,
				    &tsa_brief, &own_tsa, &stranger_tsa, &tsa_leaf};

	(void)state;
	verity_keyring_free(ring);
	verity_keyring_free(strict);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		cert_free(all[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_other_signature),
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_names_no_certificate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
