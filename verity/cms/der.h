/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Walking over DER without decoding it: pure, without allocation, and linear in the
 * bytes. What is too much to decode is found so before it is decoded.
 */

#include <stdbool.h>
#include <stddef.h>

/* Bytes that are still to be read, or the bytes of one element; borrowed. */
struct verity_der {
	const unsigned char *next;
	const unsigned char *end;
};

static inline size_t verity_der_size(const struct verity_der *der)
{
	return (size_t)(der->end - der->next);
}

/* Whether both are there and have the same bytes. */
bool verity_der_same(const struct verity_der *a, const struct verity_der *b);

/**
 * verity_der_take_any - move @at past its next element
 * @ret_class, @ret_tag: of the element
 * @ret: its content; may be @at, to go on inside it
 *
 * Return: false at the end, and where its length is indefinite, does not fit, or is not
 * in its one shortest form.
 */
bool verity_der_take_any(struct verity_der *at, int *ret_class, int *ret_tag,
			 struct verity_der *ret);

/**
 * verity_der_take - the same for an element of that class and tag; outside the universal
 * class, for a constructed one
 *
 * Return: false also where it is another; @at has moved all the same.
 */
bool verity_der_take(struct verity_der *at, int class, int tag, struct verity_der *ret);

/**
 * verity_der_take_whole - the same
 * @ret: the element with its header
 */
bool verity_der_take_whole(struct verity_der *at, int class, int tag,
			   struct verity_der *ret);

/**
 * verity_der_next_is - whether the next element has that class and tag
 */
bool verity_der_next_is(struct verity_der at, int class, int tag);

/**
 * verity_der_count - count down for each element in @at, and in what OCTET STRINGs wrap
 *
 * Return: false where @left is not enough, or they are nested deeper than 32.
 */
bool verity_der_count(struct verity_der at, unsigned *left);
