/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/ring.h"
#include "tests/verity/statements.h"
#include "verity/statement/denylist_private.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

#define H32 "00112233445566778899aabbccddeeff"
#define H64 H32 H32

static const char empty[] =
	"{\"type\":\"denylist\",\"format\":1,\"number\":1,\"deny\":[]}";

static int read_denylist(const char *text, const char *signer,
			 const struct verity_denylist *current,
			 struct verity_denylist **ret, struct verity_error *err)
{
	struct statement_file file = statement_make(&keys, text, signer);
	int r = verity_denylist_read(file.bytes, file.size, keyring, current, ret, err);

	free(file.bytes);
	return r;
}

static void test_read(void **state)
{
	static const char text[] =
		"{\"type\":\"denylist\",\"format\":1,\"number\":4294967295,\"deny\":["
		"{\"key\":\"" H64 "\"},{\"root_hash\":\"" H64 "\"},"
		"{\"name\":\"a.b\",\"epoch_below\":3}]}";
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	struct verity_error err;

	(void)state;
	check_ok(read_denylist(text, "signer", NULL, &denylist, &err), &err);
	assert_int_equal(verity_denylist_text(denylist)->number, UINT32_MAX);
	assert_int_equal(verity_denylist_text(denylist)->count, 3);
	assert_int_equal(verity_denylist_text(denylist)->entries[0].kind,
			 VERITY_DENY_KEY);
	assert_int_equal(verity_denylist_text(denylist)->entries[0].digest[1], 0x11);
	assert_int_equal(verity_denylist_text(denylist)->entries[1].kind,
			 VERITY_DENY_ROOT_HASH);
	assert_int_equal(verity_denylist_text(denylist)->entries[2].kind,
			 VERITY_DENY_NAME);
	assert_string_equal(verity_denylist_text(denylist)->entries[2].name, "a.b");
	assert_int_equal(verity_denylist_text(denylist)->entries[2].epoch_below, 3);
	assert_string_equal(verity_denylist_signer(denylist)->subject,
			    "CN=wmopkg development signer");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *signer;
		int r;
		enum verity_code code;
		const char *message;
	} cases[] = {
		{empty, NULL, -EKEYREJECTED, VERITY_E_NO_SIGNATURE,
		 "the statement has no signature"},
		{empty, "unlock", -EKEYREJECTED, VERITY_E_UNTRUSTED_SIGNER,
		 "a certificate of the signer is not for signing packages (extended key "
		 "usage codeSigning)"},
		{"{\"type\":\"package\",\"format\":1,\"number\":1,\"deny\":[]}", "signer",
		 -EBADMSG, VERITY_E_WRONG_TYPE,
		 "it is a package's manifest, not a deny list"},
		{"{\"type\":\"denylist\",\"format\":1,\"deny\":[]}", "signer", -EBADMSG,
		 VERITY_E_BAD_STATEMENT, "number: missing"},
		{"{\"type\":\"denylist\",\"format\":1,\"number\":1,\"deny\":[],\"deny\":[{"
		 "\"key\":\"" H64 "\"}]}",
		 "signer", -EBADMSG, VERITY_E_BAD_STATEMENT, "deny: there twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_denylist *denylist = NULL;
		struct verity_error err;

		assert_int_equal(read_denylist(cases[i].text, cases[i].signer, NULL,
					       &denylist, &err),
				 cases[i].r);
		check_error(&err, cases[i].code, cases[i].message);
		assert_null(denylist);
	}
}

static int take(const char *text, struct verity_denylist_text *ret,
		struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;

	check_ok(verity_json_parse(text, strlen(text), &object, err), err);
	return verity_denylist_decode(object, ret, err);
}

#define ENTRY(entry)    "{\"number\":1,\"deny\":[{\"key\":\"" H64 "\"}," entry "]}"
#define BAD_ENTRY(what) "deny[1]" what

static void test_take(void **state)
{
	static const char other[] =
		BAD_ENTRY(": not exactly one of key, root_hash, name, unlock");
	static const char range[] = "number: outside 1 to 4294967295";
	static const char epoch[] = BAD_ENTRY(".epoch_below: outside 1 to 4294967295");
	static const struct {
		const char *text;
		const char *message; /* NULL: good */
	} cases[] = {
		{"{\"number\":1,\"deny\":[]}", NULL},
		{"{\"number\":1,\"deny\":[],\"more\":1}", NULL},
		{"{\"number\":0,\"deny\":[]}", range},
		{"{\"number\":-1,\"deny\":[]}", range},
		{"{\"number\":4294967296,\"deny\":[]}", range},
		{"{\"number\":18446744073709551617,\"deny\":[]}", range},
		{"{\"number\":\"1\",\"deny\":[]}", "number: not an integer"},
		{"{\"number\":1e0,\"deny\":[]}", "number: not an integer"},
		{"{\"number\":1}", "deny: missing"},
		{"{\"number\":1,\"deny\":{}}", "deny: not a list"},
		{"{\"number\":1,\"deny\":null}", "deny: not a list"},
		{ENTRY("{\"root_hash\":\"" H64 "\",\"comment\":\"lost\"}"), NULL},
		/* Understood by halves is not understood. */
		{ENTRY("{}"), other},
		{ENTRY("{\"serial\":\"A\"}"), other},
		{ENTRY("{\"epoch_below\":3}"), other},
		{ENTRY("{\"key\":\"" H64 "\",\"root_hash\":\"" H64 "\"}"), other},
		{ENTRY("{\"name\":\"a\",\"epoch_below\":1,\"key\":\"" H64 "\"}"), other},
		{ENTRY("1"), BAD_ENTRY(": not an object")},
		{ENTRY("null"), BAD_ENTRY(": not an object")},
		{ENTRY("[\"key\"]"), BAD_ENTRY(": not an object")},
		{ENTRY("{\"key\":null}"), BAD_ENTRY(".key: not a string")},
		{ENTRY("{\"key\":\"\"}"), BAD_ENTRY(".key: not 64 hex digits")},
		{ENTRY("{\"key\":\"" H32 "\"}"), BAD_ENTRY(".key: not 64 hex digits")},
		{ENTRY("{\"key\":\"" H64 "00\"}"), BAD_ENTRY(".key: not 64 hex digits")},
		{ENTRY("{\"key\":\"" H64 "\\u0000\"}"),
		 BAD_ENTRY(".key: not 64 hex digits")},
		{ENTRY("{\"root_hash\":12}"), BAD_ENTRY(".root_hash: not a string")},
		{ENTRY("{\"root_hash\":\"z" H32 "0112233445566778899aabbccddeeff\"}"),
		 BAD_ENTRY(".root_hash: not 64 hex digits")},
		{ENTRY("{\"unlock\":\"" H64 "\"}"), NULL},
		{ENTRY("{\"unlock\":\"" H32 "\"}"),
		 BAD_ENTRY(".unlock: not 64 hex digits")},
		{ENTRY("{\"unlock\":\"" H64 "\",\"key\":\"" H64 "\"}"), other},
		{ENTRY("{\"name\":\"a\",\"epoch_below\":4294967295}"), NULL},
		{ENTRY("{\"name\":\"a\"}"), BAD_ENTRY(".epoch_below: missing")},
		{ENTRY("{\"name\":\"a\",\"epoch_below\":0}"), epoch},
		{ENTRY("{\"name\":\"a\",\"epoch_below\":4294967296}"), epoch},
		{ENTRY("{\"name\":\"a\",\"epoch_below\":\"1\"}"),
		 BAD_ENTRY(".epoch_below: not an integer")},
		{ENTRY("{\"name\":null,\"epoch_below\":1}"),
		 BAD_ENTRY(".name: not a string")},
		{ENTRY("{\"name\":\"../a\",\"epoch_below\":1}"),
		 BAD_ENTRY(".name: not a valid package name")},
		{ENTRY("{\"name\":\"a\\u0000\",\"epoch_below\":1}"),
		 BAD_ENTRY(".name: not printable UTF-8")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_denylist_text denylist = {.number = 99};
		struct verity_error err = {VERITY_OK, ""};
		int r = take(cases[i].text, &denylist, &err);

		if (!cases[i].message) {
			check_ok(r, &err);
			free(denylist.entries);
			continue;
		}
		assert_int_equal(r, -EBADMSG);
		check_error(&err, VERITY_E_BAD_STATEMENT, cases[i].message);
		assert_int_equal(denylist.number, 99);
		assert_null(denylist.entries);
	}
}

static void deny_key(uint32_t number, const uint8_t *id, struct verity_denylist **ret)
{
	struct verity_deny deny = {.kind = VERITY_DENY_KEY};
	struct verity_error err;
	char *text;

	memcpy(deny.digest, id, sizeof(deny.digest));
	check_ok(verity_denylist_encode(&(struct verity_denylist_text){number, &deny, 1},
					&text, &err),
		 &err);
	check_ok(read_denylist(text, "signer", NULL, ret, &err), &err);
	free(text);
}

/* Whoever stole a key could put a harmless list in place of the one that denies it. */
static void test_denied_signer(void **state)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *first = NULL;
	cleanup_with(verity_denylist_free_p) struct verity_denylist *current = NULL;
	struct verity_denylist *none = NULL;
	char hex[2 * VERITY_KEY_ID_BYTES + 1], message[256];
	struct verity_error err;

	(void)state;
	check_ok(read_denylist(empty, "signer", NULL, &first, &err), &err);
	deny_key(12, verity_denylist_signer(first)->key_id, &current);
	assert_int_equal(read_denylist(empty, "signer", current, &none, &err),
			 -EKEYREVOKED);
	verity_hex_encode(verity_denylist_signer(first)->key_id, VERITY_KEY_ID_BYTES,
			  hex);
	snprintf(message, sizeof(message),
		 "deny list 12 names a key that it was signed with, %s", hex);
	check_error(&err, VERITY_E_REVOKED, message);
	assert_null(none);
}

/* A list that nobody vouches for names the vendor's key: it decides nothing. */
static void test_denied_by_stranger(void **state)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *first = NULL;
	cleanup_with(verity_denylist_free_p) struct verity_denylist *strangers = NULL;
	cleanup_with(verity_denylist_free_p) struct verity_denylist *list = NULL;
	struct verity_error err;

	(void)state;
	check_ok(read_denylist(empty, "signer", NULL, &first, &err), &err);
	deny_key(UINT32_MAX, verity_denylist_signer(first)->key_id, &strangers);
	assert_true(verity_denylist_vouched(strangers));
	assert_false(verity_denylist_vouched(NULL));
	strangers->signer.anchor[0] = '\0';
	assert_false(verity_denylist_vouched(strangers));
	check_ok(read_denylist(empty, "signer", strangers, &list, &err), &err);
}

/* A key ring that changed does not free what was denied; damage is damage still. */
static void test_kept(void **state)
{
	struct statement_file file = statement_make(&keys, empty, "signer");
	struct verity_keyring *rings[] = {keyring, NULL, NULL};
	struct verity_denylist *denylist = NULL;
	struct verity_error err;
	struct keys others;

	(void)state;
	keys_make(&others);
	rings[1] = statement_ring(&others);
	keys_delete(&others);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(verity_denylist_read_kept(file.bytes, file.size,
							   rings[i], &denylist, &err),
				 i > 0);
		assert_int_equal(verity_denylist_text(denylist)->number, 1);
		verity_denylist_free(denylist);
		denylist = NULL;
	}
	verity_keyring_free(rings[1]);
	file.bytes[VERITY_HEAD_BYTES + 3] ^= 1;
	assert_int_equal(verity_denylist_read_kept(file.bytes, file.size, keyring,
						   &denylist, &err),
			 -EBADMSG);
	assert_int_equal(err.code, VERITY_E_BAD_SIGNATURE);
	free(file.bytes);
	file = statement_make(&keys, empty, NULL);
	assert_int_equal(verity_denylist_read_kept(file.bytes, file.size, keyring,
						   &denylist, &err),
			 -EBADMSG);
	check_error(&err, VERITY_E_BAD_STATEMENT,
		    "the deny list has no signature that can be read");
	free(file.bytes);
	assert_null(denylist);
}

static void test_check_keys(void **state)
{
	static const uint8_t ids[3][VERITY_KEY_ID_BYTES] = {{1}, {2}, {3}};
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	struct verity_signatures signatures = {.key_id_count = 2};
	struct verity_error err;

	(void)state;
	deny_key(5, ids[2], &denylist);
	memcpy(signatures.key_ids, ids, sizeof(ids));
	check_ok(verity_denylist_check_keys(NULL, &signatures, &err), &err);
	check_ok(verity_denylist_check_keys(denylist, &signatures, &err), &err);
	signatures.key_id_count = 3;
	assert_int_equal(verity_denylist_check_keys(denylist, &signatures, &err),
			 -EKEYREVOKED);
	check_error(&err, VERITY_E_REVOKED,
		    "deny list 5 names a key that it was signed with, "
		    "0300000000000000000000000000000000000000000000000000000000000000");
}

static void test_check_manifest(void **state)
{
	static const char text[] =
		"{\"type\":\"denylist\",\"format\":1,\"number\":8,\"deny\":["
		"{\"name\":\"brand\",\"epoch_below\":3},{\"name\":\"brand\",\"epoch_below\":2"
		"},{\"root_hash\":\"" H64 "\"}]}";
	static const struct {
		const char *name;
		uint32_t epoch;
		const char *root_hash;
		const char *message; /* "": not denied */
	} cases[] = {
		{"brand", 3, "", ""},
		{"brand", 2, "",
		 "deny list 8 names brand below epoch 3, and its epoch is 2"},
		{"brand", 0, "",
		 "deny list 8 names brand below epoch 3, and its epoch is 0"},
		{"Brand", 0, "", ""},
		{"brand2", 0, "", ""},
		{"brand", 3, H64, "deny list 8 names its root hash"},
		{"other", 9, H64, "deny list 8 names its root hash"},
	};
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	struct verity_error err;

	(void)state;
	check_ok(read_denylist(text, "signer", NULL, &denylist, &err), &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_manifest manifest = {.epoch = cases[i].epoch};
		size_t bytes;
		int r;

		err = (struct verity_error){VERITY_OK, ""};
		strcpy(manifest.name, cases[i].name);
		assert_int_equal(verity_hex_decode(cases[i].root_hash, manifest.root_hash,
						   sizeof(manifest.root_hash), &bytes),
				 0);
		r = verity_denylist_check_manifest(denylist, &manifest, &err);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(r, cases[i].message[0] ? -EKEYREVOKED : 0);
		check_ok(verity_denylist_check_manifest(NULL, &manifest, &err), &err);
	}
}

static void test_encode(void **state)
{
	struct verity_deny entries[3] = {
		{.kind = VERITY_DENY_KEY, .digest = {0xab}},
		{.kind = VERITY_DENY_ROOT_HASH, .digest = {0xcd}},
		{.kind = VERITY_DENY_NAME, .name = "a", .epoch_below = 4294967295},
	};
	struct verity_error err;
	char *text = NULL;

	(void)state;
	check_ok(verity_denylist_encode(&(struct verity_denylist_text){2, entries, 3},
					&text, &err),
		 &err);
	assert_string_equal(
		text,
		"{\"type\":\"denylist\",\"format\":1,\"number\":2,\"deny\":["
		"{\"key\":\"ab00000000000000000000000000000000000000000000000000000000000000\"},"
		"{\"root_hash\":"
		"\"cd00000000000000000000000000000000000000000000000000000000000000\"},"
		"{\"name\":\"a\",\"epoch_below\":4294967295}]}");
	free(text);
	text = NULL;
	assert_int_equal(
		verity_denylist_encode(&(struct verity_denylist_text){0, entries, 3},
				       &text, &err),
		-EBADMSG);
	check_error(&err, VERITY_E_BAD_STATEMENT,
		    "the number of a deny list is 1 or more");
	assert_null(text);
}

/* The longest list there can be fits a statement file; one more is refused. */
static void test_longest(void **state)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	struct verity_deny *entries = calloc(VERITY_DENY_MAX + 1, sizeof(*entries));
	struct verity_denylist_text taken = {.number = 0};
	struct verity_error err;
	char *text = NULL;

	(void)state;
	for (size_t i = 0; i <= VERITY_DENY_MAX; i++) {
		entries[i].kind = VERITY_DENY_NAME;
		memset(entries[i].name, 'n', VERITY_NAME_MAX);
		entries[i].epoch_below = UINT32_MAX;
	}
	assert_int_equal(
		verity_denylist_encode(
			&(struct verity_denylist_text){1, entries, VERITY_DENY_MAX + 1},
			&text, &err),
		-EBADMSG);
	check_error(&err, VERITY_E_BAD_STATEMENT, "over 1024 entries");
	assert_null(text);
	check_ok(
		verity_denylist_encode(&(struct verity_denylist_text){UINT32_MAX, entries,
								      VERITY_DENY_MAX},
				       &text, &err),
		&err);
	check_ok(read_denylist(text, "signer", NULL, &denylist, &err), &err);
	assert_int_equal(verity_denylist_text(denylist)->count, VERITY_DENY_MAX);
	free(entries);
	free(text);
	text = malloc(32 + 2 * (VERITY_DENY_MAX + 1));
	strcpy(text, "{\"number\":1,\"deny\":[0");
	for (size_t i = 0; i < VERITY_DENY_MAX; i++)
		strcat(text, ",0");
	strcat(text, "]}");
	assert_int_equal(take(text, &taken, &err), -EBADMSG);
	check_error(&err, VERITY_E_BAD_STATEMENT, "deny: more than 1024 entries");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_denied_signer),
		cmocka_unit_test(test_denied_by_stranger),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_check_keys),
		cmocka_unit_test(test_check_manifest),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, ring_setup, ring_teardown);
}
