/* SPDX-License-Identifier: MIT */
#include "overlay/record/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

static const struct overlay_state_entry two[] = {
	{
		.entry = {.name = "a", .kind = OVERLAY_PERSISTENT},
		.file = {.inode = UINT64_MAX, .bytes = 12288, .changed_ns = -5},
		.identity = "vendor.a",
		.version = "5.26.0-rev0",
		.description = "Gr\303\266\303\237e \"and\" /slash",
		.root_hash = {1, 2, 255},
		.verdict = VERITY_SIGNED,
		.active = true,
		.judging = {812001, 815002},
		.attaching = {816003, 821004},
	},
	{
		.entry = {.name = "b", .kind = OVERLAY_ORDINARY},
		.verdict = VERITY_INVALID,
		.reason = {.code = VERITY_E_IMAGE_MISMATCH, .message = "block 7"},
	},
};

static void encode_two(char **ret)
{
	struct overlay_state_entry entries[2];
	const struct overlay_state state = {
		.entries = entries,
		.count = 2,
		.allow_untrusted = true,
		.anchor = {true, OVERLAY_EVIDENCE_LOCKDOWN, "why"},
		.stack = {.code = VERITY_E_STACK, .message = "no"},
		.steps = {[OVERLAY_STEP_PREPARE] = {1, 1},
			  [OVERLAY_STEP_SEED] = {OVERLAY_CLOCK_MAX - 1,
						 OVERLAY_CLOCK_MAX}}};
	struct verity_error err;

	memcpy(entries, two, sizeof(entries));
	check_ok(overlay_state_encode(&state, ret, &err), &err);
}

static void test_round(void **state_)
{
	const struct overlay_entry ordinary = {.name = "b", .kind = OVERLAY_ORDINARY};
	const struct overlay_entry missing = {.name = "b", .kind = OVERLAY_PERSISTENT};
	cleanup_free char *text = NULL;
	struct overlay_state state = {0};
	struct verity_error err;

	(void)state_;
	encode_two(&text);
	check_ok(overlay_state_decode(text, strlen(text), &state, &err), &err);
	assert_int_equal(state.count, 2);
	assert_true(state.allow_untrusted);
	assert_false(state.safe);
	assert_true(state.anchor.present);
	assert_int_equal(state.anchor.evidence, OVERLAY_EVIDENCE_LOCKDOWN);
	assert_string_equal(state.anchor.text, "why");
	check_error(&state.stack, VERITY_E_STACK, "no");
	assert_memory_equal(&state.entries[0], &two[0], sizeof(two[0]));
	assert_memory_equal(&state.entries[1], &two[1], sizeof(two[1]));
	for (size_t i = 0; i < OVERLAY_STEPS; i++)
		assert_int_equal(overlay_span_took_place(&state.steps[i]),
				 i == OVERLAY_STEP_PREPARE || i == OVERLAY_STEP_SEED);
	assert_int_equal(state.steps[OVERLAY_STEP_PREPARE].start_us, 1);
	assert_int_equal(state.steps[OVERLAY_STEP_SEED].end_us, OVERLAY_CLOCK_MAX);
	assert_ptr_equal(overlay_state_find(&state, &ordinary), &state.entries[1]);
	assert_null(overlay_state_find(&state, &missing));
	overlay_state_free(&state);
	assert_null(state.entries);
}

static void test_text(void **state_)
{
	const struct overlay_state empty = {
		.safe = true,
		.anchor = {.text = "none is set"},
		.unlisted = {{.junk = 3}, {.links = 4, .over = 5}},
		.steps = {[OVERLAY_STEP_VOLUMES] = {4, 5}}};
	cleanup_free char *text = NULL;
	struct verity_error err;
	char *end;

	(void)state_;
	check_ok(overlay_state_encode(&empty, &text, &err), &err);
	/* json-c breaks the line in an empty list until 0.16 */
	end = strrchr(text, '[');
	assert_non_null(end);
	assert_true(strcmp(end, "[]\n}") == 0 || strcmp(end, "[\n  ]\n}") == 0);
	strcpy(end, "[]\n}");
	assert_string_equal(text, "{\n"
				  "  \"format\": 1,\n"
				  "  \"safe\": true,\n"
				  "  \"allow_untrusted\": false,\n"
				  "  \"locked\": {\n"
				  "    \"code\": \"ok\",\n"
				  "    \"message\": \"\"\n"
				  "  },\n"
				  "  \"anchor\": {\n"
				  "    \"present\": false,\n"
				  "    \"evidence\": \"none\",\n"
				  "    \"message\": \"none is set\"\n"
				  "  },\n"
				  "  \"device\": {\n"
				  "    \"model\": \"\",\n"
				  "    \"serial\": \"\",\n"
				  "    \"firmware\": \"\"\n"
				  "  },\n"
				  "  \"boot\": 0,\n"
				  "  \"denylist\": 0,\n"
				  "  \"stack\": {\n"
				  "    \"code\": \"ok\",\n"
				  "    \"message\": \"\"\n"
				  "  },\n"
				  "  \"steps\": {\n"
				  "    \"prepare\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    },\n"
				  "    \"volumes\": {\n"
				  "      \"start_us\": 4,\n"
				  "      \"end_us\": 5\n"
				  "    },\n"
				  "    \"reset\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    },\n"
				  "    \"trust\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    },\n"
				  "    \"judge\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    },\n"
				  "    \"try\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    },\n"
				  "    \"attach\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    },\n"
				  "    \"stack\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    },\n"
				  "    \"record\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    },\n"
				  "    \"seed\": {\n"
				  "      \"start_us\": 0,\n"
				  "      \"end_us\": 0\n"
				  "    }\n"
				  "  },\n"
				  "  \"unlisted\": {\n"
				  "    \"data\": {\n"
				  "      \"junk\": 3,\n"
				  "      \"links\": 0,\n"
				  "      \"over\": 0\n"
				  "    },\n"
				  "    \"persist\": {\n"
				  "      \"junk\": 0,\n"
				  "      \"links\": 4,\n"
				  "      \"over\": 5\n"
				  "    }\n"
				  "  },\n"
				  "  \"packages\": []\n"
				  "}");
}

/* A reason is made printable on its way out, so that it can always be read back. */
static void test_unprintable_reason(void **state_)
{
	const struct overlay_state given = {
		.stack = {.code = VERITY_E_IO, .message = "a\nb\033[2J \303"}};
	cleanup_free char *text = NULL;
	struct overlay_state state = {0};
	struct verity_error err;

	(void)state_;
	check_ok(overlay_state_encode(&given, &text, &err), &err);
	check_ok(overlay_state_decode(text, strlen(text), &state, &err), &err);
	check_error(&state.stack, VERITY_E_IO, "a?b?[2J ?");
	overlay_state_free(&state);
}

/* Each case is the sound text with one part of it replaced. */
static const struct {
	const char *part;
	const char *with;
	const char *message;
} bad[] = {
	{"{\n  \"format\"", "[\n  \"format\"",
	 "state: not one JSON object and nothing else"},
	{"\"format\": 1", "\"format\": 2", "state: format: not 1"},
	{"\"format\": 1", "\"format\": \"1\"", "state: format: not an integer"},
	{"\"format\": 1,", "", "state: format: missing"},
	{"\"safe\": false", "\"safe\": 0", "state: safe: not true or false"},
	{"\"stack\": {", "\"stack\": [{}], \"x\": {", "state: stack: not an object"},
	{"\"stack-failed\"", "\"made-up\"", "state: stack.code: unknown"},
	{"\"packages\": [", "\"packages\": [ 1,", "state: packages[0]: not an object"},
	{"\"packages\": [", "\"packages\": {}, \"x\": [", "state: packages: not a list"},
	{"\"name\": \"a\"", "\"name\": \"../a\"",
	 "state: packages[0].name: not a valid package name"},
	{"\"name\": \"a\"", "\"name\": \"a\\u0000b\"",
	 "state: packages[0].name: not printable UTF-8"},
	{"\"version\": \"5.26.0-rev0\"",
	 "\"version\": "
	 "\"1234567890123456789012345678901234567890123456789012345678901234567890\"",
	 "state: packages[0].version: longer than 64 bytes"},
	{"\"version\": \"5.26.0-rev0\"", "\"version\": \"\\u001b[2J\"",
	 "state: packages[0].version: not printable UTF-8"},
	{"\"bytes\": 12288", "\"bytes\": -1",
	 "state: packages[0].file.bytes: outside 0 to 18446744073709551615"},
	{"\"bytes\": 12288", "\"bytes\": 1.5",
	 "state: packages[0].file.bytes: not an integer"},
	{"\"Signed\"", "\"signed\"", "state: packages[0].verification: unknown"},
	{"\"active\": true", "\"active\": null",
	 "state: packages[0].active: not true or false"},
	{"\"active\": true,", "", "state: packages[0].active: missing"},
	{"\"judging\": {", "\"judging\": 1, \"x\": {",
	 "state: packages[0].judging: not an object"},
	{"\"end_us\": 821004", "\"end_us\": 816002",
	 "state: packages[0].attaching: it ends before it begins"},
	{"\"end_us\": 821004", "\"end\": 821004",
	 "state: packages[0].attaching.end_us: missing"},
	{"\"start_us\": 816003", "\"start_us\": -1",
	 "state: packages[0].attaching.start_us: outside 0 to 9007199254740992"},
	{"\"end_us\": 821004", "\"end_us\": 9007199254740993",
	 "state: packages[0].attaching.end_us: outside 0 to 9007199254740992"},
	{"\"end_us\": 9007199254740992", "\"end_us\": 18446744073709551615",
	 "state: steps.seed.end_us: outside 0 to 9007199254740992"},
	{"\"steps\": {", "\"steps\": [], \"x\": {", "state: steps: not an object"},
};

/* A step that an older initramfs does not know did not take place. */
static void test_old_step(void **state_)
{
	struct overlay_state state = {.steps = {[OVERLAY_STEP_RESET] = {4, 5}}};
	cleanup_free char *text = NULL;
	struct verity_error err;
	char *name;

	(void)state_;
	check_ok(overlay_state_encode(&state, &text, &err), &err);
	name = strstr(text, "\"reset\"");
	assert_non_null(name);
	name[1] = 'R';
	check_ok(overlay_state_decode(text, strlen(text), &state, &err), &err);
	assert_false(overlay_span_took_place(&state.steps[OVERLAY_STEP_RESET]));
	overlay_state_free(&state);
}

/* Of an initramfs that is older: what it does not have did not take place. */
static void test_old(void **state_)
{
	static const char text[] =
		"{\"format\": 1, \"safe\": false, \"allow_untrusted\": false,"
		" \"stack\": {\"code\": \"ok\", \"message\": \"\"}, \"packages\": ["
		"{\"name\": \"a\", \"persistent\": false, \"file\": {\"inode\": 1,"
		" \"bytes\": 1, \"changed_ns\": 1}, \"identity\": \"a\", \"version\": \"1\","
		" \"description\": \"\", \"verification\": \"Signed\", \"active\": true,"
		" \"reason\": {\"code\": \"ok\", \"message\": \"\"}}]}";
	struct overlay_state state;
	struct verity_error err;

	(void)state_;
	check_ok(overlay_state_decode(text, strlen(text), &state, &err), &err);
	for (size_t i = 0; i < OVERLAY_STEPS; i++)
		assert_false(overlay_span_took_place(&state.steps[i]));
	assert_false(overlay_span_took_place(&state.entries[0].judging));
	assert_false(overlay_span_took_place(&state.entries[0].attaching));
	overlay_state_free(&state);
}

/* As many packages as there may be, each as long as it can be: it can be read back. */
static void test_largest(void **state_)
{
	struct overlay_state_entry *entries = calloc(2048, sizeof(*entries));
	struct overlay_state state = {.entries = entries, .count = 2048};
	cleanup_free char *text = NULL;
	struct verity_error err;

	(void)state_;
	assert_non_null(entries);
	for (size_t i = 0; i < state.count; i++) {
		struct overlay_state_entry *entry = &entries[i];

		memset(entry->entry.name, 'a', sizeof(entry->entry.name) - 1);
		memset(entry->identity, 'a', sizeof(entry->identity) - 1);
		memset(entry->version, '"', sizeof(entry->version) - 1);
		memset(entry->description, '"', sizeof(entry->description) - 1);
		memset(entry->reason.message, '"', sizeof(entry->reason.message) - 1);
		entry->reason.code = VERITY_E_UNTRUSTED_SIGNER;
		entry->file = (struct overlay_file_id){UINT64_MAX, INT64_MAX, INT64_MIN};
		entry->judging.start_us = entry->judging.end_us = OVERLAY_CLOCK_MAX;
		entry->attaching = entry->judging;
	}
	check_ok(overlay_state_encode(&state, &text, &err), &err);
	free(entries);
	check_ok(overlay_state_decode(text, strlen(text), &state, &err), &err);
	assert_int_equal(state.count, 2048);
	overlay_state_free(&state);
}

static char *replace(const char *text, const char *part, const char *with)
{
	const char *place = strstr(text, part);
	size_t size = strlen(text) + strlen(with) + 1;
	char *made = malloc(size);

	assert_non_null(place);
	assert_non_null(made);
	snprintf(made, size, "%.*s%s%s", (int)(place - text), text, with,
		 place + strlen(part));
	return made;
}

static void test_bad(void **state_)
{
	cleanup_free char *text = NULL;
	struct verity_error err;

	(void)state_;
	encode_two(&text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cleanup_free char *changed = replace(text, bad[i].part, bad[i].with);
		struct overlay_state state = {.count = 77};

		assert_int_equal(
			overlay_state_decode(changed, strlen(changed), &state, &err),
			-EBADMSG);
		assert_string_equal(err.message, bad[i].message);
		assert_int_equal(state.count, 77);
	}
}

/* Cut off anywhere, it is no state, and nothing is left behind. */
static void test_cut(void **state_)
{
	cleanup_free char *text = NULL;
	struct overlay_state state;

	(void)state_;
	encode_two(&text);
	for (size_t size = 0; size < strlen(text); size++)
		assert_int_equal(overlay_state_decode(text, size, &state, NULL),
				 -EBADMSG);
}

static void test_files(void **state_)
{
	struct overlay_state given = {.safe = true};
	struct overlay_state state = {0};
	struct verity_error err;

	(void)state_;
	assert_int_equal(overlay_state_read("run/wmopkg", &state, &err), -ENOENT);
	check_ok(overlay_state_write("run/wmopkg", &given, &err), &err);
	check_ok(overlay_state_read("run/wmopkg", &state, &err), &err);
	assert_true(state.safe);
	overlay_state_free(&state);
	given.safe = false;
	check_ok(overlay_state_write("run/wmopkg", &given, &err), &err);
	check_ok(overlay_state_read("run/wmopkg", &state, &err), &err);
	assert_false(state.safe);
	overlay_state_free(&state);
	assert_int_equal(access("run/wmopkg/.state.json.new", F_OK), -1);

	scratch_write("run/wmopkg/state.json", "{}");
	assert_int_equal(overlay_state_read("run/wmopkg", &state, &err), -EBADMSG);
	assert_string_equal(err.message, "run/wmopkg: state: format: missing");
}

static void test_file_id(void **state_)
{
	cleanup_fd int fd = -1;
	struct overlay_file_id before;
	struct overlay_file_id after;
	struct verity_error err;

	(void)state_;
	scratch_write("file", "text");
	fd = open("file", O_RDWR | O_CLOEXEC);
	check_ok(overlay_file_id_get(fd, &before, &err), &err);
	check_ok(overlay_file_id_get(fd, &after, &err), &err);
	assert_true(overlay_file_id_equal(&before, &after));
	assert_int_equal(before.bytes, 4);
	assert_int_equal(ftruncate(fd, 5), 0);
	check_ok(overlay_file_id_get(fd, &after, &err), &err);
	assert_false(overlay_file_id_equal(&before, &after));
	assert_true(overlay_file_id_get(-1, &after, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_unprintable_reason),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_old_step),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_file_id),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
