/* SPDX-License-Identifier: MIT */

/* Who is trusted: roots that are rotated, intermediates, validity, purposes, weakness. */

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/certs.h"
#include "verity/cms/certificate.h"
#include "verity/cms/openssl.h"
#include "verity/sign/devkeys.h"
#include "verity/util/cleanup.h"

#define CHAIN     "the signer does not chain to a key of this device: "
#define NO_ISSUER CHAIN "unable to get local issuer certificate"
#define NOT_FOR_PACKAGES                                                                 \
	"a certificate of the signer is not for signing packages (extended key usage "   \
	"codeSigning)"
#define NOT_FOR_UNLOCK                                                                    \
	"a certificate of the signer is not for signing unlock statements (extended key " \
	"usage " VERITY_OID_UNLOCK ")"

static const char text[] = "{\"type\":\"package\"}";

static struct cert root, old_root, sub, leaf, sub_leaf;

/* One signature and what is to be said of it; message NULL: it is trusted. */
struct expected {
	const struct cert *signer;
	const struct cert *enclosed[3];
	struct certs_anchor ring[4];
	enum verity_purpose purpose;
	int64_t when;
	enum verity_code code;
	const char *message;
	const char *anchor;
};

static int verify(const struct expected *e, struct verity_signatures *ret,
		  struct verity_error *err)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *ring =
		certs_ring(e->ring);
	const struct certs_signer signers[] = {{.cert = e->signer, .when = e->when}, {0}};
	size_t bytes;
	uint8_t *der = certs_sign(text, sizeof(text), signers, e->enclosed, &bytes);
	int r;

	/* rauc#1124: what an earlier call left in the queue is not this one's fault. */
	ERR_raise(ERR_LIB_X509, X509_R_CERT_ALREADY_IN_HASH_TABLE);
	ERR_raise(ERR_LIB_CMS, CMS_R_SIGNER_CERTIFICATE_NOT_FOUND);
	r = verity_cms_verify(text, sizeof(text), der, bytes, ring, e->purpose, ret, err);
	assert_int_equal(ERR_peek_error(), 0);
	OPENSSL_free(der);
	return r;
}

static void check(const struct expected *e)
{
	struct verity_signatures signatures;
	struct verity_error err;
	int r = verify(e, &signatures, &err);

	assert_int_equal(signatures.count, 1);
	if (!e->message)
		check_ok(r, &err);
	assert_string_equal(signatures.signers[0].anchor, e->anchor ?: "");
	if (!e->message) {
		check_ok(r, &err);
		return;
	}
	assert_int_equal(r, -EKEYREJECTED);
	check_error(&err, e->code ?: VERITY_E_UNTRUSTED_SIGNER, e->message);
}

static void check_all(const struct expected *e, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(&e[i]);
}

#define CHECK_ALL(table) check_all(table, sizeof(table) / sizeof((table)[0]))

static void test_anchors(void **state)
{
	const struct expected table[] = {
		{&leaf, {0}, {{"root.pem", &root}}, .anchor = "root.pem"},
		/* rotation: an old and a new root */
		{&leaf,
		 {0},
		 {{"old.pem", &old_root}, {"root.pem", &root}},
		 .anchor = "root.pem"},
		{&leaf, {0}, {{"old.pem", &old_root}}, .message = NO_ISSUER},
		/* intermediate in the CMS, missing, an anchor itself, with its root */
		{&sub_leaf, {&sub}, {{"root.pem", &root}}, .anchor = "root.pem"},
		{&sub_leaf, {&sub, &root}, {{"root.crt", &root}}, .anchor = "root.crt"},
		{&sub_leaf, {0}, {{"root.pem", &root}}, .message = NO_ISSUER},
		{&sub_leaf, {0}, {{"sub.pem", &sub}}, .anchor = "sub.pem"},
		{&sub_leaf,
		 {&sub},
		 {{"root.pem", &root}, {"sub.pem", &sub}},
		 .anchor = "sub.pem"},
		{&leaf, {0}, {{"sub.pem", &sub}}, .message = NO_ISSUER},
		/* the signer's own certificate in the ring */
		{&leaf, {0}, {{"leaf.pem", &leaf}}, .anchor = "leaf.pem"},
		/* a root that travels with the signature is nobody's anchor */
		{&leaf, {&root}, {{"old.pem", &old_root}}, .message = NO_ISSUER},
		{&leaf,
		 {&root},
		 {{0}},
		 .message =
			 "the key ring is empty (check the key ring folder of the firmware)"},
	};

	(void)state;
	CHECK_ALL(table);
}

static void test_self_signed(void **state)
{
	struct cert own;
	const struct expected table[] = {
		{&own, {0}, {{"own.pem", &own}}, .anchor = "own.pem"},
		{&own,
		 {0},
		 {{"root.pem", &root}},
		 .message = CHAIN "self-signed certificate"},
	};

	(void)state;
	cert_make(&(struct cert_spec){.name = "own"}, &own);
	CHECK_ALL(table);
	cert_free(&own);
}

/* Neither has key ids that would tell which of two namesakes it was. */
static void test_namesakes(void **state)
{
	struct cert roots[2], signers[2], crossed[2], below;
	const struct cert_spec root_spec = {
		.name = "vendor", .ca = true, .no_key_ids = true};

	(void)state;
	for (int i = 0; i < 2; i++) {
		cert_make(&root_spec, &roots[i]);
		cert_make(&(struct cert_spec){.name = "leaf",
					      .issuer = &roots[i],
					      .no_key_ids = true},
			  &signers[i]);
	}
	for (int i = 0; i < 2; i++) {
		const struct expected both = {
			&signers[i],
			{0},
			{{"0.pem", &roots[0]}, {"1.pem", &roots[1]}},
			.anchor = i ? "1.pem" : "0.pem"};
		const struct expected other = {&signers[i],
					       {0},
					       {{"other.pem", &roots[!i]}},
					       .message = CHAIN
					       "certificate signature failure"};

		check(&both);
		check(&other);
	}
	/* one intermediate that both roots have signed, under other names */
	cert_make(&(struct cert_spec){.name = "sub", .ca = true, .issuer = &root},
		  &crossed[0]);
	cert_make(&(struct cert_spec){.name = "sub",
				      .ca = true,
				      .issuer = &old_root,
				      .same_key = crossed[0].key},
		  &crossed[1]);
	cert_make(&(struct cert_spec){.name = "below", .issuer = &crossed[0]}, &below);
	for (int i = 0; i < 4; i++) {
		const struct expected either = {&below,
						{&crossed[i & 1], &crossed[!(i & 1)]},
						{{"root.pem", i & 2 ? &old_root : &root}},
						.anchor = "root.pem"};

		check(&either);
	}
	cert_free(&below);
	for (int i = 0; i < 2; i++) {
		cert_free(&crossed[i]);
		cert_free(&signers[i]);
		cert_free(&roots[i]);
	}
}

static bool has_key(const struct verity_signatures *signatures, const struct cert *cert)
{
	uint8_t id[VERITY_KEY_ID_BYTES];

	cert_key_id(cert, id);
	for (size_t i = 0; i < signatures->key_id_count; i++)
		if (memcmp(signatures->key_ids[i], id, sizeof(id)) == 0)
			return true;
	return false;
}

/* Signers', enclosed ones whether they lead anywhere or not, the anchor's: each once. */
static void test_key_ids(void **state)
{
	struct expected e = {
		.signer = &sub_leaf,
		.enclosed = {&sub, &leaf},
		.ring = {{"root.pem", &root}},
	};
	struct verity_signatures signatures;
	struct verity_error err;
	uint8_t id[VERITY_KEY_ID_BYTES];

	(void)state;
	check_ok(verify(&e, &signatures, &err), &err);
	assert_int_equal(signatures.key_id_count, 4);
	assert_true(has_key(&signatures, &sub_leaf));
	assert_true(has_key(&signatures, &sub));
	assert_true(has_key(&signatures, &leaf));
	assert_true(has_key(&signatures, &root));
	cert_key_id(&sub_leaf, id);
	assert_memory_equal(signatures.signers[0].key_id, id, sizeof(id));
	assert_int_equal(signatures.signers[0].signed_at, CERTS_NOW);
	/* Of whom nobody trusts: all that is there; a denied key counts before trust. */
	e.ring[0] = (struct certs_anchor){"old.pem", &old_root};
	assert_int_equal(verify(&e, &signatures, &err), -EKEYREJECTED);
	assert_int_equal(signatures.key_id_count, 3);
	assert_false(has_key(&signatures, &root));
}

static void test_validity(void **state)
{
	const int64_t year = CERTS_YEAR;
	struct cert short_sub, long_leaf;
	const struct expected table[] = {
		{&leaf,
		 {0},
		 {{"root.pem", &root}},
		 .when = CERTS_NOW - 2 * year,
		 .message = CHAIN "certificate is not yet valid"},
		{&leaf,
		 {0},
		 {{"root.pem", &root}},
		 .when = CERTS_NOW + 10 * year,
		 .message = CHAIN "certificate has expired"},
		{&leaf,
		 {0},
		 {{"root.pem", &root}},
		 .when = CERTS_NOW + 8 * year,
		 .anchor = "root.pem"},
		{&long_leaf, {&short_sub}, {{"root.pem", &root}}, .anchor = "root.pem"},
		{&long_leaf,
		 {&short_sub},
		 {{"root.pem", &root}},
		 .when = CERTS_NOW + 2 * year,
		 .message = CHAIN "certificate has expired"},
		{&long_leaf,
		 {0},
		 {{"sub.pem", &short_sub}},
		 .when = CERTS_NOW + 2 * year,
		 .message = CHAIN "certificate has expired"},
	};

	(void)state;
	cert_make(&(struct cert_spec){.name = "short",
				      .ca = true,
				      .issuer = &root,
				      .until = CERTS_NOW + year},
		  &short_sub);
	cert_make(&(struct cert_spec){.name = "long", .issuer = &short_sub}, &long_leaf);
	CHECK_ALL(table);
	cert_free(&long_leaf);
	cert_free(&short_sub);
}

/* After the end of 32 bits, with a sign in 2038 and without one in 2106. */
static void test_far(void **state)
{
	const int64_t ends[] = {INT64_C(1) << 31, INT64_C(2208988800), INT64_C(1) << 32,
				INT64_C(7258118400)};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct cert authority, signer;
		const struct expected table[] = {
			{&signer, {0}, {{"far.pem", &authority}}, .anchor = "far.pem"},
			{&signer,
			 {0},
			 {{"far.pem", &authority}},
			 .when = ends[i] - 1,
			 .anchor = "far.pem"},
			{&signer,
			 {0},
			 {{"far.pem", &authority}},
			 .when = ends[i],
			 .message = CHAIN "certificate has expired"},
		};

		cert_make(&(struct cert_spec){.name = "far",
					      .ca = true,
					      .until = ends[i] + CERTS_YEAR},
			  &authority);
		cert_make(&(struct cert_spec){.name = "signer",
					      .issuer = &authority,
					      .until = ends[i]},
			  &signer);
		CHECK_ALL(table);
		cert_free(&signer);
		cert_free(&authority);
	}
}

static void test_times(void **state)
{
	static const struct {
		int64_t when;
		int type;
		const char *text;
	} times[] = {
		{0, V_ASN1_UTCTIME, "700101000000Z"},
		{INT32_MAX, V_ASN1_UTCTIME, "380119031407Z"},
		{INT64_C(2147483648), V_ASN1_UTCTIME, "380119031408Z"},
		{INT64_C(2524607999), V_ASN1_UTCTIME, "491231235959Z"},
		{INT64_C(2524608000), V_ASN1_GENERALIZEDTIME, "20500101000000Z"},
		{UINT32_MAX, V_ASN1_GENERALIZEDTIME, "21060207062815Z"},
		{INT64_C(4294967296), V_ASN1_GENERALIZEDTIME, "21060207062816Z"},
		{INT64_C(253402300799), V_ASN1_GENERALIZEDTIME, "99991231235959Z"},
	};
	ASN1_TIME *time = ASN1_TIME_new();

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t again;

		assert_true(verity_asn1_time_set(time, times[i].when));
		assert_int_equal(ASN1_STRING_type(time), times[i].type);
		assert_string_equal((const char *)ASN1_STRING_get0_data(time),
				    times[i].text);
		assert_true(verity_asn1_time_get(time, &again));
		assert_int_equal(again, times[i].when);
	}
	assert_false(verity_asn1_time_set(time, INT64_C(253402300800)));
	ASN1_TIME_free(time);
}

/* A validity is in the one form that there is for it. */
static void test_time_forms(void **state)
{
	static const struct {
		int type;
		const char *until;
		const char *message; /* NULL: it is valid */
	} forms[] = {
		{V_ASN1_UTCTIME, "491231235959Z", NULL},
		{V_ASN1_GENERALIZEDTIME, "21060207062816Z", NULL},
		{V_ASN1_UTCTIME, "4912312359Z",
		 "format error in certificate's notAfter field"},
		{V_ASN1_UTCTIME, "491231235959+0100",
		 "format error in certificate's notAfter field"},
		{V_ASN1_GENERALIZEDTIME, "21060207062816.5Z",
		 "format error in certificate's notAfter field"},
		{V_ASN1_GENERALIZEDTIME, "21060207062816",
		 "format error in certificate's notAfter field"},
		{V_ASN1_GENERALIZEDTIME, "21061307062816Z",
		 "format error in certificate's notAfter field"},
	};

	struct cert cert;

	(void)state;
	cert_make(&(struct cert_spec){.name = "form", .issuer = &root}, &cert);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		ASN1_TIME *until = ASN1_STRING_type_new(forms[i].type);
		int reason;

		assert_int_equal(ASN1_STRING_set(until, forms[i].until, -1), 1);
		assert_int_equal(X509_set1_notAfter(cert.x509, until), 1);
		reason = verity_certificate_check_time(cert.x509, CERTS_NOW);
		assert_string_equal(X509_verify_cert_error_string(reason),
				    forms[i].message ?: "ok");
		ASN1_TIME_free(until);
	}
	cert_free(&cert);
}

static void test_purpose(void **state)
{
	enum { UNLOCK, ANY, BOTH, NONE, TLS, CRYPT, NARROW, BELOW, COUNT };
	static const struct cert_spec specs[COUNT] = {
		[UNLOCK] = {.name = "unlock", .usage = VERITY_OID_UNLOCK},
		[ANY] = {.name = "any", .usage = "anyExtendedKeyUsage"},
		[BOTH] = {.name = "both", .usage = "codeSigning," VERITY_OID_UNLOCK},
		[NONE] = {.name = "none", .usage = ""},
		[TLS] = {.name = "tls", .usage = "serverAuth,clientAuth"},
		[CRYPT] = {.name = "crypt", .key_usage = "critical,keyEncipherment"},
		[NARROW] = {.name = "narrow", .ca = true, .usage = VERITY_OID_UNLOCK},
		[BELOW] = {.name = "below", .usage = "codeSigning," VERITY_OID_UNLOCK},
	};
	struct cert made[COUNT];
	const struct certs_anchor ring = {"root.pem", &root};
	const enum verity_purpose unlock = VERITY_PURPOSE_UNLOCK;
	const struct expected table[] = {
		{&leaf, {0}, {ring}, unlock, .message = NOT_FOR_UNLOCK},
		{&made[UNLOCK], {0}, {ring}, .message = NOT_FOR_PACKAGES},
		{&made[UNLOCK], {0}, {ring}, unlock, .anchor = "root.pem"},
		{&made[ANY], {0}, {ring}, .message = NOT_FOR_PACKAGES},
		{&made[ANY], {0}, {ring}, unlock, .message = NOT_FOR_UNLOCK},
		{&made[BOTH], {0}, {ring}, .anchor = "root.pem"},
		{&made[BOTH], {0}, {ring}, unlock, .anchor = "root.pem"},
		{&made[NONE], {0}, {ring}, .message = NOT_FOR_PACKAGES},
		{&made[TLS], {0}, {ring}, .message = NOT_FOR_PACKAGES},
		{&made[CRYPT],
		 {0},
		 {ring},
		 .message = "the signer's certificate is not for digital signatures"},
		/* what is above must not be for something else */
		{&made[BELOW], {&made[NARROW]}, {ring}, .message = NOT_FOR_PACKAGES},
		{&made[BELOW], {&made[NARROW]}, {ring}, unlock, .anchor = "root.pem"},
		/* being in the ring is no purpose */
		{&made[TLS], {0}, {{"tls.pem", &made[TLS]}}, .message = NOT_FOR_PACKAGES},
	};

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		struct cert_spec spec = specs[i];

		spec.issuer = i == BELOW ? &made[NARROW] : &root;
		cert_make(&spec, &made[i]);
	}
	CHECK_ALL(table);
	for (int i = 0; i < COUNT; i++)
		cert_free(&made[i]);
}

static void test_weak(void **state)
{
	enum {
		WEAK_RSA,
		WEAK_EC,
		WEAK_RSA_ROOT,
		WEAK_UNDER_ROOT,
		WEAK_RSA_SUB,
		WEAK_UNDER_SUB,
		WEAK_SHA1,
		WEAK_SHA1_SUB,
		WEAK_UNDER_SHA1,
		WEAK_SHA1_ROOT,
		WEAK_UNDER_SHA1_ROOT,
		COUNT
	};
	struct cert made[COUNT];
	const struct cert_spec specs[COUNT] = {
		[WEAK_RSA] = {.name = "rsa", .key = "RSA:1024", .issuer = &root},
		[WEAK_EC] = {.name = "ec", .key = "P-192", .issuer = &root},
		[WEAK_RSA_ROOT] = {.name = "weak root", .key = "RSA:1536", .ca = true},
		[WEAK_UNDER_ROOT] = {.name = "under", .issuer = &made[WEAK_RSA_ROOT]},
		[WEAK_RSA_SUB] = {.name = "weak sub",
				  .key = "RSA:1024",
				  .ca = true,
				  .issuer = &root},
		[WEAK_UNDER_SUB] = {.name = "under", .issuer = &made[WEAK_RSA_SUB]},
		[WEAK_SHA1] = {.name = "old", .digest = EVP_sha1(), .issuer = &root},
		[WEAK_SHA1_SUB] = {.name = "old sub",
				   .digest = EVP_sha1(),
				   .ca = true,
				   .issuer = &root},
		[WEAK_UNDER_SHA1] = {.name = "under", .issuer = &made[WEAK_SHA1_SUB]},
		[WEAK_SHA1_ROOT] = {.name = "old root", .digest = EVP_sha1(), .ca = true},
		[WEAK_UNDER_SHA1_ROOT] = {.name = "under",
					  .issuer = &made[WEAK_SHA1_ROOT]},
	};
	const struct certs_anchor ring = {"root.pem", &root};
	const enum verity_code weak = VERITY_E_WEAK_KEY;
	const struct expected table[] = {
		{&made[WEAK_RSA],
		 {0},
		 {ring},
		 .code = weak,
		 .message = "the signer's key has 1024 bits, the minimum is 2048"},
		{&made[WEAK_RSA],
		 {0},
		 {{"rsa.pem", &made[WEAK_RSA]}},
		 .code = weak,
		 .message = "the signer's key has 1024 bits, the minimum is 2048"},
		{&made[WEAK_EC],
		 {0},
		 {ring},
		 .code = weak,
		 .message = "the signer's key has 192 bits, the minimum is 224"},
		{&made[WEAK_UNDER_ROOT],
		 {0},
		 {{"weak.pem", &made[WEAK_RSA_ROOT]}},
		 .code = weak,
		 .message =
			 "the key of 'CN=weak root' has 1536 bits, the minimum is 2048"},
		{&made[WEAK_UNDER_SUB],
		 {&made[WEAK_RSA_SUB]},
		 {ring},
		 .code = weak,
		 .message =
			 "the key of 'CN=weak sub' has 1024 bits, the minimum is 2048"},
		{&made[WEAK_SHA1],
		 {0},
		 {ring},
		 .code = weak,
		 .message = "the certificate of 'CN=old' is signed with SHA1, which is "
			    "too weak"},
		{&made[WEAK_UNDER_SHA1],
		 {&made[WEAK_SHA1_SUB]},
		 {ring},
		 .code = weak,
		 .message = "the certificate of 'CN=old sub' is signed with SHA1, which "
			    "is too weak"},
		/* what makes an anchor one is that it is in the ring */
		{&made[WEAK_UNDER_SHA1],
		 {0},
		 {{"sub.pem", &made[WEAK_SHA1_SUB]}},
		 .anchor = "sub.pem"},
		{&made[WEAK_UNDER_SHA1_ROOT],
		 {0},
		 {{"old.pem", &made[WEAK_SHA1_ROOT]}},
		 .anchor = "old.pem"},
	};

	(void)state;
	for (int i = 0; i < COUNT; i++)
		cert_make(&specs[i], &made[i]);
	CHECK_ALL(table);
	for (int i = 0; i < COUNT; i++)
		cert_free(&made[i]);
}

#define NOT_PROCESSED(name, extension)                                                   \
	"the certificate of 'CN=" name                                                   \
	"' has a critical extension that devices do not process: " extension
#define CONSTRAINED                                                                      \
	{                                                                                \
		"policyConstraints", "critical,requireExplicitPolicy:0"                  \
	}

/* What a certificate demands is done, or it is not trusted. */
static void test_critical(void **state)
{
	enum {
		CONSTRAINED_SUB,
		WITHOUT_POLICY,
		POLICY_SUB,
		WITH_POLICY,
		WITH_OTHER_POLICY,
		INHIBITED_SUB,
		WITH_ANY_POLICY,
		CONSTRAINED_ROOT,
		UNDER_CONSTRAINED,
		SERVER,
		REVOCABLE,
		NAMES_SUB,
		OUTSIDE,
		INSIDE,
		COUNT
	};
	struct cert made[COUNT];
	const struct cert_spec specs[COUNT] = {
		[CONSTRAINED_SUB] = {.name = "constrained",
				     .ca = true,
				     .issuer = &root,
				     /* without policies OpenSSL 3.0 loses 42 bytes */
				     .more = {CONSTRAINED,
					      {"certificatePolicies", "1.2.3.4"}}},
		[WITHOUT_POLICY] = {.name = "without", .issuer = &made[CONSTRAINED_SUB]},
		[POLICY_SUB] = {.name = "policy",
				.ca = true,
				.issuer = &root,
				.more = {CONSTRAINED,
					 {"certificatePolicies", "1.2.3.4"}}},
		[WITH_POLICY] = {.name = "with",
				 .issuer = &made[POLICY_SUB],
				 .more = {{"certificatePolicies", "critical,1.2.3.4"}}},
		[WITH_OTHER_POLICY] = {.name = "other",
				       .issuer = &made[POLICY_SUB],
				       .more = {{"certificatePolicies", "1.2.3.5"}}},
		[INHIBITED_SUB] = {.name = "inhibited",
				   .ca = true,
				   .issuer = &root,
				   .more = {CONSTRAINED,
					    {"certificatePolicies", "1.2.3.4"},
					    {"inhibitAnyPolicy", "critical,0"}}},
		[WITH_ANY_POLICY] = {.name = "any",
				     .issuer = &made[INHIBITED_SUB],
				     .more = {{"certificatePolicies", "2.5.29.32.0"}}},
		[CONSTRAINED_ROOT] = {.name = "strict",
				      .ca = true,
				      .more = {CONSTRAINED}},
		[UNDER_CONSTRAINED] = {.name = "under",
				       .issuer = &made[CONSTRAINED_ROOT],
				       .more = {{"certificatePolicies", "1.2.3.4"}}},
		[SERVER] = {.name = "server",
			    .issuer = &root,
			    .more = {{"nsCertType", "critical,server"}}},
		[REVOCABLE] = {.name = "revocable",
			       .issuer = &root,
			       .more = {{"crlDistributionPoints",
					 "critical,URI:http://example.com/"}}},
		[NAMES_SUB] = {.name = "names",
			       .ca = true,
			       .issuer = &root,
			       .more = {{"nameConstraints",
					 "critical,permitted;DNS:example.com"}}},
		[OUTSIDE] = {.name = "outside",
			     .issuer = &made[NAMES_SUB],
			     .more = {{"subjectAltName", "critical,DNS:example.org"}}},
		[INSIDE] = {.name = "inside",
			    .issuer = &made[NAMES_SUB],
			    .more = {{"subjectAltName", "critical,DNS:example.com"}}},
	};
	const struct certs_anchor ring = {"root.pem", &root};
	const struct expected table[] = {
		{&made[WITHOUT_POLICY],
		 {&made[CONSTRAINED_SUB]},
		 {ring},
		 .message = CHAIN "no explicit policy"},
		{&made[WITH_POLICY], {&made[POLICY_SUB]}, {ring}, .anchor = "root.pem"},
		{&made[WITH_OTHER_POLICY],
		 {&made[POLICY_SUB]},
		 {ring},
		 .message = CHAIN "no explicit policy"},
		{&made[WITH_ANY_POLICY],
		 {&made[INHIBITED_SUB]},
		 {ring},
		 .message = CHAIN "no explicit policy"},
		{&made[UNDER_CONSTRAINED],
		 {0},
		 {{"strict.pem", &made[CONSTRAINED_ROOT]}},
		 .message = NOT_PROCESSED("strict", "policyConstraints")},
		{&made[SERVER],
		 {0},
		 {ring},
		 .message = NOT_PROCESSED("server", "nsCertType")},
		{&made[REVOCABLE],
		 {0},
		 {ring},
		 .message = NOT_PROCESSED("revocable", "crlDistributionPoints")},
		{&made[OUTSIDE],
		 {&made[NAMES_SUB]},
		 {ring},
		 .message = CHAIN "permitted subtree violation"},
		{&made[INSIDE], {&made[NAMES_SUB]}, {ring}, .anchor = "root.pem"},
	};

	(void)state;
	for (int i = 0; i < COUNT; i++)
		cert_make(&specs[i], &made[i]);
	CHECK_ALL(table);
	for (int i = 0; i < COUNT; i++)
		cert_free(&made[i]);
}

static int setup(void **state)
{
	(void)state;
	cert_make(&(struct cert_spec){.name = "root", .ca = true}, &root);
	cert_make(&(struct cert_spec){.name = "old root", .ca = true}, &old_root);
	cert_make(&(struct cert_spec){.name = "sub", .ca = true, .issuer = &root}, &sub);
	cert_make(&(struct cert_spec){.name = "leaf", .issuer = &root}, &leaf);
	cert_make(&(struct cert_spec){.name = "sub leaf", .issuer = &sub}, &sub_leaf);
	return 0;
}

static int teardown(void **state)
{
	struct cert *const all[] = {&root, &old_root, &sub, &leaf, &sub_leaf};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		cert_free(all[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anchors),   cmocka_unit_test(test_self_signed),
		cmocka_unit_test(test_namesakes), cmocka_unit_test(test_key_ids),
		cmocka_unit_test(test_validity),  cmocka_unit_test(test_far),
		cmocka_unit_test(test_times),     cmocka_unit_test(test_time_forms),
		cmocka_unit_test(test_purpose),   cmocka_unit_test(test_weak),
		cmocka_unit_test(test_critical),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
