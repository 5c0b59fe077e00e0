/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "tests/check.h"
#include "verity/package/judge_rules.h"
#include "verity/statement/denylist_private.h"
#include "verity/statement/epoch.h"

/* Anchors of the signers; up to the NULL, "" for one who has none. */
static struct verity_signatures signed_under(const char *const *anchors)
{
	struct verity_signatures ret = {.count = 0};

	for (; *anchors; anchors++)
		strcpy(ret.signers[ret.count++].anchor, *anchors);
	return ret;
}

static void test_required(void **state)
{
	static const struct {
		const char *asked[4];
		bool all;
		const char *anchors[4];
		const char *message; /* NULL: it will do */
	} table[] = {
		{{NULL}, false, {"a.pem"}, NULL},
		{{NULL}, true, {"a.pem"}, NULL},
		{{"a.pem"}, false, {"a.pem"}, NULL},
		{{"a.pem"}, true, {"a.pem"}, NULL},
		{{"a.pem"}, false, {"b.pem", "a.pem"}, NULL},
		{{"a.pem", "b.pem"}, false, {"b.pem"}, NULL},
		{{"a.pem", "b.pem"}, true, {"b.pem", "c.pem", "a.pem"}, NULL},
		{{"a.pem", "b.pem"},
		 true,
		 {"b.pem"},
		 "it has no signature under a.pem of the key ring"},
		{{"a.pem", "b.pem"},
		 true,
		 {"a.pem", "a.pem"},
		 "it has no signature under b.pem of the key ring"},
		{{"a.pem"},
		 false,
		 {"b.pem"},
		 "it has no signature under one of these certificates of the key ring: a.pem"},
		{{"a.pem", "b.pem"},
		 false,
		 {"c.pem"},
		 "it has no signature under one of these certificates of the key ring: a.pem, b.pem"},
		{{"a.pem"},
		 false,
		 {""},
		 "it has no signature under one of these certificates of the key ring: a.pem"},
		{{"a.pem"},
		 true,
		 {NULL},
		 "it has no signature under a.pem of the key ring"},
		/* a name is a whole name, to the letter */
		{{"a.pem"},
		 true,
		 {"a.pe", "A.pem", "a.pem.pem"},
		 "it has no signature under a.pem of the key ring"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct verity_required required = {table[i].asked, 0, table[i].all};
		struct verity_signatures signatures = signed_under(table[i].anchors);
		struct verity_error why = {0};
		int r;

		while (table[i].asked[required.count])
			required.count++;
		r = verity_judge_required(&required, &signatures, &why);
		assert_int_equal(r, table[i].message ? -EKEYREJECTED : 0);
		if (table[i].message)
			check_error(&why, VERITY_E_MISSING_SIGNER, table[i].message);
	}
}

/* More names than a message holds: cut, and nothing beyond it is touched. */
static void test_many_required(void **state)
{
	static char names[64][64];
	const char *asked[64];
	struct verity_required required = {asked, 64, false};
	struct verity_signatures nobody = {.count = 0};
	struct verity_error why;

	(void)state;
	for (int i = 0; i < 64; i++) {
		snprintf(names[i], sizeof(names[i]), "%063d", i);
		asked[i] = names[i];
	}
	assert_int_equal(verity_judge_required(&required, &nobody, &why), -EKEYREJECTED);
	assert_non_null(strstr(why.message, names[2]));
	assert_null(strstr(why.message, names[5]));
	assert_non_null(strstr(why.message, " of the key ring"));
}

static void test_denied(void **state)
{
	static struct verity_deny entries[] = {
		{.kind = VERITY_DENY_KEY, .digest = {1}},
		{.kind = VERITY_DENY_ROOT_HASH, .digest = {2}},
		{.kind = VERITY_DENY_NAME, .name = "tool", .epoch_below = 5},
		{.kind = VERITY_DENY_NAME, .name = "tool", .epoch_below = 3},
		{.kind = VERITY_DENY_NAME, .name = "gone", .epoch_below = UINT32_MAX},
	};
	struct verity_denylist list = {.text = {42, entries, 5}};
	static const char key_1[] =
		"deny list 42 names a key that it was signed with, "
		"0100000000000000000000000000000000000000000000000000000000000000";
	static const struct {
		uint8_t keys[3], root_hash; /* first byte; keys up to a 0 */
		const char *name;
		uint32_t epoch;
		const char *message;
	} table[] = {
		{{9}, 9, "other", 0, NULL},
		{{0}, 9, "other", 0, NULL},
		/* any of the keys, the last one as well */
		{{1}, 9, "other", 9, key_1},
		{{9, 8, 1}, 9, "other", 9, key_1},
		/* a key's digest is no root hash, and the other way round */
		{{2}, 1, "other", 9, NULL},
		{{9}, 2, "other", 9, "deny list 42 names its root hash"},
		/* below, not at */
		{{9},
		 9,
		 "tool",
		 4,
		 "deny list 42 names tool below epoch 5, and its epoch is 4"},
		{{9},
		 9,
		 "tool",
		 0,
		 "deny list 42 names tool below epoch 5, and its epoch is 0"},
		{{9}, 9, "tool", 5, NULL},
		{{9}, 9, "Tool", 0, NULL},
		{{9}, 9, "tool2", 0, NULL},
		{{9}, 9, "too", 0, NULL},
		{{9},
		 9,
		 "gone",
		 UINT32_MAX - 1,
		 "deny list 42 names gone below epoch 4294967295, and its epoch is "
		 "4294967294"},
		{{9}, 9, "gone", UINT32_MAX, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct verity_policy policy = {.denylist = &list};
		struct verity_manifest manifest = {.epoch = table[i].epoch};
		struct verity_judgement judgement = {.manifest = &manifest};
		struct verity_signatures *signatures = &judgement.signatures;
		struct verity_error why = {0};

		strcpy(manifest.name, table[i].name);
		manifest.root_hash[0] = table[i].root_hash;
		for (int j = 0; j < 3 && table[i].keys[j]; j++)
			signatures->key_ids[signatures->key_id_count++][0] =
				table[i].keys[j];
		assert_int_equal(verity_judge_denied(&policy, &judgement, &why),
				 table[i].message ? -EKEYREVOKED : 0);
		if (table[i].message)
			check_error(&why, VERITY_E_REVOKED, table[i].message);
		policy.denylist = NULL;
		assert_int_equal(verity_judge_denied(&policy, &judgement, &why), 0);
	}
}

/* What a device is, and what a package asks for. */
struct rule {
	bool quarantined, allow_downgrade;
	uint32_t floor, epoch;
	const char *model, *globs[3];
	const char *firmware, *min, *max;
	enum verity_verdict verdict;
	enum verity_code code;
	const char *message;
};

static void check_rule(const struct rule *rule)
{
	static const uint8_t ids[][VERITY_DIGEST_BYTES] = {{6}, {7}};
	const struct verity_quarantine quarantine = {ids, rule->quarantined ? 2 : 1};
	struct verity_floor floor = {"tool", rule->floor};
	const struct verity_floors floors = {.epochs = &floor, .count = 1};
	char globs[3][VERITY_GLOB_MAX + 1];
	struct verity_manifest manifest = {.name = "tool", .epoch = rule->epoch};
	const struct verity_judgement judgement = {.manifest = &manifest, .id = {7}};
	const struct verity_policy policy = {
		.quarantine = &quarantine,
		.floors = &floors,
		.model = rule->model,
		.firmware = rule->firmware,
		.allow_downgrade = rule->allow_downgrade,
	};
	struct verity_error why = {0};

	manifest.compatible = globs;
	while (manifest.compatible_count < 3 && rule->globs[manifest.compatible_count]) {
		strcpy(globs[manifest.compatible_count],
		       rule->globs[manifest.compatible_count]);
		manifest.compatible_count++;
	}
	strcpy(manifest.firmware_min, rule->min ?: "");
	strcpy(manifest.firmware_max, rule->max ?: "");
	assert_string_equal(
		verity_verdict_name(verity_judge_rules(&policy, &judgement, &why)),
		verity_verdict_name(rule->verdict));
	assert_string_equal(why.message, rule->message ?: "");
	assert_string_equal(verity_code_name(why.code), verity_code_name(rule->code));
}

#define RAN            "its epoch is 2, and this device has run tool with epoch 3"
#define BELOW          .floor = 3, .epoch = 2
#define DOWNGRADE      .verdict = VERITY_DOWNGRADE, .code = VERITY_E_DOWNGRADE, .message = RAN
#define WRONG_MODEL    .verdict = VERITY_INCOMPATIBLE, .code = VERITY_E_WRONG_MODEL
#define WRONG_FIRMWARE .verdict = VERITY_INCOMPATIBLE, .code = VERITY_E_WRONG_FIRMWARE
#define LEFT_OUT                                                                         \
	.verdict = VERITY_QUARANTINED, .code = VERITY_E_QUARANTINED,                     \
	.message = "it was left out after boots that were not completed"

static void test_rules(void **state)
{
	static const struct rule table[] = {
		{.verdict = VERITY_SIGNED},
		{.quarantined = true, LEFT_OUT},
		/* it comes first, whatever else there is */
		{.quarantined = true,
		 .allow_downgrade = true,
		 BELOW,
		 .model = "x",
		 .globs = {"y"},
		 LEFT_OUT},
		{.floor = 3, .epoch = 3},
		{.floor = 3, .epoch = 4},
		{BELOW, DOWNGRADE},
		{.floor = UINT32_MAX, .epoch = UINT32_MAX},
		/* a model */
		{.model = "EDS-408", .globs = {"EDS-*"}},
		{.model = "EDS-408", .globs = {"MDS-*", "EDS-4??"}},
		{.model = "EDS-408"},
		{.model = "eds-408",
		 .globs = {"EDS-*"},
		 WRONG_MODEL,
		 .message = "it is for EDS-*, and this device is 'eds-408'"},
		{.model = "RKS",
		 .globs = {"EDS-*", "MDS-*"},
		 WRONG_MODEL,
		 .message = "it is for EDS-*, MDS-*, and this device is 'RKS'"},
		{.model = "",
		 .globs = {"*"},
		 WRONG_MODEL,
		 .message = "it is for *, and the model of this device is unknown"},
		{.model = NULL, .globs = {"EDS-*"}},
		/* a firmware */
		{.firmware = "5.10", .min = "5.9"},
		{.firmware = "5.10", .min = "5.10", .max = "5.10"},
		{.firmware = "5.10", .max = "5.11"},
		{.firmware = "5.10"},
		{.firmware = "5.9",
		 .min = "5.10",
		 WRONG_FIRMWARE,
		 .message = "it requires firmware 5.10 or later, and this is 5.9"},
		{.firmware = "5.10~rc1",
		 .min = "5.10",
		 WRONG_FIRMWARE,
		 .message = "it requires firmware 5.10 or later, and this is 5.10~rc1"},
		{.firmware = "5.10.1",
		 .max = "5.10",
		 WRONG_FIRMWARE,
		 .message = "it requires firmware 5.10 or earlier, and this is 5.10.1"},
		{.firmware = "",
		 .min = "1",
		 WRONG_FIRMWARE,
		 .message = "it requires a firmware version, and that of this device is "
			    "unknown"},
		{.firmware = NULL, .min = "9"},
		/* the floor comes before both; the model before the firmware */
		{BELOW, .model = "x", .globs = {"y"}, .firmware = "1", .min = "2",
		 DOWNGRADE},
		{.model = "x",
		 .globs = {"y"},
		 .firmware = "1",
		 .min = "2",
		 WRONG_MODEL,
		 .message = "it is for y, and this device is 'x'"},
		/* let off the floor, and off nothing else */
		{.allow_downgrade = true, BELOW, DOWNGRADE},
		{.allow_downgrade = true, .floor = 3, .epoch = 3},
		{.allow_downgrade = true, BELOW, .model = "x", .globs = {"x"}, DOWNGRADE},
		{.allow_downgrade = true,
		 BELOW,
		 .model = "x",
		 .globs = {"y"},
		 WRONG_MODEL,
		 .message = "it is for y, and this device is 'x'"},
		{.allow_downgrade = true,
		 BELOW,
		 .firmware = "1",
		 .min = "2",
		 WRONG_FIRMWARE,
		 .message = "it requires firmware 2 or later, and this is 1"},
		{.allow_downgrade = true,
		 BELOW,
		 .firmware = "3",
		 .max = "2",
		 WRONG_FIRMWARE,
		 .message = "it requires firmware 2 or earlier, and this is 3"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_rule(&table[i]);
}

/* A policy that asks nothing lets all pass. */
static void test_no_policy(void **state)
{
	const struct verity_policy policy = {0};
	struct verity_manifest manifest = {.name = "tool", .firmware_min = "9"};
	const struct verity_judgement judgement = {.manifest = &manifest, .id = {7}};
	struct verity_error why;

	(void)state;
	assert_int_equal(verity_judge_rules(&policy, &judgement, &why), VERITY_SIGNED);
	assert_int_equal(verity_judge_denied(&policy, &judgement, &why), 0);
}

static uint32_t nobody_knows(const void *context, const char *name)
{
	(void)context, (void)name;
	return VERITY_EPOCH_UNKNOWN;
}

/* Whatever the record of epochs cannot say, it does not let an older package in. */
static void test_unknown_epoch(void **state)
{
	const struct verity_floors floors = {.proven = nobody_knows};
	const struct verity_policy policy = {.floors = &floors};
	struct verity_manifest manifest = {.name = "tool", .epoch = 7};
	const struct verity_judgement judgement = {.manifest = &manifest};
	struct verity_error why;

	(void)state;
	assert_int_equal(verity_judge_rules(&policy, &judgement, &why), VERITY_DOWNGRADE);
	check_error(&why, VERITY_E_DOWNGRADE,
		    "its epoch is 7, and this device has run tool with epoch 4294967295, "
		    "the highest, or cannot read which (try again)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_required),  cmocka_unit_test(test_many_required),
		cmocka_unit_test(test_denied),    cmocka_unit_test(test_rules),
		cmocka_unit_test(test_no_policy), cmocka_unit_test(test_unknown_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
