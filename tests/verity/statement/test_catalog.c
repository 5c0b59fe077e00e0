/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/verity/ring.h"
#include "tests/verity/statements.h"
#include "verity/statement/catalog.h"
#include "verity/statement/denylist.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

#define H32 "00112233445566778899aabbccddeeff"
#define H64 H32 H32

#define HEAD "{\"type\":\"catalog\",\"format\":1,"
#define MUST                                                                             \
	"\"name\":\"brand\",\"version\":\"2.1\",\"file\":\"brand-2.wmopkg\","            \
	"\"file_bytes\":8192,\"id\":\"" H64 "\",\"root_hash\":\"" H64 "\""
#define PACKAGE "{" MUST "}"

static const char good[] =
	HEAD "\"number\":7,\"not_after\":1000,\"packages\":[" PACKAGE "]}";

static int read_catalog(const char *text, const char *signer,
			const struct verity_denylist *denylist,
			struct verity_catalog **ret, struct verity_error *err)
{
	struct statement_file file = statement_make(&keys, text, signer);
	int r = verity_catalog_read(file.bytes, file.size, keyring, denylist, ret, err);

	free(file.bytes);
	return r;
}

static void test_read(void **state)
{
	static const char text[] =
		HEAD "\"number\":4294967295,\"not_after\":1000,\"channel\":\"beta\","
		     "\"denylist\":{\"file\":\"3.denylist\",\"number\":3},\"packages\":["
		     "{" MUST ",\"epoch\":3,\"rollout\":0,\"compatible\":[\"AX-*\"],"
		     "\"firmware\":{\"min\":\"5.0\",\"max\":\"6.0\"},"
		     "\"needs\":[\"vpn>=2\"],\"conflicts_with\":[\"old\"]},"
		     "{\"name\":\"vpn\",\"version\":\"2\",\"file\":\"vpn.wmopkg\","
		     "\"file_bytes\":1,\"id\":\"" H64 "\",\"root_hash\":\"" H64 "\"}]}";
	cleanup_with(verity_catalog_free_p) struct verity_catalog *catalog = NULL;
	const struct verity_catalog_text *told;
	const struct verity_catalog_entry *entry;
	struct verity_error err;

	(void)state;
	check_ok(read_catalog(text, "signer", NULL, &catalog, &err), &err);
	told = verity_catalog_text(catalog);
	assert_int_equal(told->number, UINT32_MAX);
	assert_int_equal(told->not_after, 1000);
	assert_string_equal(told->channel, "beta");
	assert_string_equal(told->denylist_file, "3.denylist");
	assert_int_equal(told->denylist_number, 3);
	assert_int_equal(told->count, 2);
	entry = &told->entries[0];
	assert_string_equal(entry->manifest.name, "brand");
	assert_string_equal(entry->manifest.version, "2.1");
	assert_int_equal(entry->manifest.epoch, 3);
	assert_string_equal(entry->file, "brand-2.wmopkg");
	assert_int_equal(entry->file_bytes, 8192);
	assert_int_equal(entry->id[1], 0x11);
	assert_int_equal(entry->manifest.root_hash[31], 0xff);
	assert_int_equal(entry->rollout, 0);
	assert_int_equal(entry->manifest.compatible_count, 1);
	assert_string_equal(entry->manifest.compatible[0], "AX-*");
	assert_string_equal(entry->manifest.firmware_min, "5.0");
	assert_string_equal(entry->manifest.firmware_max, "6.0");
	assert_string_equal(entry->manifest.needs[0].name, "vpn");
	assert_string_equal(entry->manifest.conflicts[0], "old");
	assert_int_equal(told->entries[1].rollout, 100);
	assert_int_equal(told->entries[1].manifest.epoch, 0);
	assert_string_equal(verity_catalog_signer(catalog)->subject,
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
		{good, NULL, -EKEYREJECTED, VERITY_E_NO_SIGNATURE,
		 "the statement has no signature"},
		{good, "unlock", -EKEYREJECTED, VERITY_E_UNTRUSTED_SIGNER,
		 "a certificate of the signer is not for signing packages (extended key "
		 "usage codeSigning)"},
		{"{\"type\":\"package\",\"format\":1}", "signer", -EBADMSG,
		 VERITY_E_WRONG_TYPE, "it is a package's manifest, not a catalogue"},
		{"{\"type\":\"denylist\",\"format\":1,\"number\":1,\"deny\":[]}",
		 "signer", -EBADMSG, VERITY_E_WRONG_TYPE,
		 "it is a deny list, not a catalogue"},
		{"{\"type\":\"catalog\",\"format\":2}", "signer", -EBADMSG,
		 VERITY_E_UNKNOWN_FEATURE, "format: 2 is newer than this program knows"},
		{HEAD "\"number\":1,\"packages\":[]}", "signer", -EBADMSG,
		 VERITY_E_BAD_STATEMENT, "not_after: missing"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_catalog *catalog = NULL;
		struct verity_error err;

		assert_int_equal(read_catalog(cases[i].text, cases[i].signer, NULL,
					      &catalog, &err),
				 cases[i].r);
		check_error(&err, cases[i].code, cases[i].message);
		assert_null(catalog);
	}
}

/* A stolen key publishes nothing, once the deny list names it. */
static void test_denied_key(void **state)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	cleanup_with(verity_catalog_free_p) struct verity_catalog *catalog = NULL;
	char text[256], hex[2 * VERITY_KEY_ID_BYTES + 1];
	struct verity_catalog *none = NULL;
	struct statement_file file;
	struct verity_error err;

	(void)state;
	check_ok(read_catalog(good, "signer", NULL, &catalog, &err), &err);
	verity_hex_encode(verity_catalog_signer(catalog)->key_id, VERITY_KEY_ID_BYTES,
			  hex);
	snprintf(text, sizeof(text),
		 "{\"type\":\"denylist\",\"format\":1,\"number\":7,\"deny\":[{\"key\":"
		 "\"%s\"}]}",
		 hex);
	file = statement_make(&keys, text, "signer");
	check_ok(verity_denylist_read(file.bytes, file.size, keyring, NULL, &denylist,
				      &err),
		 &err);
	free(file.bytes);
	assert_int_equal(read_catalog(good, "signer", denylist, &none, &err),
			 -EKEYREVOKED);
	assert_int_equal(err.code, VERITY_E_REVOKED);
	assert_null(none);
}

static int take(const char *text, struct verity_catalog_text *ret,
		struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;

	check_ok(verity_json_parse(text, strlen(text), &object, err), err);
	return verity_catalog_decode(object, ret, err);
}

#define N            "\"number\":1,\"not_after\":1"
#define ONE(package) "{" N ",\"packages\":[" package "]}"
#define FILE_(name)                                                                      \
	ONE("{\"name\":\"a\",\"version\":\"1\",\"file\":\"" name                         \
	    "\",\"file_bytes\":1,\"id\":\"" H64 "\",\"root_hash\":\"" H64 "\"}")

static void test_take(void **state)
{
	static const char file[] = "packages[0]: file: not the name of a package file";
	static const char both[] = "denylist: it has only one of file and number";
	static const struct {
		const char *text;
		const char *message; /* NULL: good */
	} cases[] = {
		{"{" N ",\"packages\":[]}", NULL},
		{"{" N ",\"packages\":[],\"more\":1}", NULL},
		{ONE(PACKAGE), NULL},
		{"{\"number\":0,\"not_after\":1,\"packages\":[]}",
		 "number: outside 1 to 4294967295"},
		{"{\"number\":4294967296,\"not_after\":1,\"packages\":[]}",
		 "number: outside 1 to 4294967295"},
		{"{\"number\":1,\"not_after\":0,\"packages\":[]}",
		 "not_after: outside 1 to 253402300799"},
		{"{\"number\":1,\"not_after\":253402300800,\"packages\":[]}",
		 "not_after: outside 1 to 253402300799"},
		{"{" N "}", "packages: missing"},
		{"{" N ",\"packages\":{}}", "packages: not a list"},
		{"{" N ",\"channel\":\"\",\"packages\":[]}", "channel: empty"},
		{"{" N ",\"channel\":\"a b\",\"packages\":[]}",
		 "channel: not a valid package name"},
		{"{" N
		 ",\"channel\":\"123456789012345678901234567890123\",\"packages\":[]}",
		 "channel: longer than 32 bytes"},
		{"{" N ",\"denylist\":{\"file\":\"d\",\"number\":1},\"packages\":[]}",
		 NULL},
		{"{" N ",\"denylist\":{\"file\":\"d\"},\"packages\":[]}", both},
		{"{" N ",\"denylist\":{\"number\":2},\"packages\":[]}", both},
		{"{" N ",\"denylist\":{\"file\":\"../d\",\"number\":1},\"packages\":[]}",
		 "denylist.file: not a valid package name"},
		{"{" N ",\"denylist\":\"d\",\"packages\":[]}", "denylist: not an object"},
		{ONE("1"), "packages[0]: not an object"},
		{ONE("{}"), "packages[0].name: missing"},
		{FILE_("a.wmopkg"), NULL},
		/* It becomes the end of a URL. */
		{FILE_("a"), file},
		{FILE_("../a.wmopkg"), file},
		{FILE_("b/a.wmopkg"), file},
		{FILE_("http://b/a.wmopkg"), file},
		{FILE_("a?b.wmopkg"), file},
		{FILE_(".wmopkg"), file},
		{FILE_(""), "packages[0].file: empty"},
		{FILE_(H64 "a.wmopkg"), "packages[0].file: longer than 71 bytes"},
		{ONE("{" MUST ",\"rollout\":101}"),
		 "packages[0].rollout: outside 0 to 100"},
		{ONE("{" MUST ",\"rollout\":-1}"),
		 "packages[0].rollout: outside 0 to 100"},
		{ONE("{" MUST ",\"epoch\":4294967296}"),
		 "packages[0].epoch: outside 0 to 4294967295"},
		{ONE("{" MUST ",\"compatible\":[\"\"]}"),
		 "packages[0].compatible[0]: empty"},
		{ONE("{" MUST ",\"compatible\":[\"a\",1]}"),
		 "packages[0].compatible[1]: not a string"},
		{ONE("{" MUST ",\"firmware\":{\"min\":7}}"),
		 "packages[0].firmware.min: not a string"},
		{ONE("{" MUST ",\"needs\":[\"a>2\"]}"),
		 "packages[0].needs[0]: not NAME or NAME>=VERSION"},
		{"{" N ",\"packages\":[" PACKAGE "," PACKAGE "]}",
		 "packages[1].file: there twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_catalog_text text = {.number = 99};
		struct verity_error err = {VERITY_OK, ""};
		int r = take(cases[i].text, &text, &err);

		if (!cases[i].message) {
			check_ok(r, &err);
			assert_int_equal(text.number, 1);
			verity_catalog_text_free(&text);
			continue;
		}
		assert_int_equal(r, -EBADMSG);
		check_error(&err, VERITY_E_BAD_STATEMENT, cases[i].message);
		assert_int_equal(text.number, 99);
	}
}

/* As many entries as there may be, and one more; and text that no statement holds. */
static void test_limits(void **state)
{
	struct verity_catalog_entry *entries =
		calloc(VERITY_CATALOG_MAX + 1, sizeof(*entries));
	struct verity_catalog_text text = {
		.number = 1, .not_after = 1, .entries = entries};
	struct verity_error err = {VERITY_OK, ""};
	char glob[VERITY_GLOB_MAX + 1] = "AX-*";
	char *encoded = NULL;
	char message[160];

	(void)state;
	assert_non_null(entries);
	for (size_t i = 0; i <= VERITY_CATALOG_MAX; i++) {
		strcpy(entries[i].manifest.name, "a");
		strcpy(entries[i].manifest.version, "1");
		entries[i].rollout = 100;
		entries[i].file_bytes = 1;
		snprintf(entries[i].file, sizeof(entries[i].file), "%zu.wmopkg", i);
	}
	text.count = VERITY_CATALOG_MAX;
	check_ok(verity_catalog_encode(&text, &encoded, &err), &err);
	free(encoded);
	encoded = NULL;
	text.count++;
	assert_int_equal(verity_catalog_encode(&text, &encoded, &err), -EBADMSG);
	check_error(&err, VERITY_E_BAD_STATEMENT, "packages: more than 256 entries");
	text.count--;
	for (size_t i = 0; i < VERITY_CATALOG_MAX; i++) {
		memset(entries[i].manifest.firmware_min, 'a', VERITY_VERSION_MAX);
		memset(entries[i].manifest.firmware_max, 'a', VERITY_VERSION_MAX);
		memset(entries[i].manifest.version, 'a', VERITY_VERSION_MAX);
		memset(entries[i].manifest.name, 'a', VERITY_NAME_MAX);
		entries[i].manifest.compatible = &glob;
		entries[i].manifest.compatible_count = 1;
	}
	assert_int_equal(verity_catalog_encode(&text, &encoded, &err), -EBADMSG);
	snprintf(message, sizeof(message), "256 packages are ");
	assert_memory_equal(err.message, message, strlen(message));
	assert_non_null(strstr(err.message, "over the 131072 that a statement can have"));
	assert_null(encoded);
	free(entries);
}

static void test_encode(void **state)
{
	struct verity_catalog_entry entry = {
		.manifest = {.name = "brand", .version = "2.1", .epoch = 1},
		.file = "brand.wmopkg",
		.file_bytes = 8192,
		.rollout = 25};
	const struct verity_catalog_text text = {.number = 7,
						 .not_after = 1000,
						 .channel = "beta",
						 .denylist_file = "d",
						 .denylist_number = 3,
						 .entries = &entry,
						 .count = 1};
	struct verity_error err;
	char *encoded = NULL;

	(void)state;
	check_ok(verity_catalog_encode(&text, &encoded, &err), &err);
	assert_string_equal(
		encoded,
		HEAD "\"number\":7,\"not_after\":1000,\"channel\":\"beta\",\"denylist\":{"
		     "\"file\":\"d\",\"number\":3},\"packages\":[{\"name\":\"brand\","
		     "\"version\":\"2.1\",\"epoch\":1,\"file\":\"brand.wmopkg\","
		     "\"file_bytes\":8192,"
		     "\"id\":\"0000000000000000000000000000000000000000000000000000000000"
		     "000000\",\"root_hash\":\"000000000000000000000000000000000000000000"
		     "0000000000000000000000\",\"rollout\":25}]}");
	free(encoded);
}

/* The number only rises within a channel, and nothing counts after its time. */
static void test_check(void **state)
{
	static const struct {
		uint32_t number;
		int64_t not_after, now;
		const char *channel, *ours; /* of the catalogue, of the device */
		uint32_t kept;
		const char *kept_channel; /* NULL: nothing is kept */
		enum verity_code code;
		const char *message;
	} cases[] = {
		{7, 1000, 1000, "", "", 0, NULL, VERITY_OK, ""},
		{7, 1000, 1001, "", "", 0, NULL, VERITY_E_EXPIRED_CATALOG,
		 "number 7 was good until 1970-01-01 00:16:40 UTC, and by this device it "
		 "is 1970-01-01 00:16:41 UTC"},
		{7, 1000, 1, "", "", 6, "", VERITY_OK, ""},
		{7, 1000, 1, "", "", 8, "", VERITY_E_OLD_CATALOG,
		 "its number is 7, and this device has seen number 8"},
		{7, 1000, 1, "", "", 7, "", VERITY_OK, ""},
		{7, 2000, 1, "", "", 7, "", VERITY_E_OLD_CATALOG,
		 "this device has seen another catalogue with its number, 7"},
		{7, 1000, 1, "beta", "beta", 8, "", VERITY_OK, ""},
		{7, 1000, 1, "beta", "", 0, NULL, VERITY_E_WRONG_CHANNEL,
		 "the catalogue is of channel 'beta', and this device takes that of ''"},
		{7, 1000, 1, "", "beta", 0, NULL, VERITY_E_WRONG_CHANNEL,
		 "the catalogue is of channel '', and this device takes that of 'beta'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_with(verity_catalog_free_p) struct verity_catalog *one = NULL;
		cleanup_with(verity_catalog_free_p) struct verity_catalog *kept = NULL;
		struct verity_error err = {VERITY_OK, ""};
		char text[512];
		int r;

#define CHANNEL(name) (name)[0] ? ",\"channel\":\"" : "", name, (name)[0] ? "\"" : ""
		snprintf(text, sizeof(text),
			 HEAD "\"number\":%u,\"not_after\":%d%s%s%s,\"packages\":[]}",
			 cases[i].number, (int)cases[i].not_after,
			 CHANNEL(cases[i].channel));
		check_ok(read_catalog(text, "signer", NULL, &one, &err), &err);
		snprintf(text, sizeof(text),
			 HEAD "\"number\":%u,\"not_after\":1000%s%s%s,\"packages\":[]}",
			 cases[i].kept ?: 1, CHANNEL(cases[i].kept_channel ?: ""));
		if (cases[i].kept_channel)
			check_ok(read_catalog(text, "signer", NULL, &kept, &err), &err);
		err = (struct verity_error){VERITY_OK, ""};
		r = verity_catalog_check(one, cases[i].ours, kept, cases[i].now, &err);
		check_error(&err, cases[i].code, cases[i].message);
		assert_int_equal(r, cases[i].code == VERITY_OK ? 0 : -EPERM);
	}
}

static unsigned count_draws(struct verity_catalog_entry *entry, uint32_t rollout)
{
	unsigned count = 0;

	entry->rollout = rollout;
	for (unsigned i = 0; i < 1000; i++) {
		char serial[32];

		snprintf(serial, sizeof(serial), "SN-%u", i);
		count += verity_catalog_draws(entry, serial);
	}
	return count;
}

static void test_draws(void **state)
{
	struct verity_catalog_entry a = {.manifest = {.name = "a", .version = "1"}};
	struct verity_catalog_entry b = {.manifest = {.name = "b", .version = "1"}};
	struct verity_catalog_entry next = {.manifest = {.name = "a", .version = "2"}};
	unsigned other = 0, newer = 0;

	(void)state;
	assert_int_equal(count_draws(&a, 0), 0);
	assert_int_equal(count_draws(&a, 100), 1000);
	assert_in_range(count_draws(&a, 10), 70, 130);
	/* A higher percentage takes none away. */
	for (unsigned i = 0; i < 200; i++) {
		bool before = false;
		char serial[32];

		snprintf(serial, sizeof(serial), "SN-%u", i);
		for (a.rollout = 0; a.rollout <= 100; a.rollout++) {
			bool now = verity_catalog_draws(&a, serial);

			assert_true(now || !before);
			before = now;
		}
		/* Not the same devices first for each package and version. */
		a.rollout = b.rollout = next.rollout = 50;
		other += verity_catalog_draws(&a, serial) !=
			 verity_catalog_draws(&b, serial);
		newer += verity_catalog_draws(&a, serial) !=
			 verity_catalog_draws(&next, serial);
	}
	assert_in_range(other, 60, 140);
	assert_in_range(newer, 60, 140);
	/* The draw of a device is for good: it must not change with a new firmware. */
	a.rollout = 13;
	assert_false(verity_catalog_draws(&a, "SN-0815"));
	a.rollout = 14;
	assert_true(verity_catalog_draws(&a, "SN-0815"));
	/* Without a serial number all devices would draw alike. */
	a.rollout = 99;
	assert_false(verity_catalog_draws(&a, ""));
	a.rollout = 100;
	assert_true(verity_catalog_draws(&a, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_denied_key), cmocka_unit_test(test_take),
		cmocka_unit_test(test_limits),     cmocka_unit_test(test_encode),
		cmocka_unit_test(test_check),      cmocka_unit_test(test_draws),
	};

	return cmocka_run_group_tests(tests, ring_setup, ring_teardown);
}
