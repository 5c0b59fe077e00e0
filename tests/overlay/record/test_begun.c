/* SPDX-License-Identifier: MIT */
#include "overlay/record/begun.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/record/trials.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

static void test_caution(void **state)
{
	static const struct {
		unsigned begun, limit;
		enum overlay_caution caution;
	} cases[] = {
		{0, 3, OVERLAY_CAUTION_NONE},      {2, 3, OVERLAY_CAUTION_NONE},
		{3, 3, OVERLAY_CAUTION_STRANGERS}, {5, 3, OVERLAY_CAUTION_STRANGERS},
		{6, 3, OVERLAY_CAUTION_DATA},      {9, 3, OVERLAY_CAUTION_DATA},
		{14, 3, OVERLAY_CAUTION_DATA},     {15, 3, OVERLAY_CAUTION_ALL},
		{1000, 3, OVERLAY_CAUTION_ALL},    {1, 1, OVERLAY_CAUTION_STRANGERS},
		{5, 1, OVERLAY_CAUTION_ALL},       {1000, 0, OVERLAY_CAUTION_NONE},
		{499, 100, OVERLAY_CAUTION_DATA},  {500, 100, OVERLAY_CAUTION_ALL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(overlay_begun_caution(cases[i].begun, cases[i].limit),
				 cases[i].caution);
}

/* A careful boot is followed by one that is a step less careful, and no more. */
static void test_after(void **state)
{
	(void)state;
	for (unsigned limit = 1; limit <= 100; limit++)
		for (int caution = OVERLAY_CAUTION_STRANGERS;
		     caution <= OVERLAY_CAUTION_ALL; caution++) {
			unsigned after =
				overlay_begun_after((enum overlay_caution)caution, limit);

			assert_int_equal(overlay_begun_caution(after, limit),
					 caution - 1);
			assert_int_equal(overlay_begun_caution(after + 1, limit),
					 caution);
		}
	assert_int_equal(overlay_begun_after(OVERLAY_CAUTION_NONE, 3), 0);
}

/* In place, so that it costs little, and whatever lies there. */
static void test_file(void **state)
{
	cleanup_fd int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct verity_error err;
	struct stat before, after;

	(void)state;
	assert_int_equal(overlay_begun_load(-1), 0);
	assert_int_equal(overlay_begun_load(here), 0);
	check_ok(overlay_begun_store(here, 7, &err), &err);
	assert_int_equal(overlay_begun_load(here), 7);
	assert_int_equal(stat("begun", &before), 0);
	check_ok(overlay_begun_store(here, 12345, &err), &err);
	assert_int_equal(overlay_begun_load(here), OVERLAY_BEGUN_MAX);
	assert_int_equal(stat("begun", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_size, after.st_size);
	scratch_write("begun", "x");
	assert_int_equal(overlay_begun_load(here), 0);
	scratch_write("begun", "-000001\n");
	assert_int_equal(overlay_begun_load(here), 0);
	scratch_write("begun", "3      \nand more");
	assert_int_equal(overlay_begun_load(here), 0);
	check_ok(overlay_begun_store(here, 2, &err), &err);
	assert_int_equal(overlay_begun_load(here), 2);
	assert_int_equal(unlink("begun"), 0);
	assert_int_equal(mkdir("begun", 0755), 0);
	assert_int_equal(overlay_begun_load(here), 0);
	check_ok(overlay_begun_store(here, 4, &err), &err);
	assert_int_equal(overlay_begun_load(here), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caution),
		cmocka_unit_test(test_after),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
