/* SPDX-License-Identifier: MIT */

/* Walking over a SignedData, with a limit for each thing that costs work. */

#include "verity/cms/parts.h"

#include <openssl/asn1.h>
#include <string.h>

#include "verity/cms/openssl.h"

/* Object identifiers, as the content of their DER. */
#define OID_DATA            "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define OID_SIGNED_DATA     "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define OID_RSA             "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_RSA_PSS         "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define OID_EC              "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_ED25519         "\x2b\x65\x70"
#define OID_ED448           "\x2b\x65\x71"
#define OID_TIMESTAMP_TOKEN "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0e"
#define OID_SUBJECT_KEY_ID  "\x55\x1d\x0e"

#define EDDSA_BYTES_MAX 57
#define SEQUENCE        V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE
#define SET             V_ASN1_UNIVERSAL, V_ASN1_SET
#define INTEGER         V_ASN1_UNIVERSAL, V_ASN1_INTEGER
#define OBJECT          V_ASN1_UNIVERSAL, V_ASN1_OBJECT
#define OCTETS          V_ASN1_UNIVERSAL, V_ASN1_OCTET_STRING
#define BITS            V_ASN1_UNIVERSAL, V_ASN1_BIT_STRING
#define CONTEXT         V_ASN1_CONTEXT_SPECIFIC

/* Curves by name: of those with explicit parameters none is known. 192 bits: too weak. */
#define CURVE(oid, field_bytes)                                                          \
	{                                                                                \
		oid, sizeof(oid) - 1, field_bytes                                        \
	}
static const struct {
	const char *oid;
	size_t oid_bytes, field_bytes;
} curves[] = {
	CURVE("\x2a\x86\x48\xce\x3d\x03\x01\x01", 24),     /* P-192 */
	CURVE("\x2b\x81\x04\x00\x21", 28),                 /* P-224 */
	CURVE("\x2a\x86\x48\xce\x3d\x03\x01\x07", 32),     /* P-256 */
	CURVE("\x2b\x81\x04\x00\x22", 48),                 /* P-384 */
	CURVE("\x2b\x81\x04\x00\x23", 66),                 /* P-521 */
	CURVE("\x2b\x24\x03\x03\x02\x08\x01\x01\x07", 32), /* brainpoolP256r1 */
	CURVE("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b", 48), /* brainpoolP384r1 */
	CURVE("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d", 64), /* brainpoolP512r1 */
};

static int malformed(struct verity_error *err)
{
	return verity_cms_bad(err, "not a CMS structure in distinguished encoding (DER)");
}

static int too_many(struct verity_error *err, const char *what, size_t count, size_t max)
{
	return verity_fail(err, VERITY_E_BAD_SIGNATURE,
			   "signature: too many %s: %zu, over the limit of %zu", what,
			   count, max);
}

static bool is(const struct verity_der *der, const char *oid, size_t bytes)
{
	return verity_der_size(der) == bytes && memcmp(der->next, oid, bytes) == 0;
}

/* of a literal, which has no NUL at its end but its own */
#define IS(der, oid) is(der, oid, sizeof(oid) - 1)

static size_t bits_of(const struct verity_der *integer)
{
	const unsigned char *byte = integer->next;
	size_t bits;

	while (byte < integer->end && *byte == 0)
		byte++;
	if (byte == integer->end)
		return 0;
	bits = 8 * (size_t)(integer->end - byte - 1);
	for (unsigned rest = *byte; rest; rest >>= 1)
		bits++;
	return bits;
}

static int check_rsa(struct verity_der key, struct verity_error *err)
{
	struct verity_der modulus, exponent;

	if (!verity_der_take(&key, SEQUENCE, &key) ||
	    !verity_der_take(&key, INTEGER, &modulus) ||
	    !verity_der_take(&key, INTEGER, &exponent))
		return malformed(err);
	if (bits_of(&modulus) > VERITY_CMS_RSA_BITS_MAX)
		return verity_fail(err, VERITY_E_BAD_SIGNATURE,
				   "signature: an RSA key in it has %zu bits, over the "
				   "limit of %d",
				   bits_of(&modulus), VERITY_CMS_RSA_BITS_MAX);
	if (bits_of(&exponent) > VERITY_CMS_RSA_EXPONENT_BITS_MAX)
		return verity_fail(err, VERITY_E_BAD_SIGNATURE,
				   "signature: the exponent of an RSA key in it has %zu "
				   "bits, over the limit of %d",
				   bits_of(&exponent), VERITY_CMS_RSA_EXPONENT_BITS_MAX);
	return 0;
}

/* A point in compressed form costs a square root when it is decoded. */
static int check_ec(struct verity_der parameters, const struct verity_der *point,
		    struct verity_error *err)
{
	struct verity_der curve;
	size_t field_bytes = 0;

	if (verity_der_take(&parameters, OBJECT, &curve))
		for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
			if (is(&curve, curves[i].oid, curves[i].oid_bytes))
				field_bytes = curves[i].field_bytes;
	if (field_bytes == 0)
		return verity_cms_bad(err,
				      "the elliptic curve of a key in it is not one that "
				      "devices know by name");
	if (verity_der_size(point) != 1 + 2 * field_bytes || point->next[0] != 4)
		return verity_cms_bad(
			err, "an elliptic curve key in it is not an uncompressed "
			     "point of its curve");
	return 0;
}

/* SubjectPublicKeyInfo (RFC 5280 §4.1) */
static int check_key(struct verity_der whole, struct verity_error *err)
{
	struct verity_der algorithm, oid, key;

	if (!verity_der_take(&whole, SEQUENCE, &whole) ||
	    !verity_der_take(&whole, SEQUENCE, &algorithm) ||
	    !verity_der_take(&algorithm, OBJECT, &oid) ||
	    !verity_der_take(&whole, BITS, &key) || key.next == key.end)
		return malformed(err);
	key.next++; /* the number of unused bits */
	if (IS(&oid, OID_RSA) || IS(&oid, OID_RSA_PSS))
		return check_rsa(key, err);
	if (IS(&oid, OID_EC))
		return check_ec(algorithm, &key, err);
	if ((IS(&oid, OID_ED25519) || IS(&oid, OID_ED448)) &&
	    verity_der_size(&key) <= EDDSA_BYTES_MAX)
		return 0;
	return verity_cms_bad(err, "the type of a key in it is not RSA, EC or EdDSA");
}

static int read_extensions(struct verity_der list, struct verity_der *ret_key_id,
			   struct verity_error *err)
{
	size_t count = 0;

	if (!verity_der_take(&list, SEQUENCE, &list))
		return malformed(err);
	while (list.next < list.end) {
		struct verity_der extension, oid, value;

		if (!verity_der_take(&list, SEQUENCE, &extension) ||
		    !verity_der_take(&extension, OBJECT, &oid))
			return malformed(err);
		if (++count > VERITY_CMS_EXTENSIONS_MAX)
			return too_many(err, "extensions of a certificate", count,
					VERITY_CMS_EXTENSIONS_MAX);
		if (IS(&oid, OID_SUBJECT_KEY_ID) &&
		    verity_der_take(&extension, OCTETS, &value) &&
		    verity_der_take(&value, OCTETS, &value))
			*ret_key_id = value;
	}
	return 0;
}

/* RFC 5280 §4.1 */
static int read_certificate(struct verity_der whole, struct verity_cms_certificate *ret,
			    struct verity_error *err)
{
	struct verity_der body = whole, skipped, extensions;
	int class, tag, r;

	*ret = (struct verity_cms_certificate){.whole = whole};
	if (verity_der_size(&whole) > VERITY_CMS_CERTIFICATE_MAX)
		return verity_fail(err, VERITY_E_BAD_SIGNATURE,
				   "signature: a certificate in it has %zu bytes, over "
				   "the limit of %d",
				   verity_der_size(&whole), VERITY_CMS_CERTIFICATE_MAX);
	/* the part that is signed */
	if (!verity_der_take(&body, SEQUENCE, &body))
		return malformed(err);
	if (!verity_der_take(&body, SEQUENCE, &body))
		return malformed(err);
	if (verity_der_next_is(body, CONTEXT, 0) &&
	    !verity_der_take(&body, CONTEXT, 0, &skipped))
		return malformed(err);
	if (!verity_der_take_whole(&body, INTEGER, &ret->serial) ||
	    !verity_der_take(&body, SEQUENCE, &skipped) || /* algorithm */
	    !verity_der_take_whole(&body, SEQUENCE, &ret->issuer) ||
	    !verity_der_take(&body, SEQUENCE, &skipped) || /* validity */
	    !verity_der_take_whole(&body, SEQUENCE, &ret->subject) ||
	    !verity_der_take_whole(&body, SEQUENCE, &ret->key))
		return malformed(err);
	r = check_key(ret->key, err);
	while (r == 0 && body.next < body.end) {
		if (!verity_der_take_any(&body, &class, &tag, &extensions))
			return malformed(err);
		if (class == CONTEXT && tag == 3)
			r = read_extensions(extensions, &ret->key_id, err);
	}
	return r;
}

static int read_certificates(struct verity_der set, struct verity_cms_parts *ret,
			     struct verity_error *err)
{
	struct verity_der whole, rest = set;
	size_t count = 0;
	int class, tag, r = 0;

	while (rest.next < rest.end) {
		if (!verity_der_take_any(&rest, &class, &tag, &whole))
			return malformed(err);
		if (class != V_ASN1_UNIVERSAL || tag != V_ASN1_SEQUENCE)
			return verity_cms_bad(
				err, "it encloses a certificate that is not X.509");
		count++;
	}
	if (count > VERITY_KEY_IDS_MAX)
		return too_many(err, "certificates", count, VERITY_KEY_IDS_MAX);
	while (r == 0 && verity_der_take_whole(&set, SEQUENCE, &whole))
		r = read_certificate(whole, &ret->certificates[ret->certificate_count++],
				     err);
	return r;
}

static int read_attributes(struct verity_der signed_ones, struct verity_error *err)
{
	size_t bytes = verity_der_size(&signed_ones), count = 0;
	struct verity_der attribute;

	if (bytes > VERITY_CMS_SIGNED_BYTES_MAX)
		return verity_fail(err, VERITY_E_BAD_SIGNATURE,
				   "signature: the signed attributes have %zu bytes, "
				   "over the limit of %d",
				   bytes, VERITY_CMS_SIGNED_BYTES_MAX);
	while (signed_ones.next < signed_ones.end) {
		if (!verity_der_take(&signed_ones, SEQUENCE, &attribute))
			return malformed(err);
		count++;
	}
	if (count > VERITY_CMS_SIGNED_ATTRIBUTES_MAX)
		return too_many(err, "signed attributes", count,
				VERITY_CMS_SIGNED_ATTRIBUTES_MAX);
	return 0;
}

/* The one attribute that is not signed and means something: a timestamp. */
static int read_token(struct verity_der attributes, struct verity_der *ret,
		      struct verity_error *err)
{
	struct verity_der attribute, oid, values;

	if (!verity_der_take(&attributes, SEQUENCE, &attribute) ||
	    !verity_der_take(&attribute, OBJECT, &oid) ||
	    !verity_der_take(&attribute, SET, &values))
		return malformed(err);
	if (attributes.next < attributes.end || !IS(&oid, OID_TIMESTAMP_TOKEN) ||
	    !verity_der_take_whole(&values, SEQUENCE, ret) || values.next < values.end)
		return verity_cms_bad(
			err, "it has attributes that are not signed, other than one "
			     "timestamp");
	if (verity_der_size(ret) > VERITY_CMS_TOKEN_MAX)
		return verity_fail(err, VERITY_E_BAD_SIGNATURE,
				   "signature: its timestamp has %zu bytes, over the "
				   "limit of %d",
				   verity_der_size(ret), VERITY_CMS_TOKEN_MAX);
	return 0;
}

/* The value of a one-byte INTEGER; -1 where it is something else. */
static int take_version(struct verity_der *at)
{
	struct verity_der value;

	if (!verity_der_take(at, INTEGER, &value) || verity_der_size(&value) != 1)
		return -1;
	return value.next[0];
}

/* RFC 5652 §5.3 */
static int read_signer(struct verity_der signer, struct verity_cms_signer_id *ret,
		       struct verity_error *err)
{
	struct verity_der id, skipped;
	int version = take_version(&signer), class, tag, r = 0;

	if (!verity_der_take_any(&signer, &class, &tag, &id))
		return malformed(err);
	if (class == CONTEXT && tag == 0) {
		ret->key_id = id;
	} else if (class != V_ASN1_UNIVERSAL || tag != V_ASN1_SEQUENCE ||
		   !verity_der_take_whole(&id, SEQUENCE, &ret->issuer) ||
		   !verity_der_take_whole(&id, INTEGER, &ret->serial)) {
		return malformed(err);
	}
	if (version != (ret->key_id.next ? 3 : 1))
		return verity_cms_bad(err, "a version number in it is wrong");
	if (!verity_der_take(&signer, SEQUENCE, &skipped)) /* digest */
		return malformed(err);
	if (verity_der_next_is(signer, CONTEXT, 0)) {
		if (!verity_der_take(&signer, CONTEXT, 0, &ret->attributes))
			return malformed(err);
		r = read_attributes(ret->attributes, err);
	}
	if (r < 0)
		return r;
	if (!verity_der_take(&signer, SEQUENCE, &skipped) || /* algorithm */
	    !verity_der_take(&signer, OCTETS, &ret->signature))
		return malformed(err);
	if (signer.next == signer.end)
		return 0;
	if (!verity_der_take(&signer, CONTEXT, 1, &skipped) || signer.next < signer.end)
		return malformed(err);
	return read_token(skipped, &ret->token, err);
}

/* Whether two signers are one: only what is not signed may differ. */
static bool is_twice(const struct verity_cms_parts *parts)
{
	for (size_t i = 1; i < parts->signer_count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct verity_cms_signer_id *a = &parts->ids[i];
			const struct verity_cms_signer_id *b = &parts->ids[k];
			bool same_id = verity_der_same(&a->key_id, &b->key_id) ||
				       (verity_der_same(&a->issuer, &b->issuer) &&
					verity_der_same(&a->serial, &b->serial));
			bool plain = !a->attributes.next && !b->attributes.next;

			if (same_id &&
			    (plain || verity_der_same(&a->attributes, &b->attributes)))
				return true;
		}
	return false;
}

static int read_signers(struct verity_der set, struct verity_cms_parts *ret,
			struct verity_error *err)
{
	struct verity_der signer, rest = set;
	size_t count = 0;
	int r = 0;

	while (rest.next < rest.end) {
		if (!verity_der_take(&rest, SEQUENCE, &signer))
			return malformed(err);
		count++;
	}
	if (count == 0)
		return verity_cms_bad(err, "it has no signer");
	if (count > VERITY_SIGNERS_MAX)
		return too_many(err, "signers", count, VERITY_SIGNERS_MAX);
	while (r == 0 && verity_der_take(&set, SEQUENCE, &signer))
		r = read_signer(signer, &ret->ids[ret->signer_count++], err);
	if (r == 0 && is_twice(ret))
		return verity_cms_bad(err, "one signature is in it twice");
	return r;
}

static int read_signed_data(struct verity_der data, struct verity_cms_parts *ret,
			    struct verity_error *err)
{
	struct verity_der digests, content, type, set, version;
	size_t count = 0;
	int expected, r = 0;

	if (!verity_der_take_whole(&data, INTEGER, &ret->version) ||
	    !verity_der_take_whole(&data, SET, &ret->digests) ||
	    !verity_der_take_whole(&data, SEQUENCE, &ret->content))
		return malformed(err);
	digests = ret->digests;
	content = ret->content;
	if (!verity_der_take(&digests, SET, &digests) ||
	    !verity_der_take(&content, SEQUENCE, &content) ||
	    !verity_der_take(&content, OBJECT, &type))
		return malformed(err);
	/* The content is hashed once for each; no signature covers their parameters. */
	for (; digests.next < digests.end; count++) {
		struct verity_der skipped;

		if (!verity_der_take(&digests, SEQUENCE, &set) ||
		    !verity_der_take(&set, OBJECT, &skipped))
			return malformed(err);
		if (set.next < set.end &&
		    (!verity_der_take(&set, V_ASN1_UNIVERSAL, V_ASN1_NULL, &skipped) ||
		     verity_der_size(&skipped) > 0 || set.next < set.end))
			return verity_cms_bad(err,
					      "a digest algorithm in it has parameters");
	}
	if (count > VERITY_CMS_DIGESTS_MAX)
		return too_many(err, "digest algorithms", count, VERITY_CMS_DIGESTS_MAX);
	if (verity_der_next_is(data, CONTEXT, 0)) {
		if (!verity_der_take(&data, CONTEXT, 0, &set))
			return malformed(err);
		r = read_certificates(set, ret, err);
	}
	if (r == 0 && verity_der_next_is(data, CONTEXT, 1))
		return verity_cms_bad(
			err, "it encloses revocation lists, which devices do not use");
	if (r < 0)
		return r;
	if (!verity_der_take_whole(&data, SET, &ret->signers) || data.next < data.end)
		return malformed(err);
	set = ret->signers;
	if (!verity_der_take(&set, SET, &set))
		return malformed(err);
	r = read_signers(set, ret, err);
	if (r < 0)
		return r;
	/* RFC 5652 §5.1: 1; 3 where a signer is named by its key's id, or for other
	 * content */
	expected = IS(&type, OID_DATA) ? 1 : 3;
	for (size_t i = 0; i < ret->signer_count; i++)
		if (ret->ids[i].key_id.next)
			expected = 3;
	version = ret->version;
	return take_version(&version) == expected
		       ? 0
		       : verity_cms_bad(err, "a version number in it is wrong");
}

int verity_cms_parts_read(const void *signature, size_t bytes,
			  struct verity_cms_parts *ret, struct verity_error *err)
{
	struct verity_der at = {
		signature, bytes ? (const unsigned char *)signature + bytes : signature};
	unsigned elements = VERITY_CMS_ELEMENTS_MAX;
	struct verity_der outer, type;

	memset(ret, 0, sizeof(*ret));
	if (!verity_der_take(&at, SEQUENCE, &outer))
		return malformed(err);
	if (at.next < at.end)
		return verity_cms_bad(err, "bytes follow the CMS structure");
	if (!verity_der_count(outer, &elements))
		return elements ? malformed(err)
				: verity_cms_bad(err, "it has too many elements of DER");
	if (!verity_der_take(&outer, OBJECT, &type))
		return malformed(err);
	if (!IS(&type, OID_SIGNED_DATA))
		return verity_cms_bad(err, "not CMS SignedData");
	if (!verity_der_take(&outer, CONTEXT, 0, &at) || outer.next < outer.end ||
	    !verity_der_take(&at, SEQUENCE, &outer) || at.next < at.end)
		return malformed(err);
	return read_signed_data(outer, ret, err);
}
