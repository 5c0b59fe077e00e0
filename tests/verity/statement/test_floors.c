/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "verity/statement/floors.h"
#include "verity/util/cleanup.h"

static void floors_free_p(struct verity_floors *floors)
{
	verity_floors_free(floors);
}

#define cleanup_floors cleanup_with(floors_free_p)

static int decode(const char *text, struct verity_floors *ret, struct verity_error *err)
{
	return verity_floors_decode(text, strlen(text), ret, err);
}

#define D64            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define FLOORS(epochs) "{\"format\":1,\"time\":7,\"denylist\":3,\"epochs\":" epochs "}"

static void test_decode(void **state)
{
	static const char epoch[] = "epochs.a: outside 1 to 4294967295";
	static const struct {
		const char *text;
		const char *message; /* NULL: good */
	} cases[] = {
		{FLOORS("{}"), NULL},
		{FLOORS("{\"a\":1}"), NULL},
		{FLOORS("{\"b\":4294967295,\"a\":1}"), NULL},
		{FLOORS("{},\"more\":[]"), NULL},
		{FLOORS("{},\"spent\":[]"), NULL},
		{FLOORS("{},\"spent\":[\"" D64 "\"]"), NULL},
		{FLOORS("{},\"spent\":[\"00\"]"), "spent[0]: not 64 hex digits"},
		{FLOORS("{},\"spent\":{}"), "spent: not a list"},
		{FLOORS("{\"a\":0}"), epoch},
		{FLOORS("{\"a\":-1}"), epoch},
		{FLOORS("{\"a\":4294967296}"), epoch},
		{FLOORS("{\"a\":\"1\"}"), "epochs.a: not an integer"},
		{FLOORS("{\"a\":null}"), "epochs.a: not an integer"},
		{FLOORS("{\"a\":2,\"a\":1}"), "a: there twice"},
		{FLOORS("{\"../a\":1}"), "epochs: not a valid package name"},
		{FLOORS("{\"\":1}"), "epochs: not a valid package name"},
		{FLOORS("[]"), "epochs: not an object"},
		{FLOORS("null"), "epochs: not an object"},
		{"{\"format\":1,\"time\":7,\"denylist\":3}", "epochs: missing"},
		{"{\"time\":7,\"denylist\":3,\"epochs\":{}}", "format: missing"},
		{"{\"format\":2,\"time\":7,\"denylist\":3,\"epochs\":{}}",
		 "format: not 1"},
		{"{\"format\":1,\"denylist\":3,\"epochs\":{}}", "time: missing"},
		{"{\"format\":1,\"time\":-1,\"denylist\":3,\"epochs\":{}}",
		 "time: outside 0 to 253402300799"},
		{"{\"format\":1,\"time\":253402300800,\"denylist\":3,\"epochs\":{}}",
		 "time: outside 0 to 253402300799"},
		{"{\"format\":1,\"time\":7,\"epochs\":{}}", "denylist: missing"},
		{"{\"format\":1,\"time\":7,\"denylist\":4294967296,\"epochs\":{}}",
		 "denylist: outside 0 to 4294967295"},
		{"", "not JSON: incomplete at byte 0"},
		{"[]", "not one JSON object and nothing else"},
		{"{\"format\":1,\"time\":7,\"denyl", "not JSON: incomplete at byte 27"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_floors struct verity_floors floors = {.time = 99};
		struct verity_error err = {VERITY_OK, ""};
		int r = decode(cases[i].text, &floors, &err);

		if (!cases[i].message) {
			check_ok(r, &err);
			assert_int_equal(floors.time, 7);
			assert_int_equal(floors.denylist, 3);
			continue;
		}
		assert_int_equal(r, -EBADMSG);
		check_error(&err, VERITY_E_BAD_RECORD, cases[i].message);
		assert_int_equal(floors.time, 99);
	}
}

static void test_raise_denylist(void **state)
{
	struct verity_floors floors = {.denylist = 3};

	(void)state;
	assert_true(verity_floors_raise_denylist(&floors, 9));
	assert_false(verity_floors_raise_denylist(&floors, 9));
	assert_false(verity_floors_raise_denylist(&floors, 0));
	assert_int_equal(floors.denylist, 9);
}

/* Whatever their order in the file. */
static void test_round_trip(void **state)
{
	static const char *const names[] = {"m", "a", "z", "b.c", "B", "0"};
	cleanup_floors struct verity_floors floors = {.time = 0};
	cleanup_free char *text = NULL;
	struct verity_error err;

	(void)state;
	check_ok(decode("{\"format\":1,\"time\":253402300799,\"denylist\":4294967295,"
			"\"epochs\":{\"m\":4294967295,\"a\":4294967294,\"z\":4294967293,"
			"\"b.c\":4294967292,\"B\":4294967291,\"0\":4294967290}}",
			&floors, &err),
		 &err);
	assert_int_equal(floors.time, VERITY_TIME_MAX);
	assert_int_equal(floors.denylist, UINT32_MAX);
	assert_int_equal(floors.count, 6);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(verity_floors_epoch(&floors, names[i]), UINT32_MAX - i);
	assert_int_equal(verity_floors_epoch(&floors, "M"), 0);
	assert_int_equal(verity_floors_epoch(NULL, "m"), 0);
	check_ok(verity_floors_encode(&floors, &text, &err), &err);
	assert_string_equal(text,
			    "{\"format\":1,\"time\":253402300799,\"denylist\":4294967295,"
			    "\"epochs\":{\"0\":4294967290,\"B\":4294967291,\"a\":"
			    "4294967294,\"b.c\":4294967292,\"m\":4294967295,\"z\":"
			    "4294967293}}");
}

static void test_spent(void **state)
{
	cleanup_floors struct verity_floors floors = {.time = 0};
	cleanup_floors struct verity_floors again = {.time = 0};
	cleanup_free char *text = NULL;
	uint8_t digest[VERITY_DIGEST_BYTES] = {0};
	struct verity_error err;

	(void)state;
	for (unsigned i = 0; i <= VERITY_SPENT_MAX; i++) {
		digest[0] = (uint8_t)i;
		digest[1] = (uint8_t)(i >> 8);
		assert_false(verity_floors_is_spent(&floors, digest));
		assert_int_equal(verity_floors_spend(&floors, digest, &err), 1);
		assert_int_equal(verity_floors_spend(&floors, digest, &err), 0);
	}
	check_ok(verity_floors_encode(&floors, &text, &err), &err);
	check_ok(decode(text, &again, &err), &err);
	assert_int_equal(again.spent_count, VERITY_SPENT_MAX);
	assert_true(verity_floors_is_spent(&again, digest));
	/* The oldest is the one that was forgotten. */
	memset(digest, 0, sizeof(digest));
	assert_false(verity_floors_is_spent(&again, digest));
	digest[0] = 1;
	assert_true(verity_floors_is_spent(&again, digest));
}

static uint32_t prove(const void *context, const char *name)
{
	assert_string_equal(name, "m");
	return *(const uint32_t *)context;
}

/* Either may be the higher one; only what is not proven is dropped. */
static void test_proven(void **state)
{
	cleanup_floors struct verity_floors floors = {.time = 0};
	struct verity_error err;
	uint32_t proven = 5;

	(void)state;
	check_ok(decode(FLOORS("{\"m\":3}"), &floors, &err), &err);
	floors.proven = prove;
	floors.context = &proven;
	assert_int_equal(verity_floors_epoch(&floors, "m"), 5);
	proven = 2;
	assert_int_equal(verity_floors_epoch(&floors, "m"), 3);
	verity_floors_drop(&floors);
	assert_int_equal(verity_floors_epoch(&floors, "m"), 2);
	assert_int_equal(floors.time, 0);
}

static void test_nothing_run(void **state)
{
	cleanup_floors struct verity_floors floors = {.time = 0};
	cleanup_free char *text = NULL;
	struct verity_error err;

	(void)state;
	check_ok(verity_floors_encode(&floors, &text, &err), &err);
	assert_string_equal(text,
			    "{\"format\":1,\"time\":0,\"denylist\":0,\"epochs\":{}}");
	check_ok(decode(text, &floors, &err), &err);
	assert_int_equal(floors.count, 0);
}

/* As many names as there may be, and one more. */
static void test_full(void **state)
{
	cleanup_floors struct verity_floors floors = {.time = 0};
	cleanup_free char *text = calloc(VERITY_FLOORS_MAX, 32);
	struct verity_error err;
	size_t used;

	(void)state;
	assert_non_null(text);
	used = (size_t)sprintf(
		text, "{\"format\":1,\"time\":7,\"denylist\":3,\"epochs\":{\"n0\":2");
	for (int i = 1; i < VERITY_FLOORS_MAX; i++)
		used += (size_t)sprintf(text + used, ",\"n%d\":1", i);
	strcpy(text + used, "}}");
	check_ok(decode(text, &floors, &err), &err);
	assert_int_equal(floors.count, VERITY_FLOORS_MAX);
	assert_int_equal(verity_floors_epoch(&floors, "n0"), 2);
	assert_int_equal(verity_floors_epoch(&floors, "n4095"), 1);
	assert_int_equal(verity_floors_epoch(&floors, "more"), 0);

	strcpy(text + used, ",\"more\":1}}");
	assert_int_equal(decode(text, &floors, &err), -EBADMSG);
	check_error(&err, VERITY_E_BAD_RECORD, "epochs: more than 4096 names");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),     cmocka_unit_test(test_raise_denylist),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_nothing_run),
		cmocka_unit_test(test_full),       cmocka_unit_test(test_spent),
		cmocka_unit_test(test_proven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
