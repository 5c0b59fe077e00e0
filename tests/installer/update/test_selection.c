/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "installer/update/selection.h"
#include "tests/check.h"
#include "verity/statement/denylist_private.h"
#include "verity/statement/floors.h"

#define ITEMS_MAX 4

/* An entry, or an installed package, in short; what is 0 is not there. */
struct short_form {
	const char *name, *version;
	uint32_t epoch;
	const char *compatible, *firmware_min, *need, *conflict;
	uint32_t wait; /* percent that it is not for */
	uint8_t id;
};

static void fill(const struct short_form *from, struct verity_manifest *ret)
{
	*ret = (struct verity_manifest){.epoch = from->epoch, .built = -1};
	strcpy(ret->name, from->name);
	strcpy(ret->version, from->version);
	ret->root_hash[0] = from->id;
	if (from->compatible) {
		ret->compatible = calloc(1, sizeof(*ret->compatible));
		strcpy(ret->compatible[ret->compatible_count++], from->compatible);
	}
	if (from->firmware_min)
		strcpy(ret->firmware_min, from->firmware_min);
	if (from->need) {
		ret->needs = calloc(1, sizeof(*ret->needs));
		assert_true(
			verity_need_parse(from->need, &ret->needs[ret->needs_count++]));
	}
	if (from->conflict) {
		ret->conflicts = calloc(1, sizeof(*ret->conflicts));
		strcpy(ret->conflicts[ret->conflicts_count++], from->conflict);
	}
}

struct outcome {
	const char *chosen; /* version; NULL: it stays */
	const char *passed;
	enum verity_code code;
	const char *message; /* of what is passed over */
};

struct expectation {
	const char *what;
	struct short_form catalog[ITEMS_MAX], installed[ITEMS_MAX];
	struct outcome outcomes[ITEMS_MAX];
	const char *serial; /* NULL: "SN-0815" */
	bool unwanted;      /* the first one is not asked for */
	bool allow_downgrade;
};

/* On a BX-1 with firmware 5.0, which has run `low` with epoch 3, and on which the deny
 * list names the root hash 0xdd, and the quarantine the id 0xaa. */
static const struct expectation expectations[] = {
	{"the newest counts, in whichever order they come",
	 {{"a", "2"}, {"a", "10"}, {"a", "9"}},
	 {{"a", "1"}},
	 {{"10", NULL, 0, NULL}},
	 NULL,
	 false,
	 false},
	{"never the same, never older",
	 {{"a", "1"}, {"b", "1"}, {"a", "0.9"}},
	 {{"a", "1"}, {"b", "2"}},
	 {{0}},
	 NULL,
	 false,
	 false},
	{"the epoch before the version",
	 {{"a", "1", .epoch = 2}, {"a", "9", .epoch = 1}},
	 {{"a", "5", .epoch = 1}},
	 {{"1", NULL, 0, NULL}},
	 NULL,
	 false,
	 false},
	{"a lower epoch is older, whatever its version",
	 {{"a", "9"}},
	 {{"a", "5", .epoch = 1}},
	 {{0}},
	 NULL,
	 false,
	 false},
	{"what is not installed does not come",
	 {{"b", "1"}},
	 {{"a", "1"}},
	 {{0}},
	 NULL,
	 false,
	 false},
	{"another model",
	 {{"a", "2", .compatible = "AX-*"}},
	 {{"a", "1"}},
	 {{NULL, "2", VERITY_E_WRONG_MODEL, "it is for AX-*, and this device is 'BX-1'"}},
	 NULL,
	 false,
	 false},
	{"the newest of those that fit",
	 {{"a", "3", .firmware_min = "6"}, {"a", "2", .compatible = "BX-*"}},
	 {{"a", "1"}},
	 {{"2", "3", VERITY_E_WRONG_FIRMWARE,
	   "it requires firmware 6 or later, and this is 5.0"}},
	 NULL,
	 false,
	 false},
	{"what does not fit and is older than what does is not told",
	 {{"a", "3"}, {"a", "2", .compatible = "AX-*"}},
	 {{"a", "1"}},
	 {{"3", NULL, 0, NULL}},
	 NULL,
	 false,
	 false},
	{"denied",
	 {{"a", "2", .id = 0xdd}},
	 {{"a", "1"}},
	 {{NULL, "2", VERITY_E_REVOKED, "deny list 7 names its root hash"}},
	 NULL,
	 false,
	 false},
	{"quarantined",
	 {{"a", "2", .id = 0xaa}},
	 {{"a", "1"}},
	 {{NULL, "2", VERITY_E_QUARANTINED,
	   "it was left out after boots that were not completed"}},
	 NULL,
	 false,
	 false},
	{"below the floor",
	 {{"low", "2", .epoch = 2}},
	 {{"low", "1", .epoch = 1}},
	 {{NULL, "2", VERITY_E_DOWNGRADE,
	   "its epoch is 2, and this device has run low with epoch 3"}},
	 NULL,
	 false,
	 false},
	{"below the floor, and allowed",
	 {{"low", "2", .epoch = 2}},
	 {{"low", "1", .epoch = 1}},
	 {{"2", NULL, 0, NULL}},
	 NULL,
	 false,
	 true},
	{"not its turn: the draw of a 1 is 13",
	 {{"a", "1", .wait = 87}},
	 {{"a", "0"}},
	 {{NULL, "1", VERITY_E_ROLLOUT,
	   "its rollout is 13 %, and this device is not among the first"}},
	 NULL,
	 false,
	 false},
	{"its turn",
	 {{"a", "1", .wait = 86}},
	 {{"a", "0"}},
	 {{"1", NULL, 0, NULL}},
	 NULL,
	 false,
	 false},
	{"no serial number",
	 {{"a", "1", .wait = 1}},
	 {{"a", "0"}},
	 {{NULL, "1", VERITY_E_ROLLOUT,
	   "its rollout is 99 %, and the serial number of this device is unknown"}},
	 "",
	 false,
	 false},
	{"not asked for",
	 {{"a", "2"}, {"b", "2"}},
	 {{"a", "1"}, {"b", "1"}},
	 {{0}, {"2", NULL, 0, NULL}},
	 NULL,
	 true,
	 false},
	{"a need that is not met",
	 {{"a", "2", .need = "b>=2"}},
	 {{"a", "1"}, {"b", "1"}},
	 {{NULL, "2", VERITY_E_MISSING_NEED, "it needs b>=2, and b has version 1"}},
	 NULL,
	 false,
	 false},
	{"a need that is met by another update",
	 {{"a", "2", .need = "b>=2"}, {"b", "2"}},
	 {{"a", "1"}, {"b", "1"}},
	 {{"2", NULL, 0, NULL}, {"2", NULL, 0, NULL}},
	 NULL,
	 false,
	 false},
	{"a need of a need that is not met: both are passed over",
	 {{"a", "2", .need = "b>=2"}, {"b", "2", .need = "c"}},
	 {{"a", "1"}, {"b", "1"}},
	 {{NULL, "2", VERITY_E_MISSING_NEED,
	   "it needs b>=2, which is not active: it needs c, which is not installed"},
	  {NULL, "2", VERITY_E_MISSING_NEED, "it needs c, which is not installed"}},
	 NULL,
	 false,
	 false},
	{"a conflict with what stays",
	 {{"a", "2", .conflict = "b"}},
	 {{"a", "1"}, {"b", "1"}},
	 {{NULL, "2", VERITY_E_CONFLICT,
	   "it conflicts with the ordinary package 'b', version 1, which stays active; this "
	   "is in its own manifest"}},
	 NULL,
	 false,
	 false},
};

static void check(const struct expectation *case_)
{
	static const uint8_t quarantined[1][VERITY_DIGEST_BYTES] = {{0xaa}};
	const struct verity_quarantine quarantine = {quarantined, 1};
	struct verity_deny deny = {.kind = VERITY_DENY_ROOT_HASH, .digest = {0xdd}};
	const struct verity_denylist denylist = {
		.text = {.number = 7, .entries = &deny, .count = 1}};
	struct verity_floor floor = {.name = "low", .epoch = 3};
	const struct verity_floors floors = {.epochs = &floor, .count = 1};
	const struct verity_policy policy = {.denylist = &denylist,
					     .floors = &floors,
					     .quarantine = &quarantine,
					     .model = "BX-1",
					     .firmware = "5.0",
					     .allow_downgrade = case_->allow_downgrade};
	struct verity_catalog_entry entries[ITEMS_MAX] = {0};
	struct verity_catalog_text text = {.number = 1, .entries = entries};
	struct verity_manifest manifests[ITEMS_MAX] = {0};
	struct update_installed items[ITEMS_MAX] = {0};
	struct update_choice choices[ITEMS_MAX];
	struct verity_error err;
	size_t count = 0;

	for (; text.count < ITEMS_MAX && case_->catalog[text.count].name; text.count++) {
		const struct short_form *from = &case_->catalog[text.count];

		fill(from, &entries[text.count].manifest);
		entries[text.count].id[0] = from->id;
		entries[text.count].rollout = VERITY_ROLLOUT_ALL - from->wait;
	}
	for (; count < ITEMS_MAX && case_->installed[count].name; count++) {
		fill(&case_->installed[count], &manifests[count]);
		items[count] = (struct update_installed){
			.manifest = &manifests[count],
			.accepted = true,
			.wanted = !(case_->unwanted && count == 0)};
		strcpy(items[count].entry.name, case_->installed[count].name);
	}
	check_ok(update_choose(&text, items, count, &policy, case_->serial ?: "SN-0815",
			       choices, &err),
		 &err);
	for (size_t i = 0; i < count; i++) {
		const struct outcome *outcome = &case_->outcomes[i];

		assert_string_equal(choices[i].chosen
					    ? choices[i].chosen->manifest.version
					    : "it stays",
				    outcome->chosen ?: "it stays");
		assert_string_equal(
			choices[i].passed ? choices[i].passed->manifest.version : "none",
			outcome->passed ?: "none");
		if (outcome->passed)
			check_error(&choices[i].why, outcome->code, outcome->message);
		verity_manifest_clear(&manifests[i]);
	}
	for (size_t i = 0; i < text.count; i++)
		verity_manifest_clear(&entries[i].manifest);
}

static void test_choose(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		print_message("%s\n", expectations[i].what);
		check(&expectations[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
