/* SPDX-License-Identifier: MIT */

/* Decoding and certifying enclosed certificates, as few as the signers need. */

#include "verity/cms/enclosed.h"

#include <ctype.h>
#include <openssl/err.h>

#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"

/*
 * Of the letters and digits in the values of a name, without regard to case: names that
 * are equal for OpenSSL (RFC 5280 §7.1), however they are encoded, have the same hash.
 * The reverse need not be: X509_check_issued() decides.
 */
static uint64_t hash_name(struct verity_der name, uint64_t hash)
{
	struct verity_der content;
	int class, tag;

	while (verity_der_take_any(&name, &class, &tag, &content)) {
		if (tag == V_ASN1_SEQUENCE || tag == V_ASN1_SET) {
			hash = hash_name(content, hash);
			continue;
		}
		for (; tag != V_ASN1_OBJECT && content.next < content.end; content.next++)
			if (*content.next < 0x80 && isalnum(*content.next))
				hash = (hash ^ (unsigned)(*content.next | 0x20)) *
				       UINT64_C(0x100000001b3);
	}
	return hash;
}

void verity_cms_enclosed_begin(struct verity_cms_enclosed *ret,
			       const struct verity_cms_parts *parts)
{
	*ret = (struct verity_cms_enclosed){.parts = parts};
	for (size_t i = 0; i < parts->certificate_count; i++) {
		ret->each[i].subject = hash_name(parts->certificates[i].subject, 0);
		ret->each[i].issuer = hash_name(parts->certificates[i].issuer, 0);
	}
}

void verity_cms_enclosed_end(struct verity_cms_enclosed *enclosed)
{
	for (size_t i = 0; i < VERITY_KEY_IDS_MAX; i++)
		X509_free(enclosed->each[i].x509);
	sk_X509_free(enclosed->certified);
}

int verity_cms_enclosed_find(const struct verity_cms_enclosed *enclosed,
			     const struct verity_cms_signer_id *id)
{
	for (size_t i = 0; i < enclosed->parts->certificate_count; i++) {
		const struct verity_cms_certificate *c =
			&enclosed->parts->certificates[i];

		if (verity_der_same(&id->key_id, &c->key_id) ||
		    (verity_der_same(&id->issuer, &c->issuer) &&
		     verity_der_same(&id->serial, &c->serial)))
			return (int)i;
	}
	return -1;
}

X509 *verity_cms_enclosed_get(struct verity_cms_enclosed *enclosed, size_t index)
{
	const struct verity_der *whole = &enclosed->parts->certificates[index].whole;
	struct verity_cms_found *found = &enclosed->each[index];
	const unsigned char *next = whole->next;

	if (!found->x509)
		found->x509 = d2i_X509(NULL, &next, (long)verity_der_size(whole));
	return found->x509;
}

/* Those above the wanted ones by their names are wanted, too. */
static void want_issuers(struct verity_cms_enclosed *enclosed)
{
	size_t count = enclosed->parts->certificate_count;
	bool more = true, done[VERITY_KEY_IDS_MAX] = {false};

	while (more) {
		more = false;
		for (size_t i = 0; i < count; i++) {
			if (!enclosed->each[i].wanted || done[i])
				continue;
			done[i] = more = true;
			for (size_t k = 0; k < count; k++)
				if (enclosed->each[k].subject == enclosed->each[i].issuer)
					enclosed->each[k].wanted = true;
		}
	}
}

const uint8_t *verity_cms_enclosed_digest(struct verity_cms_enclosed *enclosed,
					  size_t index)
{
	const struct verity_der *whole = &enclosed->parts->certificates[index].whole;
	struct verity_cms_found *found = &enclosed->each[index];

	if (!found->digested)
		found->digested =
			EVP_Digest(whole->next, verity_der_size(whole), found->digest,
				   NULL, EVP_sha256(), NULL) == 1;
	return found->digest;
}

/* 1 where one of @issuers has issued it; 0 where none has, or the budget is used up. */
static int try_issuers(struct verity_cms_enclosed *enclosed, size_t index,
		       STACK_OF(X509) * issuers, struct verity_cms_work *work,
		       struct verity_error *err)
{
	const struct verity_der *whole = &enclosed->parts->certificates[index].whole;
	struct verity_cms_found *found = &enclosed->each[index];

	for (int i = 0; i < sk_X509_num(issuers); i++) {
		X509 *issuer = sk_X509_value(issuers, i);
		const X509_NAME *name = X509_get_subject_name(issuer);
		const unsigned char *der;
		size_t size;

		if (X509_NAME_get0_der(name, &der, &size) != 1 ||
		    hash_name((struct verity_der){der, der + size}, 0) != found->issuer)
			continue;
		found->has_issuer = true;
		if (!found->x509) {
			found->x509 =
				verity_cms_issued_get(enclosed->issued, *whole, issuer);
			if (found->x509) {
				verity_cms_work_note(work, found->x509, issuer);
				return 1;
			}
		}
		if (work->strange_left == 0 && !found->x509)
			return 0;
		if (!verity_cms_enclosed_get(enclosed, index))
			return verity_fail_openssl(
				err, VERITY_E_BAD_SIGNATURE,
				"signature: a certificate in it cannot be read");
		if (verity_cms_work_link(work, found->x509, issuer) == X509_V_OK) {
			verity_cms_issued_add(enclosed->issued, *whole, found->x509,
					      issuer);
			return 1;
		}
	}
	return 0;
}

/*
 * 1 where it is certified now; 0 where it is not: then it costs at least one of the
 * budget, for it was decoded. What was spent on namesakes of its issuer is given back in
 * the end: a stranger cannot make one that is certified.
 */
static int certify(struct verity_cms_enclosed *enclosed, size_t index,
		   STACK_OF(X509) * issuers, struct verity_cms_work *work,
		   struct verity_error *err)
{
	struct verity_cms_found *found = &enclosed->each[index];
	unsigned before = work->strange_left;
	int r = try_issuers(enclosed, index, issuers, work, err);

	found->spent += before - work->strange_left;
	if (r > 0) {
		if (sk_X509_push(enclosed->certified, found->x509) <= 0)
			return verity_no_memory(err);
		found->certified = true;
		work->strange_left += found->spent;
		found->spent = 0;
	} else if (r == 0 && found->x509 && found->spent == 0 &&
		   verity_cms_work_take(work)) {
		found->spent = 1;
	}
	return r;
}

int verity_cms_enclosed_certify(struct verity_cms_enclosed *enclosed,
				const struct verity_keyring *keyring,
				struct verity_cms_work *work, struct verity_error *err)
{
	int more = 1;

	enclosed->certified = sk_X509_new_null();
	if (!enclosed->certified)
		return verity_no_memory(err);
	if (keyring)
		enclosed->issued = keyring->issued;
	want_issuers(enclosed);
	while (keyring && more > 0) {
		more = 0;
		for (size_t i = 0; i < enclosed->parts->certificate_count; i++) {
			int r = 0;

			if (!enclosed->each[i].wanted || enclosed->each[i].certified)
				continue;
			r = certify(enclosed, i, keyring->certificates, work, err);
			if (r == 0)
				r = certify(enclosed, i, enclosed->certified, work, err);
			if (r < 0)
				return r;
			more |= r;
		}
	}
	return 0;
}
