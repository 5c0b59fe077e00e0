/* SPDX-License-Identifier: MIT */
#include "overlay/store/survey.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define O OVERLAY_ORDINARY
#define P OVERLAY_PERSISTENT

/* A store in a folder of its own. */
struct stores {
	struct overlay_store *store;
	int data, persist;
};

static struct stores stores_new(const char *name)
{
	struct stores stores;
	struct verity_error err;

	assert_int_equal(mkdir(name, 0755), 0);
	assert_int_equal(chdir(name), 0);
	assert_int_equal(mkdir("data", 0755), 0);
	assert_int_equal(mkdir("persist", 0755), 0);
	assert_int_equal(mkdir("data/packages", 0755), 0);
	assert_int_equal(mkdir("persist/packages", 0755), 0);
	stores.data = open("data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	stores.persist = open("persist", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_ok(overlay_store_open(stores.data, stores.persist, &stores.store, &err),
		 &err);
	return stores;
}

static void stores_free(struct stores *stores)
{
	overlay_store_free(stores->store);
	close(stores->data);
	close(stores->persist);
	assert_int_equal(chdir(".."), 0);
}

static void place(const char *path, off_t bytes)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
}

static void place_many(const char *prefix, unsigned count, off_t bytes)
{
	char path[80];

	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "data/packages/%s%06u.wmopkg", prefix, i);
		place(path, bytes);
	}
}

static void check_unlisted(const struct overlay_survey *survey, uint64_t junk,
			   uint64_t links, uint64_t over)
{
	assert_int_equal(survey->unlisted[O].junk, junk);
	assert_int_equal(survey->unlisted[O].links, links);
	assert_int_equal(survey->unlisted[O].over, over);
}

/* By name, first the wanted ones; both stores may have a name. */
static void test_order(void **state)
{
	static const struct overlay_entry first[] = {
		{"z", O}, {"gone", O}, {"m", P}, {"b", O}, {"z", O}};
	static const struct overlay_entry wanted[] = {{"m", P}, {"a", P}, {"z", O},
						      {"b", O}, {"a", O}, {"c", O}};
	struct stores stores = stores_new("order");
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {0};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		char path[80];

		snprintf(path, sizeof(path), "%s/packages/%s.wmopkg",
			 wanted[i].kind == P ? "persist" : "data", wanted[i].name);
		place(path, OVERLAY_SURVEY_BYTES_MIN);
	}
	place("data/packages/.c.wmopkg.new", 100000);
	check_ok(overlay_survey_add(stores.store, P, first, 5, &survey, &err), &err);
	check_ok(overlay_survey_add(stores.store, O, first, 5, &survey, &err), &err);
	assert_int_equal(survey.count, sizeof(wanted) / sizeof(wanted[0]));
	for (size_t i = 0; i < survey.count; i++) {
		assert_string_equal(survey.entries[i].name, wanted[i].name);
		assert_int_equal(survey.entries[i].kind, wanted[i].kind);
	}
	check_unlisted(&survey, 0, 0, 0);
	stores_free(&stores);
}

/* The first few are listed, so that a person sees why; the rest is a number. */
static void test_junk(void **state)
{
	struct stores stores = stores_new("junk");
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {0};
	struct verity_error err;

	(void)state;
	place_many("empty", 100, 0);
	place_many("short", 100, OVERLAY_SURVEY_BYTES_MIN - 1);
	place("data/packages/no-package", 100000);
	place("data/packages/-bad.wmopkg", 100000);
	assert_int_equal(mkdir("data/packages/folder.wmopkg", 0755), 0);
	assert_int_equal(symlink("zz.wmopkg", "data/packages/link.wmopkg"), 0);
	assert_int_equal(mkfifo("data/packages/pipe.wmopkg", 0644), 0);
	place("data/packages/zz.wmopkg", OVERLAY_SURVEY_BYTES_MIN);
	check_ok(overlay_survey_add(stores.store, O, NULL, 0, &survey, &err), &err);
	assert_int_equal(survey.count, OVERLAY_SURVEY_JUNK_MAX + 1);
	assert_string_equal(survey.entries[0].name, "empty000000");
	assert_string_equal(survey.entries[survey.count - 1].name, "zz");
	check_unlisted(&survey, 205 - OVERLAY_SURVEY_JUNK_MAX, 0, 0);
	stores_free(&stores);
}

static void test_links(void **state)
{
	static const struct overlay_entry first[] = {{"zzz", O}};
	struct stores stores = stores_new("links");
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {0};
	struct verity_error err;
	char path[80];

	(void)state;
	place("data/packages/zzz.wmopkg", OVERLAY_SURVEY_BYTES_MIN);
	place("data/packages/other.wmopkg", OVERLAY_SURVEY_BYTES_MIN);
	for (unsigned i = 0; i < 600; i++) {
		snprintf(path, sizeof(path), "data/packages/link%u.wmopkg", i);
		assert_int_equal(link("data/packages/zzz.wmopkg", path), 0);
	}
	check_ok(overlay_survey_add(stores.store, O, first, 1, &survey, &err), &err);
	assert_int_equal(survey.count, 2);
	assert_string_equal(survey.entries[0].name, "zzz");
	assert_string_equal(survey.entries[1].name, "other");
	check_unlisted(&survey, 0, 600, 0);
	stores_free(&stores);
}

/* Whatever there is, the wanted ones are in the list, and the list has its limit. */
static void test_many(void **state)
{
	static const struct overlay_entry first[] = {{"wanted", O}, {"wanted-short", O}};
	struct stores stores = stores_new("many");
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {0};
	struct verity_error err;

	(void)state;
	place_many("a", OVERLAY_SURVEY_LOOKED_MAX, 0);
	place_many("b", 2000, OVERLAY_SURVEY_BYTES_MIN);
	place("data/packages/wanted.wmopkg", OVERLAY_SURVEY_BYTES_MIN);
	place("data/packages/wanted-short.wmopkg", 1);
	check_ok(overlay_survey_add(stores.store, O, first, 2, &survey, &err), &err);
	assert_int_equal(survey.count, OVERLAY_SURVEY_JUNK_MAX + 1);
	assert_string_equal(survey.entries[0].name, "wanted");
	assert_string_equal(survey.entries[1].name, "wanted-short");
	check_unlisted(&survey, OVERLAY_SURVEY_LOOKED_MAX - OVERLAY_SURVEY_JUNK_MAX + 1,
		       0, 2000);
	overlay_survey_free(&survey);
	assert_int_equal(system("find data/packages -name 'a*' -delete"), 0);
	check_ok(overlay_survey_add(stores.store, O, first, 2, &survey, &err), &err);
	assert_int_equal(survey.count, OVERLAY_SURVEY_ENTRIES_MAX);
	assert_string_equal(survey.entries[2].name, "b000000");
	check_unlisted(&survey, 0, 0, 2002 - OVERLAY_SURVEY_ENTRIES_MAX);
	stores_free(&stores);
}

/* A store without a folder is empty; one store says nothing of the other. */
static void test_missing(void **state)
{
	struct stores stores = stores_new("missing");
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {0};
	struct overlay_store *store = NULL;
	struct verity_error err;

	(void)state;
	place("data/packages/a.wmopkg", OVERLAY_SURVEY_BYTES_MIN);
	check_ok(overlay_store_open(stores.data, -1, &store, &err), &err);
	check_ok(overlay_survey_add(store, P, NULL, 0, &survey, &err), &err);
	assert_int_equal(survey.count, 0);
	check_ok(overlay_survey_add(store, O, NULL, 0, &survey, &err), &err);
	assert_int_equal(survey.count, 1);
	overlay_store_free(store);
	stores_free(&stores);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),   cmocka_unit_test(test_junk),
		cmocka_unit_test(test_links),   cmocka_unit_test(test_many),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
