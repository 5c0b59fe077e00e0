/* SPDX-License-Identifier: MIT */
#include "installer/device/forecast.h"
#include "tests/check.h"

/* What the judge says of a front: '+' accepted, '-' not, ' ' it cannot be read. */
static const struct {
	bool active;
	char here, there;
	const char *wanted;
	const char *reason; /* "" where it would be active */
} cases[] = {
	{true, '+', '+', "stays", ""},
	{true, '+', '-', "stops", "there"},
	{false, '-', '+', "starts", ""},
	{false, '-', '-', "stays-out", "there"},
	/* out for what the front does not tell: its image, its store */
	{false, '+', '+', "stays-out", "now"},
	{false, '+', '-', "stays-out", "there"},
	{false, ' ', ' ', "stays-out", "now"},
	/* replaced in this very moment */
	{true, ' ', ' ', "stays", "now"},
	{true, '-', '+', "stays", ""},
};

static void set(char sign, const char *message, struct verity_outlook *outlook)
{
	*outlook = (struct verity_outlook){.accepted = sign == '+'};
	if (sign == '-')
		verity_fail(&outlook->reason, VERITY_E_WRONG_FIRMWARE, "%s", message);
}

static void test_plan(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_outlook here, there;
		struct verity_error reason = {.code = VERITY_OK}, told;
		struct forecast_now now = {.active = cases[i].active, .reason = &reason};
		enum forecast forecast;

		verity_fail(&reason, VERITY_E_IO, "now");
		set(cases[i].here, "here", &here);
		set(cases[i].there, "there", &there);
		now.here = cases[i].here == ' ' ? NULL : &here;
		now.there = cases[i].there == ' ' ? NULL : &there;
		forecast = forecast_plan(&now, &told);
		assert_string_equal(forecast_name(forecast), cases[i].wanted);
		assert_string_equal(told.code == VERITY_OK ? "" : told.message,
				    cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
