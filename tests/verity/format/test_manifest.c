/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "verity/format/manifest.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define ROOT  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define START "{\"type\":\"package\",\"format\":1,"
#define NOT_PRINTABLE(character)                                                         \
	"not printable: it has the character U+" character                               \
	", which is invisible, a control or a frame"
#define NO_LABEL(character)                                                              \
	"it has the character U+" character                                              \
	", which is a space other than U+0020, or a mark without a letter before it"
#define NAMES "\"name\":\"n\",\"version\":\"1\",\"description\":\"d\","
#define IMAGE                                                                              \
	"\"image\":{\"bytes\":5,\"hash\":\"sha256\",\"salt\":\"ab\",\"root_hash\":\"" ROOT \
	"\"}"

static const struct {
	const char *text;
	const char *message; /* NULL: it is accepted */
} cases[] = {
	{START NAMES IMAGE "}", NULL},
	{START NAMES IMAGE ",\"future\":{\"x\":[1]}}",
	 NULL}, /* unknown keys are ignored */
	{START NAMES IMAGE ",\"requires\":[]}", NULL},
	{START NAMES IMAGE ",\"requires\":[\"warp\"]}",
	 "manifest: it requires 'warp', which this device does not know"},
	{START NAMES IMAGE ",\"requires\":\"warp\"}", "manifest: requires: not a list"},
	{"", "manifest: not JSON: incomplete at byte 0"},
	{"{", "manifest: not JSON: incomplete at byte 1"},
	{"[]", "manifest: not one JSON object and nothing else"},
	{"null", "manifest: not one JSON object and nothing else"},
	{START NAMES IMAGE "} ", NULL}, /* white space after it is still JSON */
	{START NAMES IMAGE "}x", "manifest: not JSON: unexpected character at byte 199"},
	{START NAMES IMAGE "}{}", "manifest: not JSON: unexpected character at byte 199"},
	{START "'name':'n'}",
	 "manifest: not JSON: expected a key in double quotes at byte 29"},
	{START NAMES IMAGE ",'priority':7}",
	 "manifest: not JSON: expected a key in double quotes at byte 199"},
	{START NAMES IMAGE ",'a\":{':[{\"priority\":7}]}",
	 "manifest: not JSON: expected a key in double quotes at byte 199"},
	{"{\"a\":[[[[[[[[1]]]]]]]]}", "manifest: not JSON: nesting too deep at byte 12"},
	{"{}", "manifest: type: missing"},
	{"{\"type\":\"unlock\",\"format\":1}", "manifest: type: not \"package\""},
	{"{\"type\":\"package\\u0000x\",\"format\":1}",
	 "manifest: type: not \"package\""},
	{"{\"type\":\"package\"}", "manifest: format: missing"},
	{"{\"type\":\"package\",\"format\":2}", "manifest: format: not 1"},
	{"{\"type\":\"package\",\"format\":\"1\"}", "manifest: format: not an integer"},
	{START "\"name\":\"../x\"}", "manifest: name: not a valid package name"},
	{START "\"name\":\"a\\u0000b\"}", "manifest: name: not printable UTF-8"},
	{START "\"name\":\"n\",\"version\":\"\"}", "manifest: version: empty"},
	{START "\"name\":\"n\",\"version\":\"\\u001b[2J\"}",
	 "manifest: version: not printable UTF-8"},
	{START "\"name\":\"n\",\"version\":\" \"}", "manifest: version: blank"},
	{START "\"name\":\"n\",\"version\":\"1\",\"description\":\"  \"}",
	 "manifest: description: blank"},
	{START "\"name\":\"n\",\"version\":\"1\\u00a0\"}",
	 "manifest: version: " NO_LABEL("00A0")},
	{START "\"name\":\"n\",\"version\":\"1\",\"description\":\"a\\u3000b\"}",
	 "manifest: description: " NO_LABEL("3000")},
	{START "\"name\":\"n\",\"version\":\"\\u0301"
	       "1\"}",
	 "manifest: version: " NO_LABEL("0301")},
	{START "\"name\":\"n\",\"version\":\"1\\u0301\",\"description\":\"\"," IMAGE "}",
	 NULL},
	{START "\"name\":\"n\",\"version\":\"1\\ud804\\udcbd\"}",
	 "manifest: version: " NOT_PRINTABLE("110BD")},
	{START "\"name\":\"n\",\"version\":\"1\\u200b\"}",
	 "manifest: version: " NOT_PRINTABLE("200B")},
	{START "\"name\":\"n\",\"version\":\"1\",\"description\":\"\xe2\x94\x82\"}",
	 "manifest: description: " NOT_PRINTABLE("2502")},
	{START "\"name\":\"n\",\"version\":\"1\",\"description\":\"\\u202efdp\"}",
	 "manifest: description: " NOT_PRINTABLE("202E")},
	{START "\"name\":\"n\",\"version\":\"1\",\"description\":\"\\udb40\\udc41\"}",
	 "manifest: description: " NOT_PRINTABLE("E0041")},
	{START NAMES IMAGE ",\"compatible\":[\"a\\u2069\"]}",
	 "manifest: compatible[0]: " NOT_PRINTABLE("2069")},
	{START NAMES IMAGE ",\"firmware\":{\"min\":\"1\\u00ad\"}}",
	 "manifest: firmware.min: " NOT_PRINTABLE("00AD")},
	{START "\"name\":\"n\",\"version\":1}", "manifest: version: not a string"},
	{START "\"name\":\"n\",\"version\":\"1\"}", "manifest: description: missing"},
	{START NAMES "\"image\":[]}", "manifest: image: not an object"},
	{START NAMES "\"image\":{}}", "manifest: image.bytes: missing"},
	{START NAMES "\"image\":{\"bytes\":0}}",
	 "manifest: image.bytes: outside 1 to 68719476736"},
	{START NAMES "\"image\":{\"bytes\":-1}}",
	 "manifest: image.bytes: outside 1 to 68719476736"},
	{START NAMES "\"image\":{\"bytes\":99999999999999999999}}",
	 "manifest: image.bytes: outside 1 to 68719476736"},
	{START NAMES "\"image\":{\"bytes\":1,\"hash\":\"md5\"}}",
	 "manifest: image.hash: not \"sha256\""},
	{START NAMES "\"image\":{\"bytes\":1,\"hash\":\"sha256\\u0000\"}}",
	 "manifest: image.hash: not \"sha256\""},
	{START NAMES "\"image\":{\"bytes\":1,\"hash\":\"sha256\",\"salt\":\"a\"}}",
	 "manifest: image.salt: not hex digits, or over 512 of them"},
	{START NAMES
	 "\"image\":{\"bytes\":1,\"hash\":\"sha256\",\"salt\":\"\",\"root_hash\":\"00\"}}",
	 "manifest: image.root_hash: not 64 hex digits"},
	{START NAMES
	 "\"image\":{\"bytes\":1,\"hash\":\"sha256\",\"salt\":\"\",\"root_hash\":\"" ROOT
	 "00\"}}",
	 "manifest: image.root_hash: not 64 hex digits"},
	{START NAMES IMAGE ",\"priority\":1000001}",
	 "manifest: priority: outside -1000000 to 1000000"},
	{START NAMES IMAGE ",\"priority\":1.5}", "manifest: priority: not an integer"},
	{START NAMES IMAGE ",\"epoch\":-1}", "manifest: epoch: outside 0 to 4294967295"},
	{START NAMES IMAGE ",\"persistent\":\"maybe\"}",
	 "manifest: persistent: none of \"allowed\", \"required\", \"forbidden\""},
	{START NAMES IMAGE ",\"persistent\":\"required\\u0000\"}",
	 "manifest: persistent: none of \"allowed\", \"required\", \"forbidden\""},
	{START NAMES IMAGE ",\"persistent\":true}", "manifest: persistent: not a string"},
	{START NAMES IMAGE ",\"compatible\":\"x\"}", "manifest: compatible: not a list"},
	{START NAMES IMAGE ",\"compatible\":[1]}",
	 "manifest: compatible[0]: not a string"},
	{START NAMES IMAGE ",\"firmware\":1}", "manifest: firmware: not an object"},
	{START NAMES IMAGE ",\"needs\":[],\"conflicts_with\":[]}", NULL},
	{START NAMES IMAGE ",\"needs\":[\"b\",\"c>=1.0~rc1+x-1^2_3:4\"]}", NULL},
	{START NAMES IMAGE
	 ",\"requires\":[\"conflicts_with\",\"needs\"],\"conflicts_with\":[\"b\"]}",
	 NULL},
	{START NAMES IMAGE ",\"needs\":\"b\"}", "manifest: needs: not a list"},
	{START NAMES IMAGE ",\"needs\":[\"b\",1]}", "manifest: needs[1]: not a string"},
#define NO_NEED(text)                                                                    \
	{                                                                                \
		START NAMES IMAGE ",\"needs\":[\"" text "\"]}",                          \
			"manifest: needs[0]: not NAME or NAME>=VERSION"                  \
	}
	NO_NEED(""),
	NO_NEED(">=1"),
	NO_NEED("b>="),
	NO_NEED("b >=1"),
	NO_NEED("b>= 1"),
	NO_NEED("b>=1 "),
	NO_NEED(" b"),
	NO_NEED("b>1"),
	NO_NEED("b=1"),
	NO_NEED("b<=1"),
	NO_NEED("b>==1"),
	NO_NEED("b>=1>=2"),
	NO_NEED("b>=~1"),
	NO_NEED("b>=1,c"),
	NO_NEED("b*"),
	NO_NEED("../b"),
	NO_NEED("b>=1\\u0000"),
	NO_NEED("b\\u0000>=1"),
	NO_NEED("b>=1\\u202e"),
	NO_NEED("b>=12345678901234567890123456789012345678901234567890123456789012345"),
	NO_NEED("a1234567890123456789012345678901234567890123456789012345678901234>=1"),
	{START NAMES IMAGE ",\"needs\":[\"n\"]}", "manifest: needs: the package itself"},
	{START NAMES IMAGE ",\"needs\":[\"n>=1\"]}",
	 "manifest: needs: the package itself"},
	{START NAMES IMAGE ",\"needs\":[\"b\",\"c\",\"b>=1\"]}",
	 "manifest: needs: 'b' twice"},
	{START NAMES IMAGE ",\"conflicts_with\":{}}",
	 "manifest: conflicts_with: not a list"},
	{START NAMES IMAGE ",\"conflicts_with\":[\"b>=1\"]}",
	 "manifest: conflicts_with[0]: not a valid package name"},
	{START NAMES IMAGE ",\"conflicts_with\":[\"b*\"]}",
	 "manifest: conflicts_with[0]: not a valid package name"},
	{START NAMES IMAGE ",\"conflicts_with\":[\"\"]}",
	 "manifest: conflicts_with[0]: empty"},
	{START NAMES IMAGE ",\"conflicts_with\":[\"n\"]}",
	 "manifest: conflicts_with: the package itself"},
	{START NAMES IMAGE ",\"conflicts_with\":[\"b\",\"b\"]}",
	 "manifest: conflicts_with: 'b' twice"},
	{START NAMES IMAGE ",\"needs\":[\"b>=1\"],\"conflicts_with\":[\"b\"]}",
	 "manifest: conflicts_with: 'b' is in needs, too"},
	{START NAMES IMAGE ",\"built\":-5}",
	 "manifest: built: outside 0 to 253402300799"},
};

static void test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_manifest marker, *untouched = &marker;
		struct verity_manifest *manifest = untouched;
		struct verity_error err = {0};
		int r = verity_manifest_decode(cases[i].text, strlen(cases[i].text),
					       &manifest, &err);

		assert_string_equal(err.message,
				    cases[i].message ? cases[i].message : "");
		if (cases[i].message) {
			assert_true(r < 0);
			assert_ptr_equal(manifest, untouched);
		} else {
			assert_int_equal(r, 0);
			verity_manifest_free(manifest);
		}
	}
}

static const char full[] = START
	"\"requires\":[\"needs\",\"conflicts_with\"],"
	"\"name\":\"web-ui\",\"version\":\"5.26.0-rev0\",\"description\":\"Example\"," IMAGE
	",\"priority\":-3,\"epoch\":7,\"persistent\":\"required\",\"compatible\":[\"a*\",\"b\"],"
	"\"firmware\":{\"min\":\"5.0\",\"max\":\"6.0\"},"
	"\"needs\":[\"base>=5.0\",\"fonts\"],\"conflicts_with\":[\"old-ui\"],"
	"\"built\":1700000000}";

static void test_every_key(void **state)
{
	cleanup_with(verity_manifest_free_p) struct verity_manifest *m = NULL;
	cleanup_free char *again = NULL;
	struct verity_error err;

	(void)state;
	check_ok(verity_manifest_decode(full, strlen(full), &m, &err), &err);
	assert_string_equal(m->name, "web-ui");
	assert_string_equal(m->version, "5.26.0-rev0");
	assert_string_equal(m->description, "Example");
	assert_int_equal(m->image_bytes, 5);
	assert_int_equal(m->salt_bytes, 1);
	assert_int_equal(m->salt[0], 0xab);
	assert_int_equal(m->root_hash[1], 0x11);
	assert_int_equal(m->priority, -3);
	assert_int_equal(m->epoch, 7);
	assert_int_equal(m->persistence, VERITY_PERSISTENT_REQUIRED);
	assert_int_equal(m->compatible_count, 2);
	assert_string_equal(m->compatible[1], "b");
	assert_string_equal(m->firmware_min, "5.0");
	assert_string_equal(m->firmware_max, "6.0");
	assert_int_equal(m->needs_count, 2);
	assert_string_equal(m->needs[0].name, "base");
	assert_string_equal(m->needs[0].version, "5.0");
	assert_string_equal(m->needs[1].name, "fonts");
	assert_string_equal(m->needs[1].version, "");
	assert_int_equal(m->conflicts_count, 1);
	assert_string_equal(m->conflicts[0], "old-ui");
	assert_int_equal(m->built, 1700000000);
	/* Equal manifests are equal bytes. */
	check_ok(verity_manifest_encode(m, &again, &err), &err);
	assert_string_equal(again, full);
}

static void test_kernel_signature(void **state)
{
	cleanup_with(verity_manifest_free_p) struct verity_manifest *m = NULL;
	char text[1024];
	struct verity_error err;
	struct verity_manifest *bad = NULL;

	(void)state;
	snprintf(text, sizeof(text),
		 START NAMES
		 "\"image\":{\"bytes\":5,\"hash\":\"sha256\",\"salt\":\"\",\"root_hash\":"
		 "\"" ROOT "\",\"kernel_signature\":\"%s\"}}",
		 "AQIDBA==");
	check_ok(verity_manifest_decode(text, strlen(text), &m, &err), &err);
	assert_int_equal(m->kernel_signature_bytes, 4);
	assert_memory_equal(m->kernel_signature, "\1\2\3\4", 4);

	memcpy(strstr(text, "AQID"), "A*ID", 4);
	assert_true(verity_manifest_decode(text, strlen(text), &bad, &err) < 0);
	check_error(&err, VERITY_E_BAD_MANIFEST,
		    "manifest: image.kernel_signature: not base64 of a signature");
}

static void test_limits(void **state)
{
	struct verity_manifest manifest = {.built = -1, .image_bytes = 1};
	struct verity_manifest *decoded = NULL;
	struct verity_error err;
	char *text = NULL;
	static char large[VERITY_MANIFEST_MAX + 1];

	(void)state;
	/* What no reader would accept is not written. */
	strcpy(manifest.name, "a b");
	strcpy(manifest.version, "1");
	assert_true(verity_manifest_encode(&manifest, &text, &err) < 0);
	check_error(&err, VERITY_E_BAD_MANIFEST,
		    "manifest: name: not a valid package name");
	assert_null(text);

	/* As many as there may be of a list, and one more. */
	for (int more = 0; more < 2; more++) {
		char lists[4096] = START NAMES IMAGE ",\"needs\":[";

		for (int i = 0; i < VERITY_NEEDS_MAX + more; i++)
			verity_text_append(lists, sizeof(lists), "%s\"b%d>=1\"",
					   i ? "," : "", i);
		verity_text_append(lists, sizeof(lists), "]}");
		assert_int_equal(
			verity_manifest_decode(lists, strlen(lists), &decoded, &err),
			more ? -EBADMSG : 0);
		if (more)
			check_error(&err, VERITY_E_BAD_MANIFEST,
				    "manifest: needs: more than 64 entries");
		else
			verity_manifest_free(decoded);
		decoded = NULL;
	}

	memset(large, ' ', sizeof(large));
	assert_true(verity_manifest_decode(large, sizeof(large), &decoded, &err) < 0);
	check_error(&err, VERITY_E_BAD_SIZES, "the manifest is over its limit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_kernel_signature),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
