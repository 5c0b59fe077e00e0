/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/ring.h"
#include "tests/verity/statements.h"
#include "verity/format/format.h"
#include "verity/util/json.h"

static const char unlock[] = "{\"type\":\"unlock\",\"format\":1,\"serial\":\"A1\","
			     "\"allow\":[\"untrusted\"],\"not_after\":2000000000}";
static const char denylist[] =
	"{\"type\":\"denylist\",\"format\":1,\"number\":1,\"deny\":[]}";
static const char manifest[] = "{\"type\":\"package\",\"format\":1}";

static int verify(const struct statement_file *file, enum verity_statement_type type,
		  struct verity_signatures *ret, struct verity_error *err)
{
	struct json_object *object = NULL;
	int r = verity_statement_verify(file->bytes, file->size, type, keyring, &object,
					ret, err);

	assert_int_equal(r == 0, object != NULL);
	json_object_put(object);
	return r;
}

/* Everything that is signed, by everybody who signs, taken for everything else. */
static void test_passing_off(void **state)
{
	static const char no_unlock[] =
		"a certificate of the signer is not for signing unlock statements "
		"(extended key usage 2.25.262918127440573346229120389441173150337)";
	static const char no_package[] =
		"a certificate of the signer is not for signing packages "
		"(extended key usage codeSigning)";
	static const struct {
		const char *text, *signer;
		enum verity_statement_type as;
		int r;
		enum verity_code code;
		const char *message;
	} cases[] = {
		{unlock, "unlock", VERITY_STATEMENT_UNLOCK, 0, VERITY_OK, ""},
		{denylist, "signer", VERITY_STATEMENT_DENYLIST, 0, VERITY_OK, ""},
		{manifest, "signer", VERITY_STATEMENT_DENYLIST, -EBADMSG,
		 VERITY_E_WRONG_TYPE, "it is a package's manifest, not a deny list"},
		{manifest, "signer", VERITY_STATEMENT_UNLOCK, -EBADMSG,
		 VERITY_E_WRONG_TYPE,
		 "it is a package's manifest, not an unlock statement"},
		{manifest, "unlock", VERITY_STATEMENT_UNLOCK, -EBADMSG,
		 VERITY_E_WRONG_TYPE,
		 "it is a package's manifest, not an unlock statement"},
		{denylist, "signer", VERITY_STATEMENT_UNLOCK, -EBADMSG,
		 VERITY_E_WRONG_TYPE, "it is a deny list, not an unlock statement"},
		{denylist, "unlock", VERITY_STATEMENT_UNLOCK, -EBADMSG,
		 VERITY_E_WRONG_TYPE, "it is a deny list, not an unlock statement"},
		{unlock, "unlock", VERITY_STATEMENT_DENYLIST, -EBADMSG,
		 VERITY_E_WRONG_TYPE, "it is an unlock statement, not a deny list"},
		{unlock, "signer", VERITY_STATEMENT_DENYLIST, -EBADMSG,
		 VERITY_E_WRONG_TYPE, "it is an unlock statement, not a deny list"},
		{unlock, "signer", VERITY_STATEMENT_UNLOCK, -EKEYREJECTED,
		 VERITY_E_UNTRUSTED_SIGNER, no_unlock},
		{denylist, "unlock", VERITY_STATEMENT_DENYLIST, -EKEYREJECTED,
		 VERITY_E_UNTRUSTED_SIGNER, no_package},
		{unlock, NULL, VERITY_STATEMENT_UNLOCK, -EKEYREJECTED,
		 VERITY_E_NO_SIGNATURE, "the statement has no signature"},
		{denylist, NULL, VERITY_STATEMENT_UNLOCK, -EKEYREJECTED,
		 VERITY_E_NO_SIGNATURE, "the statement has no signature"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err = {VERITY_OK, ""};
		struct verity_signatures signatures;
		struct statement_file file =
			statement_make(&keys, cases[i].text, cases[i].signer);
		int r = verify(&file, cases[i].as, &signatures, &err);

		free(file.bytes);
		check_error(&err, cases[i].code, cases[i].message);
		assert_int_equal(r, cases[i].r);
		assert_int_equal(signatures.count, cases[i].signer ? 1 : 0);
	}
}

/* Nothing of a text that nobody trusted has signed is looked at, not even its type. */
static void test_stranger(void **state)
{
	static const char *const texts[] = {unlock, denylist, manifest, "not JSON"};
	struct verity_signatures signatures;
	struct verity_error err;
	struct keys others;

	(void)state;
	keys_make(&others);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct statement_file file = statement_make(&others, texts[i], "unlock");

		assert_int_equal(
			verify(&file, VERITY_STATEMENT_UNLOCK, &signatures, &err),
			-EKEYREJECTED);
		assert_int_equal(err.code, VERITY_E_UNTRUSTED_SIGNER);
		assert_string_equal(signatures.signers[0].subject,
				    "CN=wmopkg development unlock signer");
		free(file.bytes);
	}
	keys_delete(&others);
}

static void test_changed(void **state)
{
	struct statement_file file = statement_make(&keys, unlock, "unlock");
	struct verity_signatures signatures;
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < strlen(unlock); i++) {
		file.bytes[VERITY_HEAD_BYTES + i] ^= 1;
		assert_int_equal(
			verify(&file, VERITY_STATEMENT_UNLOCK, &signatures, &err),
			-EBADMSG);
		assert_int_equal(err.code, VERITY_E_BAD_SIGNATURE);
		file.bytes[VERITY_HEAD_BYTES + i] ^= 1;
	}
	check_ok(verify(&file, VERITY_STATEMENT_UNLOCK, &signatures, &err), &err);
	free(file.bytes);
}

/* What is said of JSON that somebody did sign. */
static void test_text(void **state)
{
	static const struct {
		const char *text;
		enum verity_code code;
		const char *message;
	} cases[] = {
		{"[]", VERITY_E_BAD_STATEMENT, "not one JSON object and nothing else"},
		{"{}", VERITY_E_BAD_STATEMENT, "type: missing, or not a string"},
		{"{}{}", VERITY_E_BAD_STATEMENT,
		 "not JSON: unexpected character at byte 2"},
		{"{\"type\":1}", VERITY_E_BAD_STATEMENT,
		 "type: missing, or not a string"},
		{"{\"type\":null}", VERITY_E_BAD_STATEMENT,
		 "type: missing, or not a string"},
		{"{\"type\":\"unlock\\u0000\"}", VERITY_E_BAD_STATEMENT,
		 "type: missing, or not a string"},
		{"{\"type\":\"Unlock\"}", VERITY_E_WRONG_TYPE,
		 "it is something else, not an unlock statement"},
		{"{\"type\":\"unlock\"}", VERITY_E_BAD_STATEMENT, "format: missing"},
		{"{\"type\":\"unlock\",\"format\":\"1\"}", VERITY_E_BAD_STATEMENT,
		 "format: not an integer"},
		{"{\"type\":\"unlock\",\"format\":1.0}", VERITY_E_BAD_STATEMENT,
		 "format: not an integer"},
		{"{\"type\":\"unlock\",\"format\":0}", VERITY_E_BAD_STATEMENT,
		 "format: outside 1 to 9223372036854775807"},
		{"{\"type\":\"unlock\",\"format\":2}", VERITY_E_UNKNOWN_FEATURE,
		 "format: 2 is newer than this program knows"},
		{"{\"type\":\"denylist\",\"format\":2}", VERITY_E_WRONG_TYPE,
		 "it is a deny list, not an unlock statement"},
		/* Whoever reads the first of two, and whoever reads the last. */
		{"{\"type\":\"unlock\",\"format\":1,\"type\":\"denylist\"}",
		 VERITY_E_BAD_STATEMENT, "type: there twice"},
		{"{\"type\":\"unlock\",\"format\":1,\"t\\u0079pe\":\"denylist\"}",
		 VERITY_E_BAD_STATEMENT, "type: there twice"},
		{"{\"type\":\"unlock\",\"type\\u0000x\":1}", VERITY_E_BAD_STATEMENT,
		 "a key has a NUL in it"},
		{"{\"type\":\"unlock\",\"a\":[{\"b\\n\":{},\"b\\n\":1}]}",
		 VERITY_E_BAD_STATEMENT, "b?: there twice"},
		{"{\"a\":[[[[[[[[1]]]]]]]]}", VERITY_E_BAD_STATEMENT,
		 "not JSON: nesting too deep at byte 12"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct statement_file file =
			statement_make(&keys, cases[i].text, "unlock");
		struct verity_signatures signatures;
		struct verity_error err;

		assert_int_equal(
			verify(&file, VERITY_STATEMENT_UNLOCK, &signatures, &err),
			-EBADMSG);
		check_error(&err, cases[i].code, cases[i].message);
		free(file.bytes);
	}
}

/* The same key in two objects, and what looks like one in a string, are none twice. */
static void test_not_twice(void **state)
{
	static const char *const texts[] = {
		"{\"a\":{\"b\":1},\"b\":[{\"b\":1},{\"b\":2}],\"c\":[\"a\",\"a\"]}",
		"{\"a\" : \"\\\"a\\\":1\", \"b\": \"\\\\\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_object *object = NULL;
		struct verity_error err;

		check_ok(verity_json_parse(texts[i], strlen(texts[i]), &object, &err),
			 &err);
		json_object_put(object);
	}
}

static void test_container(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum verity_code code;
		const char *message;
	} cases[] = {
		{"", 0, VERITY_E_BAD_STATEMENT, "it is not a signed statement"},
		{"WMOSTM0", 7, VERITY_E_BAD_STATEMENT, "it is not a signed statement"},
		{"WMOSTM02\2\0\0\0\0\0\0\0{}", 18, VERITY_E_BAD_STATEMENT,
		 "it is not a signed statement"},
		{"WMOSTM01", 8, VERITY_E_BAD_STATEMENT,
		 "the file ends inside its header"},
		{"WMOSTM01\2\0\0\0\0\0\0", 15, VERITY_E_BAD_STATEMENT,
		 "the file ends inside its header"},
		{"WMOSTM01\1\0\0\0\0\0\0\0{", 17, VERITY_E_BAD_STATEMENT,
		 "the statement's sizes are out of their range"},
		{"WMOSTM01\1\0\2\0\0\0\0\0{}", 18, VERITY_E_BAD_STATEMENT,
		 "the statement's sizes are out of their range"},
		{"WMOSTM01\2\0\0\0\1\0\1\0{}", 18, VERITY_E_BAD_STATEMENT,
		 "the statement's sizes are out of their range"},
		{"WMOSTM01\2\0\0\0\377\377\377\377{}", 18, VERITY_E_BAD_STATEMENT,
		 "the statement's sizes are out of their range"},
		{"WMOSTM01\3\0\0\0\0\0\0\0{}", 18, VERITY_E_BAD_STATEMENT,
		 "the file has 18 bytes, but its head says 19"},
		{"WMOSTM01\2\0\0\0\0\0\0\0{}\n", 19, VERITY_E_BAD_STATEMENT,
		 "the file has 19 bytes, but its head says 18"},
		{"WMOPKG01\2\0\0\0\0\0\0\0{}", 18, VERITY_E_WRONG_TYPE,
		 "it is a package, not a signed statement"},
	};
	struct verity_statement_parts parts = {.text_bytes = 99};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err;

		assert_int_equal(verity_statement_split(cases[i].bytes, cases[i].size,
							&parts, &err),
				 -EBADMSG);
		check_error(&err, cases[i].code, cases[i].message);
		assert_int_equal(parts.text_bytes, 99);
	}
}

static void test_round_trip(void **state)
{
	static uint8_t text[VERITY_STATEMENT_MAX + 1] = "text";
	static uint8_t signature[VERITY_SIGNATURE_MAX + 1] = "signature";
	static const struct {
		size_t text, signature;
		bool fits;
	} cases[] = {
		{2, 0, true},
		{2, 1, true},
		{VERITY_STATEMENT_MAX, VERITY_SIGNATURE_MAX, true},
		{1, 0, false},
		{VERITY_STATEMENT_MAX + 1, 0, false},
		{2, VERITY_SIGNATURE_MAX + 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_statement_parts parts = {text, cases[i].text, signature,
						       cases[i].signature};
		struct verity_statement_parts again;
		struct verity_error err;
		uint8_t *bytes = NULL;
		size_t size;

		if (!cases[i].fits) {
			assert_int_equal(
				verity_statement_join(&parts, &bytes, &size, &err),
				-EBADMSG);
			check_error(&err, VERITY_E_BAD_STATEMENT,
				    "the statement or its signature is too short or too "
				    "long");
			assert_null(bytes);
			continue;
		}
		check_ok(verity_statement_join(&parts, &bytes, &size, &err), &err);
		assert_true(size <= VERITY_STATEMENT_FILE_MAX);
		assert_true(verity_statement_is(bytes, size));
		check_ok(verity_statement_split(bytes, size, &again, &err), &err);
		assert_int_equal(again.text_bytes, cases[i].text);
		assert_int_equal(again.signature_bytes, cases[i].signature);
		assert_memory_equal(again.text, text, again.text_bytes);
		assert_memory_equal(again.signature, signature, again.signature_bytes);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passing_off), cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_changed),     cmocka_unit_test(test_text),
		cmocka_unit_test(test_not_twice),   cmocka_unit_test(test_container),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, ring_setup, ring_teardown);
}
