/* SPDX-License-Identifier: MIT */
#include "factory/reset_plan.h"

#include <stdio.h>

#include "tests/check.h"

/* What a device can do, which of its steps fail, and the steps it takes. */
struct course {
	const char *means;  /* r: repair, m: make, d: discard, p: purge */
	const char *failed; /* names, each between blanks */
	const char *wanted;
};

static const struct course courses[] = {
	{"", "", "erase trials note obey close done"},
	{"rmd", "", "erase discard trials note obey close done"},
	{"rm", " erase ", "erase repair erase-again trials note obey close done"},
	{"rm", " erase repair ", "erase repair make trials note obey close done"},
	{"rm", " erase erase-again ",
	 "erase repair erase-again make trials note obey close done"},
	{"rm", " erase erase-again make ", "erase repair erase-again make stuck"},
	{"m", " erase ", "erase make trials note obey close done"},
	{"m", " erase make ", "erase make stuck"},
	{"r", " erase ", "erase repair erase-again trials note obey close done"},
	{"r", " erase repair ", "erase repair stuck"},
	{"r", " erase erase-again ", "erase repair erase-again stuck"},
	{"", " erase ", "erase stuck"},
	{"d", " discard ", "erase discard trials note obey close done"},
	{"", " trials ", "erase trials note obey close done"},
	{"", " note ", "erase trials note obey close done"},
	{"", " obey ", "erase trials note obey stuck"},
	{"", " close ", "erase trials note obey close stuck"},
	{"p", "", "erase purge trials note obey close done"},
	{"rmdp", "", "erase discard purge trials note obey close done"},
	{"dp", " discard ", "erase discard purge trials note obey close done"},
	{"rmp", " erase erase-again ",
	 "erase repair erase-again make purge trials note obey close done"},
	{"mp", " erase make ", "erase make stuck"},
	{"dp", " purge ", "erase discard purge stuck"},
};

static const char *name_of(enum factory_step step)
{
	if (step == FACTORY_DONE)
		return "done";
	return step == FACTORY_STUCK ? "stuck" : factory_steps[step].name;
}

static void run_course(const struct course *course, enum factory_step step,
		       char ret[static 256])
{
	const struct factory_means means = {
		.repair = strchr(course->means, 'r'),
		.make = strchr(course->means, 'm'),
		.discard = strchr(course->means, 'd'),
		.purge = strchr(course->means, 'p'),
	};
	char failed[32];

	ret[0] = '\0';
	while (step < FACTORY_STEPS) {
		size_t used = strlen(ret);

		snprintf(failed, sizeof(failed), " %s ", name_of(step));
		step = factory_plan_next(step, !strstr(course->failed, failed), &means);
		snprintf(ret + used, 256 - used, "%s%s", used ? " " : "", name_of(step));
	}
}

static void test_courses(void **state)
{
	char taken[256];

	(void)state;
	for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++) {
		run_course(&courses[i], FACTORY_ASKED, taken);
		assert_string_equal(taken, courses[i].wanted);
	}
}

/* Cut off in any step, a reset ends with the same steps. */
static void test_resumed(void **state)
{
	char whole[256], rest[256];

	(void)state;
	for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++) {
		run_course(&courses[i], FACTORY_ASKED, whole);
		for (int step = FACTORY_ERASE; step < FACTORY_STEPS; step++) {
			const char *at = strstr(whole, factory_steps[step].name);

			if (!at)
				continue;
			run_course(&courses[i], (enum factory_step)step, rest);
			assert_string_equal(strchr(at, ' ') + 1, rest);
		}
	}
}

/* Whoever wrote the journal: nothing that it says leaves DATA as it is. */
static void test_journal_is_a_hint(void **state)
{
	(void)state;
	assert_int_equal(factory_plan_resume(FACTORY_ASKED), FACTORY_ERASE);
	for (int step = FACTORY_ERASE; step <= FACTORY_MAKE; step++)
		assert_int_equal(factory_plan_resume((enum factory_step)step), step);
	for (int step = FACTORY_DISCARD; step < FACTORY_STEPS; step++)
		assert_int_equal(factory_plan_resume((enum factory_step)step),
				 FACTORY_ERASE);
}

static void test_wipes(void **state)
{
	(void)state;
	for (int step = FACTORY_ASKED; step < FACTORY_STEPS; step++)
		assert_int_equal(factory_step_wipes((enum factory_step)step),
				 step <= FACTORY_MAKE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_courses),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_journal_is_a_hint),
		cmocka_unit_test(test_wipes),
	};

	return cmocka_run_group_tests_name("factory/reset_plan", tests, NULL, NULL);
}
