/* SPDX-License-Identifier: MIT */

/* Several signers, when they signed, and what they are called. */

#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/certs.h"
#include "verity/util/cleanup.h"

#define MANY    (VERITY_KEY_IDS_MAX + 1)
#define UNKNOWN "the signer's certificate is neither in the signature nor in the key ring"

static const char text[] = "{\"type\":\"package\"}";

static struct cert root, other_root, good, good_too, other, stranger;
static struct verity_keyring *ring;

static int verify(uint8_t *der, size_t bytes, struct verity_signatures *ret,
		  struct verity_error *err)
{
	int r = verity_cms_verify(text, sizeof(text), der, bytes, ring,
				  VERITY_PURPOSE_PACKAGE, ret, err);

	OPENSSL_free(der);
	return r;
}

static int verify_signers(const struct certs_signer *signers,
			  struct verity_signatures *ret, struct verity_error *err)
{
	size_t bytes;
	uint8_t *der = certs_sign(text, sizeof(text), signers, NULL, &bytes);

	return verify(der, bytes, ret, err);
}

static bool is_among(const struct verity_signatures *signatures, const char *subject,
		     const char *anchor)
{
	for (size_t i = 0; i < signatures->count; i++)
		if (strcmp(signatures->signers[i].subject, subject) == 0 &&
		    strcmp(signatures->signers[i].anchor, anchor) == 0)
			return true;
	return false;
}

/* Whatever the order they stand in: those that are trusted come first. */
static void test_several(void **state)
{
	const struct certs_signer table[][4] = {
		{{.cert = &good}, {.cert = &stranger}, {.cert = &other}},
		{{.cert = &stranger}, {.cert = &other}, {.cert = &good}},
		{{.cert = &other}, {.cert = &good}, {.cert = &stranger}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct verity_signatures signatures;
		struct verity_error err;

		check_ok(verify_signers(table[i], &signatures, &err), &err);
		assert_int_equal(signatures.count, 3);
		assert_true(is_among(&signatures, "CN=good", "root.pem"));
		assert_true(is_among(&signatures, "CN=other", "other.pem"));
		assert_true(is_among(&signatures, "CN=stranger", ""));
		assert_string_equal(signatures.signers[2].subject, "CN=stranger");
		/* three signers, two anchors */
		assert_int_equal(signatures.key_id_count, 5);
	}
}

/* A signer nobody knows spoils nothing, and helps nobody. */
static void test_unknown(void **state)
{
	const struct certs_signer beside[] = {
		{.cert = &stranger, .hidden = true}, {.cert = &good}, {0}};
	const struct certs_signer alone[] = {{.cert = &stranger, .hidden = true}, {0}};
	const struct certs_signer by_key_id[] = {
		{.cert = &stranger, .hidden = true, .by_key_id = true},
		{.cert = &good, .by_key_id = true},
		{0}};
	struct verity_signatures signatures;
	struct verity_error err;

	(void)state;
	check_ok(verify_signers(beside, &signatures, &err), &err);
	assert_int_equal(signatures.count, 2);
	assert_string_equal(signatures.signers[0].subject, "CN=good");
	assert_string_equal(signatures.signers[1].subject, "");
	assert_int_equal(signatures.signers[1].signed_at, -1);
	check_ok(verify_signers(by_key_id, &signatures, &err), &err);
	assert_int_equal(verify_signers(alone, &signatures, &err), -EKEYREJECTED);
	check_error(&err, VERITY_E_UNTRUSTED_SIGNER, UNKNOWN);
}

/* But it has to have signed this, as every one. */
static void test_other_content(void **state)
{
	static const char content[] = "{\"type\":\"package\",\"name\":\"other\"}";
	const struct certs_signer table[][3] = {
		{{.cert = &stranger, .hidden = true}},
		{{.cert = &stranger}},
		{{.cert = &good}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct certs_signer signers[] = {{.cert = &good}, {0}};
		CMS_ContentInfo *cms = certs_cms(text, sizeof(text), signers, NULL);
		CMS_ContentInfo *wrong =
			certs_cms(content, sizeof(content), table[i], NULL);
		STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(wrong);
		struct verity_signatures signatures;
		struct verity_error err;
		uint8_t *der;
		size_t bytes;

		/* moved from the one CMS to the other */
		sk_CMS_SignerInfo_push(CMS_get0_SignerInfos(cms),
				       sk_CMS_SignerInfo_pop(infos));
		der = certs_der(cms, &bytes);
		CMS_ContentInfo_free(wrong);
		assert_int_equal(verify(der, bytes, &signatures, &err), -EBADMSG);
		assert_int_equal(err.code, VERITY_E_BAD_SIGNATURE);
		assert_int_equal(strncmp(err.message,
					 "signature: it does not match the signed data",
					 44),
				 0);
		assert_int_equal(signatures.count, 0);
		assert_int_equal(signatures.key_id_count, 0);
	}
}

/* One whose name was changed, so that it would pass for unknown. */
static void test_disguised(void **state)
{
	const struct certs_signer signers[] = {{.cert = &good_too}, {.cert = &good}, {0}};
	struct verity_signatures signatures;
	struct verity_error err;
	size_t bytes;
	CMS_ContentInfo *cms = certs_cms(text, sizeof(text), signers, NULL);
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	ASN1_INTEGER *serial = NULL;
	uint8_t *der;

	(void)state;
	CMS_SignerInfo_get0_signer_id(sk_CMS_SignerInfo_value(infos, 0), NULL, NULL,
				      &serial);
	ASN1_INTEGER_set(serial, 999);
	der = certs_der(cms, &bytes);
	assert_int_equal(verify(der, bytes, &signatures, &err), -EBADMSG);
	check_error(&err, VERITY_E_BAD_SIGNATURE,
		    "signature: it does not name the certificate it was made with");
}

static void test_too_many_signers(void **state)
{
	struct certs_signer signers[CERTS_SIGNERS_MAX] = {0};
	struct verity_signatures signatures;
	struct verity_error err;

	(void)state;
	for (int i = 0; i < VERITY_SIGNERS_MAX; i++)
		signers[i] = (struct certs_signer){
			.cert = &good, .when = CERTS_NOW + i, .hidden = i > 0};
	check_ok(verify_signers(signers, &signatures, &err), &err);
	assert_int_equal(signatures.count, VERITY_SIGNERS_MAX);
	assert_int_equal(signatures.key_id_count, 2);
	signers[VERITY_SIGNERS_MAX] = signers[1];
	assert_int_equal(verify_signers(signers, &signatures, &err), -EBADMSG);
	check_error(&err, VERITY_E_BAD_SIGNATURE,
		    "signature: too many signers: 9, over the limit of 8");
}

/* 64 of them are read; the anchor makes 65, and 65 are not looked at. */
static void test_too_many_certificates(void **state)
{
	struct cert made[MANY];
	const struct cert *enclosed[MANY + 1] = {NULL};
	const struct certs_signer signers[] = {{.cert = &good}, {0}};
	static const struct {
		int count; /* beside the signer's */
		const char *message;
	} table[] = {
		{VERITY_KEY_IDS_MAX - 2, NULL},
		{VERITY_KEY_IDS_MAX - 1, "signature: too many certificates take part in "
					 "it, over the limit of 64"},
		{VERITY_KEY_IDS_MAX,
		 "signature: too many certificates: 65, over the limit of 64"},
	};

	(void)state;
	for (int i = 0; i < MANY; i++)
		cert_make(&(struct cert_spec){.name = "many", .issuer = &root}, &made[i]);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct verity_signatures signatures;
		struct verity_error err;
		size_t bytes;
		uint8_t *der;
		int r;

		for (int j = 0; j <= MANY; j++)
			enclosed[j] = j < table[i].count ? &made[j] : NULL;
		der = certs_sign(text, sizeof(text), signers, enclosed, &bytes);
		r = verify(der, bytes, &signatures, &err);
		if (!table[i].message) {
			check_ok(r, &err);
			assert_int_equal(signatures.key_id_count, VERITY_KEY_IDS_MAX);
			continue;
		}
		assert_int_equal(r, -EBADMSG);
		check_error(&err, VERITY_E_BAD_SIGNATURE, table[i].message);
	}
	for (int i = 0; i < MANY; i++)
		cert_free(&made[i]);
}

static CMS_ContentInfo *signed_by_good(CMS_SignerInfo **ret)
{
	const struct certs_signer signers[] = {{.cert = &good}, {0}};
	CMS_ContentInfo *cms = certs_cms(text, sizeof(text), signers, NULL);

	*ret = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	return cms;
}

static int verify_again(CMS_ContentInfo *cms, CMS_SignerInfo *signer,
			struct verity_signatures *ret, struct verity_error *err)
{
	size_t bytes;
	uint8_t *der;

	certs_sign_again(signer, good.key, EVP_sha256());
	der = certs_der(cms, &bytes);
	return verify(der, bytes, ret, err);
}

static void test_no_signing_time(void **state)
{
	CMS_SignerInfo *signer;
	CMS_ContentInfo *cms = signed_by_good(&signer);
	struct verity_signatures signatures;
	struct verity_error err;
	int place = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);

	(void)state;
	X509_ATTRIBUTE_free(CMS_signed_delete_attr(signer, place));
	assert_int_equal(verify_again(cms, signer, &signatures, &err), -EKEYREJECTED);
	check_error(&err, VERITY_E_UNTRUSTED_SIGNER,
		    "the signature does not say when it was made");
	assert_string_equal(signatures.signers[0].subject, "CN=good");
	assert_int_equal(signatures.signers[0].signed_at, -1);
	/* that what was done here is right but for the time */
	cms = signed_by_good(&signer);
	check_ok(verify_again(cms, signer, &signatures, &err), &err);
}

static void test_two_signing_times(void **state)
{
	ASN1_TIME *later = ASN1_TIME_set(NULL, CERTS_NOW + 1);
	CMS_SignerInfo *signer;
	CMS_ContentInfo *cms = signed_by_good(&signer);
	struct verity_signatures signatures;
	struct verity_error err;

	(void)state;
	assert_true(CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime,
						later->type, later, -1));
	assert_int_equal(verify_again(cms, signer, &signatures, &err), -EBADMSG);
	assert_int_equal(err.code, VERITY_E_BAD_SIGNATURE);
	cms = signed_by_good(&signer);
	X509_ATTRIBUTE_set1_data(
		CMS_signed_get_attr(signer, CMS_signed_get_attr_by_NID(
						    signer, NID_pkcs9_signingTime, -1)),
		later->type, later, -1);
	assert_int_equal(verify_again(cms, signer, &signatures, &err), -EBADMSG);
	ASN1_TIME_free(later);
}

#define X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define A20                                                                              \
	"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
#define E10                                                                              \
	"\\C3\\A4\\C3\\A4\\C3\\A4\\C3\\A4\\C3\\A4\\C3\\A4\\C3\\A4\\C3\\A4\\C3\\A4\\C3\\A4"

static void test_names(void **state)
{
	static const struct {
		const char *name;
		size_t bytes;
		const char *printed;
	} table[] = {
		{"vendor\0.evil", 12, "CN=vendor\\00.evil"},
		{"a\nb\x1b[31m\x7f", 9, "CN=a\\0Ab\\1B[31m\\7F"},
		{"M\xc3\xbcller", 7, "CN=M\xc3\xbcller"},
		{"a,b+c\"d;e<f>\\", 13, "CN=a\\,b\\+c\\\"d\\;e\\<f\\>\\\\"},
		{"#x ", 3, "CN=\\#x\\ "},
		{"\xe2\x80\xaegnp", 6, "CN=\\E2\\80\\AEgnp"},
		/* 255 fit; cut before an escape that does not fit as a whole */
		{X64 X64 X64 X64, 252,
		 "CN=" X64 X64 X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
		{X64 X64 X64 X64, 253,
		 "CN=" X64 X64 X64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxx..."},
		{A20 A20 A20 A20 A20, 100, "CN=" A20 A20 A20 A20 A20},
		{A20 A20 A20 A20 A20 X64 X64 "xxxxxxxxxxxxxxxxxxxxxxxx\xc3\xa4xx", 256,
		 "CN=" A20 A20 A20 A20 A20 X64 X64 "xxxxxxxxxxxxxxxxxxxxx..."},
		/* one that is refused, so all are escaped */
		{A20 A20 A20 A20 A20 "\xe2\x80\xae", 103,
		 "CN=" E10 E10 E10 E10 "\\C3\\A4\\C3..."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct verity_signatures signatures;
		struct verity_error err;
		struct cert named;
		const struct certs_signer signers[] = {{.cert = &named}, {0}};

		cert_make(&(struct cert_spec){.name = table[i].name,
					      .name_bytes = table[i].bytes,
					      .issuer = &root},
			  &named);
		check_ok(verify_signers(signers, &signatures, &err), &err);
		assert_string_equal(signatures.signers[0].subject, table[i].printed);
		cert_free(&named);
	}
}

/* "vendor" in the ring is no issuer for what "vendor\0.evil" has signed. */
static void test_nul_in_issuer(void **state)
{
	struct cert vendor, evil, victim;
	struct verity_signatures signatures;
	struct verity_error err;
	const struct certs_signer signers[] = {{.cert = &victim}, {0}};
	cleanup_with(verity_keyring_free_p) struct verity_keyring *vendors = NULL;
	size_t bytes;
	uint8_t *der;

	(void)state;
	cert_make(&(struct cert_spec){.name = "vendor", .ca = true, .no_key_ids = true},
		  &vendor);
	cert_make(&(struct cert_spec){.name = "vendor\0.evil",
				      .name_bytes = 12,
				      .ca = true,
				      .no_key_ids = true},
		  &evil);
	cert_make(&(struct cert_spec){.name = "victim",
				      .issuer = &evil,
				      .no_key_ids = true},
		  &victim);
	vendors = certs_ring((const struct certs_anchor[]){{"v.pem", &vendor}, {0}});
	der = certs_sign(text, sizeof(text), signers, NULL, &bytes);
	assert_int_equal(verity_cms_verify(text, sizeof(text), der, bytes, vendors,
					   VERITY_PURPOSE_PACKAGE, &signatures, &err),
			 -EKEYREJECTED);
	check_error(&err, VERITY_E_UNTRUSTED_SIGNER,
		    "the signer does not chain to a key of this device: unable to get "
		    "local issuer certificate");
	OPENSSL_free(der);
	cert_free(&victim);
	cert_free(&evil);
	cert_free(&vendor);
}

static int setup(void **state)
{
	(void)state;
	cert_make(&(struct cert_spec){.name = "root", .ca = true}, &root);
	cert_make(&(struct cert_spec){.name = "other root", .ca = true}, &other_root);
	cert_make(&(struct cert_spec){.name = "good", .issuer = &root}, &good);
	cert_make(&(struct cert_spec){.name = "too", .issuer = &root}, &good_too);
	cert_make(&(struct cert_spec){.name = "other", .issuer = &other_root}, &other);
	cert_make(&(struct cert_spec){.name = "stranger"}, &stranger);
	ring = certs_ring((const struct certs_anchor[]){
		{"root.pem", &root}, {"other.pem", &other_root}, {0}});
	return 0;
}

static int teardown(void **state)
{
	struct cert *const all[] = {&root,     &other_root, &good,
				    &good_too, &other,      &stranger};

	(void)state;
	verity_keyring_free(ring);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		cert_free(all[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_other_content),
		cmocka_unit_test(test_disguised),
		cmocka_unit_test(test_too_many_signers),
		cmocka_unit_test(test_too_many_certificates),
		cmocka_unit_test(test_no_signing_time),
		cmocka_unit_test(test_two_signing_times),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nul_in_issuer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
