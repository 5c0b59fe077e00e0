/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/ring.h"
#include "tests/verity/statements.h"
#include "verity/statement/denylist.h"
#include "verity/statement/floors.h"
#include "verity/statement/statement.h"
#include "verity/statement/unlock.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

static const char good[] = "{\"type\":\"unlock\",\"format\":1,\"serial\":\"A-1\","
			   "\"allow\":[\"untrusted\"],\"not_after\":1000}";

static int read_unlock(const char *text, const char *signer,
		       const struct verity_denylist *denylist, struct verity_unlock **ret,
		       struct verity_error *err)
{
	struct statement_file file = statement_make(&keys, text, signer);
	int r = verity_unlock_read(file.bytes, file.size, keyring, denylist, ret, err);

	free(file.bytes);
	return r;
}

static void test_read(void **state)
{
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock = NULL;
	struct verity_error err;

	(void)state;
	check_ok(read_unlock(good, "unlock", NULL, &unlock, &err), &err);
	assert_string_equal(verity_unlock_text(unlock)->serial, "A-1");
	assert_int_equal(verity_unlock_text(unlock)->allows, VERITY_ALLOW_UNTRUSTED);
	assert_int_equal(verity_unlock_text(unlock)->not_after, 1000);
	assert_string_equal(verity_unlock_signer(unlock)->subject,
			    "CN=wmopkg development unlock signer");
	assert_string_equal(verity_unlock_signer(unlock)->anchor, "root.pem");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *signer;
		int r;
		enum verity_code code;
		const char *message;
	} cases[] = {
		{good, NULL, -EKEYREJECTED, VERITY_E_NO_SIGNATURE,
		 "the statement has no signature"},
		{good, "signer", -EKEYREJECTED, VERITY_E_UNTRUSTED_SIGNER,
		 "a certificate of the signer is not for signing unlock statements "
		 "(extended key usage 2.25.262918127440573346229120389441173150337)"},
		{"{\"type\":\"denylist\",\"format\":1,\"number\":1,\"deny\":[]}",
		 "unlock", -EBADMSG, VERITY_E_WRONG_TYPE,
		 "it is a deny list, not an unlock statement"},
		{"{\"type\":\"unlock\",\"format\":1}", "unlock", -EBADMSG,
		 VERITY_E_BAD_STATEMENT, "serial: missing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_unlock *unlock = NULL;
		struct verity_error err;

		assert_int_equal(
			read_unlock(cases[i].text, cases[i].signer, NULL, &unlock, &err),
			cases[i].r);
		check_error(&err, cases[i].code, cases[i].message);
		assert_null(unlock);
	}
}

/* The statement was good, then its signer's key got lost. */
static void test_denied_signer(void **state)
{
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock = NULL;
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	char text[256], hex[2 * VERITY_KEY_ID_BYTES + 1], message[256];
	struct verity_unlock *none = NULL;
	struct statement_file file;
	struct verity_error err;

	(void)state;
	check_ok(read_unlock(good, "unlock", NULL, &unlock, &err), &err);
	verity_hex_encode(verity_unlock_signer(unlock)->key_id, VERITY_KEY_ID_BYTES, hex);
	snprintf(
		text, sizeof(text),
		"{\"type\":\"denylist\",\"format\":1,\"number\":7,\"deny\":[{\"key\":\"%s\"}"
		"]}",
		hex);
	file = statement_make(&keys, text, "signer");
	check_ok(verity_denylist_read(file.bytes, file.size, keyring, NULL, &denylist,
				      &err),
		 &err);
	free(file.bytes);
	assert_int_equal(read_unlock(good, "unlock", denylist, &none, &err),
			 -EKEYREVOKED);
	snprintf(message, sizeof(message),
		 "deny list 7 names a key that it was signed with, %s", hex);
	check_error(&err, VERITY_E_REVOKED, message);
	assert_null(none);
}

/* Only this one: the same in other words, such as another id, is another statement. */
static void test_denied_statement(void **state)
{
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock = NULL;
	cleanup_with(verity_unlock_free_p) struct verity_unlock *other = NULL;
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	struct statement_file again = statement_make(&keys, good, "unlock");
	char text[256], hex[2 * VERITY_DIGEST_BYTES + 1];
	struct verity_unlock *none = NULL;
	struct statement_file file;
	struct verity_error err;

	(void)state;
	check_ok(read_unlock(good, "unlock", NULL, &unlock, &err), &err);
	verity_hex_encode(verity_unlock_digest(unlock), VERITY_DIGEST_BYTES, hex);
	snprintf(text, sizeof(text),
		 "{\"type\":\"denylist\",\"format\":1,\"number\":7,\"deny\":[{\"unlock\":"
		 "\"%s\"}]}",
		 hex);
	file = statement_make(&keys, text, "signer");
	check_ok(verity_denylist_read(file.bytes, file.size, keyring, NULL, &denylist,
				      &err),
		 &err);
	free(file.bytes);
	/* Also with another signature over the same text. */
	assert_int_equal(verity_unlock_read(again.bytes, again.size, keyring, denylist,
					    &none, &err),
			 -EKEYREVOKED);
	free(again.bytes);
	check_error(&err, VERITY_E_REVOKED, "deny list 7 names this unlock statement");
	assert_null(none);
	snprintf(text, sizeof(text), "%.*s,\"id\":\"2\"}", (int)strlen(good) - 1, good);
	check_ok(read_unlock(text, "unlock", denylist, &other, &err), &err);
	assert_string_equal(verity_unlock_text(other)->id, "2");
	assert_string_equal(verity_unlock_text(unlock)->id, "");
}

static int take(const char *text, struct verity_unlock_text *ret,
		struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;

	check_ok(verity_json_parse(text, strlen(text), &object, err), err);
	return verity_unlock_decode(object, ret, err);
}

#define S   "\"serial\":\"A\""
#define A   "\"allow\":[\"downgrade\"]"
#define N   "\"not_after\":1"
#define S64 "1234567890123456789012345678901234567890123456789012345678901234"

static void test_take(void **state)
{
	static const struct {
		const char *text;
		const char *message; /* NULL: good */
	} cases[] = {
		{"{" S "," A "," N "}", NULL},
		{"{" S "," A "," N ",\"id\":\"" S64 "\"}", NULL},
		{"{" S "," A "," N ",\"id\":\"" S64 "5\"}", "id: longer than 64 bytes"},
		{"{" S "," A "," N ",\"id\":\"\"}", "id: empty"},
		{"{" S "," A "," N ",\"id\":7}", "id: not a string"},
		{"{" S "," A "," N ",\"more\":{\"serial\":2}}", NULL},
		{"{\"serial\":\"" S64 "\"," A "," N "}", NULL},
		{"{\"serial\":\"" S64 "5\"," A "," N "}", "serial: longer than 64 bytes"},
		{"{\"serial\":\"\"," A "," N "}", "serial: empty"},
		{"{\"serial\":\"a\\nb\"," A "," N "}", "serial: not printable UTF-8"},
		{"{\"serial\":\"a\\u0000b\"," A "," N "}", "serial: not printable UTF-8"},
		{"{\"serial\":\"a\\u202eb\"," A "," N "}",
		 "serial: not printable: it has the character U+202E, which is "
		 "invisible, a control or a frame"},
		{"{\"serial\":17," A "," N "}", "serial: not a string"},
		{"{\"serial\":[\"A\"]," A "," N "}", "serial: not a string"},
		{"{" A "," N "}", "serial: missing"},
		{"{" S "," N "}", "allow: missing"},
		{"{" S ",\"allow\":\"downgrade\"," N "}", "allow: not a list"},
		{"{" S ",\"allow\":null," N "}", "allow: not a list"},
		{"{" S ",\"allow\":[]," N "}", "allow: nothing that this firmware knows"},
		{"{" S ",\"allow\":[\"everything\"]," N "}",
		 "allow: nothing that this firmware knows"},
		{"{" S ",\"allow\":[\"everything\",\"downgrade\"]," N "}", NULL},
		{"{" S ",\"allow\":[\"downgrade\",1]," N "}",
		 "allow: not a list of words"},
		{"{" S ",\"allow\":[\"downgrade\\u0000\"]," N "}",
		 "allow: not a list of words"},
		{"{" S ",\"allow\":[[\"downgrade\"]]," N "}",
		 "allow: not a list of words"},
		{"{" S "," A "}", "not_after: missing"},
		{"{" S "," A ",\"not_after\":\"2030-01-01\"}",
		 "not_after: not an integer"},
		{"{" S "," A ",\"not_after\":1.5}", "not_after: not an integer"},
		{"{" S "," A ",\"not_after\":0}", "not_after: outside 1 to 253402300799"},
		{"{" S "," A ",\"not_after\":-1}",
		 "not_after: outside 1 to 253402300799"},
		{"{" S "," A ",\"not_after\":253402300800}",
		 "not_after: outside 1 to 253402300799"},
		{"{" S "," A ",\"not_after\":99999999999999999999999}",
		 "not_after: outside 1 to 253402300799"},
		{"{" S "," A ",\"not_after\":253402300799}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_unlock_text text = {.not_after = -9};
		struct verity_error err = {VERITY_OK, ""};
		int r = take(cases[i].text, &text, &err);

		if (!cases[i].message) {
			check_ok(r, &err);
			assert_int_equal(text.allows, VERITY_ALLOW_DOWNGRADE);
			continue;
		}
		assert_int_equal(r, -EBADMSG);
		check_error(&err, VERITY_E_BAD_STATEMENT, cases[i].message);
		assert_int_equal(text.not_after, -9);
	}
}

static void test_check(void **state)
{
	static const struct {
		const char *serial;
		int64_t now;
		enum verity_code code;
		const char *message;
	} cases[] = {
		{"A-1", 0, VERITY_OK, ""},
		{"A-1", 1000, VERITY_OK, ""},
		{"A-1", 1001, VERITY_E_EXPIRED,
		 "the unlock statement was good until 1970-01-01 00:16:40 UTC, and by "
		 "this device it is 1970-01-01 00:16:41 UTC"},
		{"A-2", 0, VERITY_E_WRONG_DEVICE,
		 "the unlock statement is for serial number A-1, and this device is A-2"},
		{"a-1", 0, VERITY_E_WRONG_DEVICE,
		 "the unlock statement is for serial number A-1, and this device is a-1"},
		{"A-1 ", 0, VERITY_E_WRONG_DEVICE,
		 "the unlock statement is for serial number A-1, and this device is A-1 "},
		{"", 0, VERITY_E_WRONG_DEVICE,
		 "the unlock statement is for serial number A-1, and that of this device "
		 "is not known"},
		/* Whose it is comes first. */
		{"A-2", 1001, VERITY_E_WRONG_DEVICE,
		 "the unlock statement is for serial number A-1, and this device is A-2"},
	};
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock = NULL;
	struct verity_error err;

	(void)state;
	check_ok(read_unlock(good, "unlock", NULL, &unlock, &err), &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r;

		err = (struct verity_error){VERITY_OK, ""};
		r = verity_unlock_check(unlock, cases[i].serial, cases[i].now, &err);
		check_error(&err, cases[i].code, cases[i].message);
		assert_int_equal(r, cases[i].code == VERITY_OK ? 0 : -EPERM);
	}
}

static void test_encode(void **state)
{
	const unsigned all = VERITY_ALLOW_UNTRUSTED | VERITY_ALLOW_DOWNGRADE;
	static const struct {
		const char *serial;
		unsigned allows;
		int64_t not_after;
		const char *message;
	} bad[] = {
		{"", VERITY_ALLOW_DOWNGRADE, 1, "serial: empty"},
		{"a\tb", VERITY_ALLOW_DOWNGRADE, 1, "serial: not printable UTF-8"},
		{"A", 0, 1, "allow: nothing that this firmware knows"},
		{"A", 4, 1, "allow: nothing that this firmware knows"},
		{"A", VERITY_ALLOW_DOWNGRADE, 0, "not_after: outside 1 to 253402300799"},
		{"A", VERITY_ALLOW_DOWNGRADE, VERITY_TIME_MAX + 1,
		 "not_after: outside 1 to 253402300799"},
	};
	struct verity_unlock_text again;
	struct verity_error err;
	char *text = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct verity_unlock_text one = {.allows = bad[i].allows,
						 .not_after = bad[i].not_after};

		strcpy(one.serial, bad[i].serial);
		assert_int_equal(verity_unlock_encode(&one, &text, &err), -EBADMSG);
		check_error(&err, VERITY_E_BAD_STATEMENT, bad[i].message);
		assert_null(text);
	}
	check_ok(
		verity_unlock_encode(&(struct verity_unlock_text){.serial = "SN 1/\"2",
								  .allows = all,
								  .not_after = 1700000000,
								  .id = "7"},
				     &text, &err),
		&err);
	assert_string_equal(text,
			    "{\"type\":\"unlock\",\"format\":1,\"serial\":\"SN 1/\\\"2\","
			    "\"allow\":[\"untrusted\",\"downgrade\"],\"not_after\":"
			    "1700000000,\"id\":\"7\"}");
	check_ok(take(text, &again, &err), &err);
	assert_string_equal(again.serial, "SN 1/\"2");
	assert_int_equal(again.allows, all);
	assert_int_equal(again.not_after, 1700000000);
	assert_string_equal(again.id, "7");
	free(text);
}

static void test_words(void **state)
{
	char words[VERITY_UNLOCK_WORDS_MAX];

	(void)state;
	assert_int_equal(verity_unlock_bit("untrusted"), VERITY_ALLOW_UNTRUSTED);
	assert_int_equal(verity_unlock_bit("downgrade"), VERITY_ALLOW_DOWNGRADE);
	assert_int_equal(verity_unlock_bit("Downgrade"), 0);
	assert_int_equal(verity_unlock_bit(""), 0);
	verity_unlock_words(VERITY_ALLOW_UNTRUSTED | VERITY_ALLOW_DOWNGRADE, words);
	assert_string_equal(words, "untrusted, downgrade");
	verity_unlock_words(VERITY_ALLOW_DOWNGRADE, words);
	assert_string_equal(words, "downgrade");
	verity_unlock_words(0, words);
	assert_string_equal(words, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_denied_signer),
		cmocka_unit_test(test_denied_statement),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, ring_setup, ring_teardown);
}
