/* SPDX-License-Identifier: MIT */
#include "overlay/store/relations.h"
#include "tests/check.h"

#include <stdio.h>
#include <time.h>

#define ITEMS_MAX 6
#define WORDS_MAX 4

/* NULL ends a list */
struct item {
	const char *name, *identity, *version;
	const char *needs[WORDS_MAX], *conflicts[WORDS_MAX];
	const char *flags; /* P: persistent; G: good; U: not trusted; X: not active */
	int priority;
	const char *reason; /* wanted: why it is left out; NULL: it is active */
};

#define QUARANTINED "it was left out after boots that were not completed"

static const struct item cases[][ITEMS_MAX] = {
	{{NULL}},
	{{"a", "a", "1", {NULL}, {NULL}, ""}, {"b", "b", "1", {NULL}, {NULL}, ""}},
	/* a chain: the whole of it is there, or what needs the missing end goes with it
	 */
	{{"a", "a", "1", {"b"}, {NULL}, ""},
	 {"b", "b", "1", {"c"}, {NULL}, ""},
	 {"c", "c", "1", {NULL}, {NULL}, ""}},
	{{"a",
	  "a",
	  "1",
	  {"b"},
	  {NULL},
	  "",
	  0,
	  "it needs b, which is not active: it needs c, which is not installed"},
	 {"b", "b", "1", {"c"}, {NULL}, "", 0, "it needs c, which is not installed"},
	 {"d", "d", "1", {NULL}, {NULL}, ""}},
	{{"c",
	  "c",
	  "1",
	  {"d"},
	  {NULL},
	  "",
	  0,
	  "it needs d, which is not active: it needs e, which is not installed"},
	 {"b",
	  "b",
	  "1",
	  {"c"},
	  {NULL},
	  "",
	  0,
	  "it needs c, which is not active: d: it needs e, which is not installed"},
	 {"d", "d", "1", {"e"}, {NULL}, "", 0, "it needs e, which is not installed"}},
	/* a circle is active as a whole, or not at all */
	{{"a", "a", "1", {"b"}, {NULL}, ""}, {"b", "b", "1", {"a"}, {NULL}, ""}},
	{{"a", "a", "1", {"b", "x"}, {NULL}, "", 0, "it needs x, which is not installed"},
	 {"b",
	  "b",
	  "1",
	  {"a"},
	  {NULL},
	  "",
	  0,
	  "it needs a, which is not active: it needs x, which is not installed"}},
	/* versions, by the manifest: not as text, and the name of the file counts for
	 * nothing but the message */
	{{"a", "a", "1", {"b>=5.9"}, {NULL}, ""}, {"b", "b", "5.10", {NULL}, {NULL}, ""}},
	{{"a",
	  "a",
	  "1",
	  {"b>=5.10"},
	  {NULL},
	  "",
	  0,
	  "it needs b>=5.10, and b has version 5.9"},
	 {"b", "b", "5.9", {NULL}, {NULL}, ""}},
	{{"a",
	  "a",
	  "1",
	  {"b>=2"},
	  {NULL},
	  "",
	  0,
	  "it needs b>=2, and b has version 2~rc1"},
	 {"b", "b", "2~rc1", {NULL}, {NULL}, ""}},
	{{"a", "a", "1", {"b>=99999999999999999999999999"}, {NULL}, ""},
	 {"b", "b", "99999999999999999999999999", {NULL}, {NULL}, ""}},
	{{"a",
	  "a",
	  "1",
	  {"b>=1"},
	  {NULL},
	  "",
	  0,
	  "it needs b>=1, and b has version 0 (installed as x)"},
	 {"x", "b", "0", {NULL}, {NULL}, ""}},
	{{"a", "a", "1", {"b"}, {NULL}, "", 0, "it needs b, which is not installed"},
	 {"b", "x", "1", {NULL}, {NULL}, ""}},
	/* one that is not active meets nothing; of two files of one identity the one that
	 * counts does or does not */
	{{"a",
	  "a",
	  "1",
	  {"b>=1"},
	  {NULL},
	  "P",
	  0,
	  "it needs b>=1, which is not active: " QUARANTINED},
	 {"b", "b", "1", {NULL}, {NULL}, "X"}},
	{{"a", "a", "1", {"b>=2"}, {NULL}, "", 0, "it needs b>=2, and b has version 1"},
	 {"b", "b", "1", {NULL}, {NULL}, "P"},
	 {"c", "b", "2", {NULL}, {NULL}, "X"}},
	{{"a", "a", "1", {"b>=2"}, {NULL}, ""},
	 {"b", "b", "1", {NULL}, {NULL}, "X"},
	 {"c", "b", "2", {NULL}, {NULL}, ""}},
	/* what is only allowed is active all the same */
	{{"a", "a", "1", {"b"}, {NULL}, ""}, {"b", "b", "1", {NULL}, {NULL}, "U"}},
#define LOSES(kind, name, where)                                                         \
	"it conflicts with the " kind " package '" name "', version 1, which stays "     \
	"active; this is in " where
	/* alike: the one that names the other goes; if both do, the lower one */
	{{"b",
	  "b",
	  "1",
	  {NULL},
	  {"a"},
	  "",
	  9,
	  LOSES("ordinary", "a", "its own manifest")},
	 {"a", "a", "1", {NULL}, {NULL}, ""}},
	{{"b", "b", "1", {NULL}, {"a"}, ""},
	 {"a", "a", "1", {NULL}, {"b"}, "", 0, LOSES("ordinary", "b", "both manifests")}},
	{{"b", "b", "1", {NULL}, {"a"}, "", 0, LOSES("ordinary", "a", "both manifests")},
	 {"a", "a", "1", {NULL}, {"b"}, "", 1}},
	/* what lost to one that is left out itself is back, and so is what needs it */
	{{"a", "a", "1", {NULL}, {"e"}, ""},
	 {"c", "c", "1", {"a"}, {NULL}, ""},
	 {"d", "d", "1", {NULL}, {NULL}, ""},
	 {"e",
	  "e",
	  "1",
	  {"f"},
	  {NULL},
	  "",
	  0,
	  "it needs f, which is not active: " LOSES("ordinary", "d", "its own manifest")},
	 {"f",
	  "f",
	  "1",
	  {NULL},
	  {"d"},
	  "",
	  0,
	  LOSES("ordinary", "d", "its own manifest")}},
	/* an ordinary one goes, whoever names whom; then one that is not in the good set
	 */
	{{"a", "a", "1", {NULL}, {"b"}, "P"},
	 {"b",
	  "b",
	  "1",
	  {NULL},
	  {NULL},
	  "G",
	  9,
	  LOSES("persistent", "a", "the manifest of the other")}},
	{{"a", "a", "1", {NULL}, {"b"}, "G"},
	 {"b",
	  "b",
	  "1",
	  {NULL},
	  {NULL},
	  "",
	  9,
	  LOSES("ordinary", "a", "the manifest of the other")}},
	/* one that is not signed goes, wherever it lies */
	{{"a", "a", "1", {NULL}, {"b"}, ""},
	 {"b",
	  "b",
	  "1",
	  {NULL},
	  {NULL},
	  "PGU",
	  9,
	  LOSES("ordinary", "a", "the manifest of the other")}},
	{{"a", "a", "1", {NULL}, {NULL}, ""},
	 {"b",
	  "b",
	  "1",
	  {NULL},
	  {"a"},
	  "PGU",
	  9,
	  LOSES("ordinary", "a", "its own manifest")}},
	/* one that is not active conflicts with nothing */
	{{"a", "a", "1", {NULL}, {"b"}, ""}, {"b", "b", "1", {NULL}, {NULL}, "X"}},
	/* three that exclude each other, in a circle */
	{{"a",
	  "a",
	  "1",
	  {NULL},
	  {"b"},
	  "",
	  0,
	  LOSES("ordinary", "c", "the manifest of the other")},
	 {"b",
	  "b",
	  "1",
	  {NULL},
	  {"c"},
	  "",
	  0,
	  LOSES("ordinary", "c", "its own manifest")},
	 {"c", "c", "1", {NULL}, {"a"}, ""}},
	/* what loses to one that loses itself stays */
	{{"a", "a", "1", {NULL}, {"b"}, "P"},
	 {"b",
	  "b",
	  "1",
	  {NULL},
	  {"c"},
	  "G",
	  0,
	  LOSES("persistent", "a", "the manifest of the other")},
	 {"c", "c", "1", {NULL}, {NULL}, ""}},
	/* and so does what loses to one that lacks a need: from the beginning, or as that
	 * lost a conflict */
	{{"a", "a", "1", {"x"}, {"b"}, "P", 0, "it needs x, which is not installed"},
	 {"b", "b", "1", {NULL}, {NULL}, ""}},
	{{"y",
	  "y",
	  "1",
	  {"b"},
	  {NULL},
	  "G",
	  0,
	  "it needs b, which is not active: " LOSES("persistent", "c",
						    "the manifest of the other")},
	 {"a", "a", "1", {NULL}, {"y"}, ""},
	 {"b",
	  "b",
	  "1",
	  {NULL},
	  {NULL},
	  "",
	  0,
	  LOSES("persistent", "c", "the manifest of the other")},
	 {"c", "c", "1", {NULL}, {"b"}, "P"}},
	/* what needs the loser of a conflict goes with it, persistent or not */
	{{"a",
	  "a",
	  "1",
	  {"b"},
	  {NULL},
	  "PG",
	  0,
	  "it needs b, which is not active: " LOSES("persistent", "c",
						    "its own manifest")},
	 {"b",
	  "b",
	  "1",
	  {NULL},
	  {"c"},
	  "G",
	  0,
	  LOSES("persistent", "c", "its own manifest")},
	 {"c", "c", "1", {NULL}, {NULL}, "P"}},
};

struct made {
	struct verity_manifest manifests[ITEMS_MAX];
	struct verity_need needs[ITEMS_MAX][WORDS_MAX];
	char conflicts[ITEMS_MAX][WORDS_MAX][VERITY_NAME_MAX + 1];
	struct verity_error reasons[ITEMS_MAX];
	struct overlay_related items[ITEMS_MAX];
	size_t count;
};

static void make_one(const struct item *from, struct made *made, size_t index)
{
	struct verity_manifest *manifest = &made->manifests[index];
	struct overlay_related *item = &made->items[index];
	bool active = !strchr(from->flags, 'X');

	*manifest = (struct verity_manifest){.priority = from->priority,
					     .needs = made->needs[index],
					     .conflicts = made->conflicts[index]};
	for (; from->needs[manifest->needs_count]; manifest->needs_count++)
		assert_true(verity_need_parse(from->needs[manifest->needs_count],
					      &manifest->needs[manifest->needs_count]));
	for (; from->conflicts[manifest->conflicts_count]; manifest->conflicts_count++)
		strcpy(manifest->conflicts[manifest->conflicts_count],
		       from->conflicts[manifest->conflicts_count]);
	made->reasons[index] = (struct verity_error){.code = VERITY_OK};
	if (!active)
		verity_fail(&made->reasons[index], VERITY_E_QUARANTINED, QUARANTINED);
	*item = (struct overlay_related){
		.entry.kind =
			strchr(from->flags, 'P') ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY,
		.identity = from->identity,
		.version = from->version,
		.manifest = active ? manifest : NULL,
		.trusted = !strchr(from->flags, 'U'),
		.good = strchr(from->flags, 'G'),
		.active = active,
		.reason = &made->reasons[index],
	};
	strcpy(item->entry.name, from->name);
}

/* @backwards: the order in which they are given decides nothing */
static void check_case(size_t number, bool backwards)
{
	const struct item *given = cases[number];
	struct made made = {.count = 0};
	struct verity_error err;

	while (made.count < ITEMS_MAX && given[made.count].name)
		made.count++;
	for (size_t i = 0; i < made.count; i++)
		make_one(&given[backwards ? made.count - 1 - i : i], &made, i);
	check_ok(overlay_relations_settle(made.items, made.count, &err), &err);
	for (size_t i = 0; i < made.count; i++) {
		const struct item *wanted = &given[backwards ? made.count - 1 - i : i];
		bool active = !wanted->reason && !strchr(wanted->flags, 'X');
		const char *reason = active                       ? ""
				     : strchr(wanted->flags, 'X') ? QUARANTINED
								  : wanted->reason;

		if (made.items[i].active != active ||
		    strcmp(made.reasons[i].message, reason) != 0)
			fail_msg("case %zu, %s: active: %d, '%s' instead of '%s'", number,
				 wanted->name, made.items[i].active,
				 made.reasons[i].message, reason);
		if (wanted->reason)
			assert_int_equal(made.reasons[i].code,
					 strncmp(reason, "it needs", 8) == 0
						 ? VERITY_E_MISSING_NEED
						 : VERITY_E_CONFLICT);
	}
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_case(i, false);
		check_case(i, true);
	}
}

/* What two stores may have, and each names as many as it may. */
#define MANY 2048

struct many {
	struct verity_manifest manifests[MANY];
	struct verity_need needs[MANY][VERITY_NEEDS_MAX];
	char conflicts[MANY][VERITY_NEEDS_MAX][VERITY_NAME_MAX + 1];
	char identities[MANY][VERITY_NAME_MAX + 1];
	struct verity_error reasons[MANY];
	struct overlay_related items[MANY];
};

static struct many *make_many(size_t count)
{
	struct many *many = test_calloc(1, sizeof(*many));

	for (size_t i = 0; i < count; i++) {
		snprintf(many->identities[i], sizeof(many->identities[i]), "p%04zu", i);
		many->manifests[i].needs = many->needs[i];
		many->manifests[i].conflicts = many->conflicts[i];
		many->items[i] = (struct overlay_related){
			.identity = many->identities[i],
			.version = "1",
			.manifest = &many->manifests[i],
			.trusted = true,
			.active = true,
			.reason = &many->reasons[i],
		};
		strcpy(many->items[i].entry.name, many->identities[i]);
	}
	return many;
}

static size_t settle_many(struct many *many, size_t count)
{
	struct timespec start, end;
	struct verity_error err;
	size_t active = 0;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	check_ok(overlay_relations_settle(many->items, count, &err), &err);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	for (size_t i = 0; i < count; i++)
		active += many->items[i].active;
	/* A step of the boot; seconds also on a slow processor, and with sanitizers. */
	assert_true(end.tv_sec - start.tv_sec < 5);
	return active;
}

/* Each needs the 64 before it; the first one needs what is not there. */
static void test_long_chain(void **state)
{
	(void)state;
	for (int missing = 0; missing < 2; missing++) {
		struct many *many = make_many(MANY);

		for (size_t i = 0; i < MANY; i++)
			for (size_t k = 1; k <= VERITY_NEEDS_MAX && k <= i; k++) {
				struct verity_manifest *manifest = &many->manifests[i];
				struct verity_need *need =
					&manifest->needs[manifest->needs_count++];

				strcpy(need->name, many->identities[i - k]);
				strcpy(need->version, "1");
			}
		if (missing) {
			strcpy(many->needs[0][0].name, "missing");
			many->manifests[0].needs_count = 1;
		}
		assert_int_equal(settle_many(many, MANY), missing ? 0 : MANY);
		if (missing)
			assert_string_equal(many->reasons[0].message,
					    "it needs missing, which is not installed");
		test_free(many);
	}
}

/* Each conflicts with the 64 behind it, in a circle; then each of 300 with its pair. */
static void test_many_conflicts(void **state)
{
	struct many *many = make_many(MANY);
	size_t active;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		for (size_t k = 0; k < VERITY_NEEDS_MAX; k++) {
			many->manifests[i].conflicts_count = VERITY_NEEDS_MAX;
			strcpy(many->conflicts[i][k],
			       many->identities[(i + k + 1) % MANY]);
		}
	active = settle_many(many, MANY);
	assert_int_equal(active, MANY / (VERITY_NEEDS_MAX + 1));
	test_free(many);

	many = make_many(300);
	for (size_t i = 0; i < 300; i += 2) {
		many->manifests[i].conflicts_count = 1;
		strcpy(many->conflicts[i][0], many->identities[i + 1]);
	}
	assert_int_equal(settle_many(many, 300), 150);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(many->items[i].active, i % 2);
	test_free(many);
}

/*
 * Made so that each round lets another package fall: i conflicts with i + 1, which needs
 * the one before it. Whatever the answer is, nothing in it conflicts or lacks a need.
 */
static void test_rounds(void **state)
{
	struct many *many = make_many(300);

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		if (i + 1 < 300) {
			many->manifests[i].conflicts_count = 1;
			strcpy(many->conflicts[i][0], many->identities[i + 1]);
		}
		if (i >= 2) {
			many->manifests[i].needs_count = 1;
			strcpy(many->needs[i][0].name, many->identities[i - 2]);
		}
	}
	assert_true(settle_many(many, 300) > 0);
	for (size_t i = 0; i < 300; i++) {
		if (!many->items[i].active)
			continue;
		assert_true(i < 2 || many->items[i - 2].active);
		assert_true(i + 1 == 300 || !many->items[i + 1].active);
	}
	test_free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_long_chain),
		cmocka_unit_test(test_many_conflicts),
		cmocka_unit_test(test_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
