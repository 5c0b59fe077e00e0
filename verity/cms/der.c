/* SPDX-License-Identifier: MIT */

/* Headers of DER elements (ITU-T X.690 §8.1, §10.1). */

#include "verity/cms/der.h"

#include <openssl/asn1.h>
#include <string.h>

#define DEPTH_MAX        32
#define LENGTH_BYTES_MAX 4
#define TAG_MASK         0x1f

bool verity_der_same(const struct verity_der *a, const struct verity_der *b)
{
	size_t size = verity_der_size(a);

	return size > 0 && size == verity_der_size(b) &&
	       memcmp(a->next, b->next, size) == 0;
}

/* The length behind the tag, in its one form: short, or long without a zero in front. */
static bool take_length(struct verity_der *at, size_t *ret)
{
	size_t length = 0, count;

	if (at->next == at->end)
		return false;
	if (*at->next < 0x80) {
		*ret = *at->next++;
		return true;
	}
	/* no bytes: an indefinite length, which DER does not have */
	count = *at->next++ & 0x7f;
	if (count == 0 || count > LENGTH_BYTES_MAX || count > verity_der_size(at) ||
	    *at->next == 0)
		return false;
	for (; count > 0; count--)
		length = length << 8 | *at->next++;
	*ret = length;
	return length >= 0x80;
}

/* Tags over 30, which take more than one byte, are in none of the structures here. */
static bool take(struct verity_der *at, int *ret_class, int *ret_tag,
		 bool *ret_constructed, struct verity_der *ret)
{
	struct verity_der rest = *at;
	unsigned char first;
	size_t length;

	if (rest.next >= rest.end)
		return false;
	first = *rest.next++;
	if ((first & TAG_MASK) == TAG_MASK || !take_length(&rest, &length) ||
	    length > verity_der_size(&rest))
		return false;
	*ret_class = first & V_ASN1_PRIVATE;
	*ret_tag = first & TAG_MASK;
	*ret_constructed = first & V_ASN1_CONSTRUCTED;
	if (*ret_class == V_ASN1_UNIVERSAL &&
	    *ret_constructed != (*ret_tag == V_ASN1_SEQUENCE || *ret_tag == V_ASN1_SET))
		return false;
	at->next = rest.next + length;
	*ret = (struct verity_der){rest.next, rest.next + length};
	return true;
}

bool verity_der_take_any(struct verity_der *at, int *ret_class, int *ret_tag,
			 struct verity_der *ret)
{
	bool constructed;

	return take(at, ret_class, ret_tag, &constructed, ret);
}

bool verity_der_take(struct verity_der *at, int class, int tag, struct verity_der *ret)
{
	int found_class, found_tag;
	bool constructed;

	return take(at, &found_class, &found_tag, &constructed, ret) &&
	       found_class == class && found_tag == tag &&
	       (constructed || class == V_ASN1_UNIVERSAL);
}

bool verity_der_take_whole(struct verity_der *at, int class, int tag,
			   struct verity_der *ret)
{
	const unsigned char *start = at->next;
	struct verity_der content;

	if (!verity_der_take(at, class, tag, &content))
		return false;
	*ret = (struct verity_der){start, content.end};
	return true;
}

bool verity_der_next_is(struct verity_der at, int class, int tag)
{
	struct verity_der content;

	return verity_der_take(&at, class, tag, &content);
}

/* @wrapped: in an OCTET STRING, which may hold anything */
static bool count(struct verity_der at, unsigned *left, unsigned depth, bool wrapped)
{
	int class, tag;
	bool constructed;
	struct verity_der content;

	if (depth > DEPTH_MAX)
		return false;
	while (at.next < at.end) {
		if (!take(&at, &class, &tag, &constructed, &content))
			return wrapped;
		if ((*left)-- == 0) {
			*left = 0;
			return false;
		}
		if ((constructed || tag == V_ASN1_OCTET_STRING) &&
		    !count(content, left, depth + 1, wrapped || !constructed))
			return false;
	}
	return true;
}

bool verity_der_count(struct verity_der at, unsigned *left)
{
	return count(at, left, 0, false);
}
