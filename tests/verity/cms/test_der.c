/* SPDX-License-Identifier: MIT */
#include <openssl/asn1.h>

#include "tests/check.h"
#include "verity/cms/der.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define SEQUENCE       V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE
#define INTEGER        V_ASN1_UNIVERSAL, V_ASN1_INTEGER

static struct verity_der over(const char *bytes, size_t size)
{
	const unsigned char *start = (const unsigned char *)bytes;

	return (struct verity_der){start, start + size};
}

/* One element has one form, and lies within what there is. */
static void test_take(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		int content; /* bytes of it; -1: refused */
	} cases[] = {
		{BYTES(""), -1},
		{BYTES("\x30"), -1},
		{BYTES("\x30\x00"), 0},
		{BYTES("\x30\x00\x00"), 0},      /* what follows is not looked at */
		{BYTES("\x30\x02\x05"), -1},     /* cut off */
		{BYTES("\x30\x80\x00\x00"), -1}, /* indefinite */
		{BYTES("\x30\x81\x01\x05"), -1}, /* long form, and not needed */
		{BYTES("\x30\x82\x00\x80"), -1}, /* a zero in front */
		{BYTES("\x30\x84\xff\xff\xff\xff"), -1}, /* far outside */
		{BYTES("\x30\x85\x01\x00\x00\x00\x00"), -1},
		{BYTES("\x10\x00"), -1},     /* a sequence that is not constructed */
		{BYTES("\x22\x01\x00"), -1}, /* an integer that is */
		{BYTES("\x02\x01\x00"), -1}, /* another type */
		{BYTES("\x3f\x1f\x00"), -1}, /* tag of two bytes */
		{BYTES("\xa0\x00"), -1},     /* another class */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_der at = over(cases[i].bytes, cases[i].size), content;
		bool taken = verity_der_take(&at, SEQUENCE, &content);

		if (taken != (cases[i].content >= 0) ||
		    (taken && verity_der_size(&content) != (size_t)cases[i].content))
			fail_msg("case %zu", i);
	}
}

static void test_long(void **state)
{
	char bytes[3 + 0x80] = "\x04\x81\x80", longer[4 + 0x100] = "\x04\x82\x01\x00";
	struct verity_der at = over(bytes, sizeof(bytes)), content;

	(void)state;
	assert_true(
		verity_der_take(&at, V_ASN1_UNIVERSAL, V_ASN1_OCTET_STRING, &content));
	assert_int_equal(verity_der_size(&content), 0x80);
	assert_ptr_equal(at.next, at.end);
	at = over(longer, sizeof(longer));
	assert_true(verity_der_take_whole(&at, V_ASN1_UNIVERSAL, V_ASN1_OCTET_STRING,
					  &content));
	assert_int_equal(verity_der_size(&content), sizeof(longer));
}

/* From one to the next, and into one. */
static void test_walk(void **state)
{
	struct verity_der at = over(BYTES("\x30\x06\x02\x01\x05\x02\x01\x06")), first,
			  second;

	(void)state;
	assert_true(verity_der_take(&at, SEQUENCE, &at));
	assert_true(verity_der_next_is(at, INTEGER));
	assert_true(verity_der_take(&at, INTEGER, &first));
	assert_true(verity_der_take_whole(&at, INTEGER, &second));
	assert_false(verity_der_next_is(at, INTEGER));
	assert_int_equal(*first.next, 5);
	assert_int_equal(verity_der_size(&second), 3);
	assert_false(verity_der_same(&first, &second));
	assert_true(verity_der_same(&first, &first));
	/* what is not there is the same as nothing */
	assert_false(verity_der_same(&at, &at));
}

static void test_count(void **state)
{
	/* an OCTET STRING with a sequence of two in it; with what only begins as one */
	static const char wrapped[] = "\x30\x08\x04\x06\x30\x04\x05\x00\x05\x00";
	static const char random[] = "\x30\x04\x04\x02\x30\x7f";
	char nested[80];
	unsigned left = 5;

	(void)state;
	assert_true(verity_der_count(over(BYTES(wrapped)), &left));
	assert_int_equal(left, 0);
	left = 4;
	assert_false(verity_der_count(over(BYTES(wrapped)), &left));
	left = 10;
	assert_true(verity_der_count(over(BYTES(random)), &left));
	assert_false(verity_der_count(over(BYTES("\x30\x02\x05\x01")), &left));
	for (int depth = 0; depth < 40; depth++) {
		nested[2 * depth] = 0x30;
		nested[2 * depth + 1] = (char)(78 - 2 * depth);
	}
	left = 1000;
	assert_false(verity_der_count(over(nested, sizeof(nested)), &left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
