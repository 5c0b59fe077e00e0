/* SPDX-License-Identifier: MIT */
#include "verity/cms/versions.h"

#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/err.h>

/* Bytes that are still to be read of one constructed value. */
struct cursor {
	const unsigned char *next;
	const unsigned char *end;
};

/* One element: its tag, class and content; @cursor moves past it. */
struct element {
	int tag;
	int class;
	struct cursor content;
};

static bool take(struct cursor *cursor, struct element *ret)
{
	const unsigned char *content = cursor->next;
	long length;
	int form;

	if (cursor->next >= cursor->end)
		return false;
	form = ASN1_get_object(&content, &length, &ret->tag, &ret->class,
			       cursor->end - cursor->next);
	/* 0x80: an error; 1: an indefinite length, which DER does not have */
	if (form & 0x81) {
		ERR_clear_error();
		return false;
	}
	ret->content = (struct cursor){content, content + length};
	cursor->next = content + length;
	return true;
}

static bool take_tag(struct cursor *cursor, int class, int tag, struct element *ret)
{
	return take(cursor, ret) && ret->class == class && ret->tag == tag;
}

/* The value of a one-byte INTEGER; -1 where it is something else. */
static int take_version(struct cursor *cursor)
{
	struct element e;

	if (!take_tag(cursor, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, &e) ||
	    e.content.end - e.content.next != 1)
		return -1;
	return e.content.next[0];
}

/* 1 where the signer is named by issuer and serial number, 3 where by its key's id. */
static int signer_version(struct cursor signer)
{
	int version = take_version(&signer);
	struct element id;

	if (!take(&signer, &id))
		return -1;
	if (id.class == V_ASN1_UNIVERSAL && id.tag == V_ASN1_SEQUENCE && version == 1)
		return 1;
	if (id.class == V_ASN1_CONTEXT_SPECIFIC && id.tag == 0 && version == 3)
		return 3;
	return -1;
}

static bool check_signed_data(struct cursor data)
{
	int version = take_version(&data);
	int expected = 1;
	struct element e;

	/* On to the last element: the signers. */
	do {
		if (!take(&data, &e))
			return false;
	} while (data.next < data.end);
	if (e.class != V_ASN1_UNIVERSAL || e.tag != V_ASN1_SET)
		return false;
	while (e.content.next < e.content.end) {
		struct element signer;
		int number;

		if (!take_tag(&e.content, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, &signer))
			return false;
		number = signer_version(signer.content);
		if (number < 0)
			return false;
		if (number > expected)
			expected = number;
	}
	return version == expected;
}

int verity_cms_versions_check(const uint8_t *der, size_t size, struct verity_error *err)
{
	struct cursor all = {der, der + size};
	struct element e;

	if (size <= LONG_MAX && take_tag(&all, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, &e)) {
		struct cursor info = e.content;

		if (take_tag(&info, V_ASN1_UNIVERSAL, V_ASN1_OBJECT, &e) &&
		    take_tag(&info, V_ASN1_CONTEXT_SPECIFIC, 0, &e)) {
			struct cursor explicit_data = e.content;

			if (take_tag(&explicit_data, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE,
				     &e) &&
			    check_signed_data(e.content))
				return 0;
		}
	}
	return verity_fail(err, VERITY_E_BAD_SIGNATURE,
			   "signature: a version number in it is not what it must be");
}
