/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "tests/check.h"
#include "verity/util/passing.h"

static void test_table(void **state)
{
	static const struct {
		int errno_value;
		bool passes;
	} table[] = {
		{ENOMEM, true},   {EMFILE, true},   {ENFILE, true},  {EAGAIN, true},
		{EINTR, true},    {EIO, true},      {0, false},      {ENOENT, false},
		{EBADMSG, false}, {EUCLEAN, false}, {EINVAL, false}, {EACCES, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(verity_errno_passes(-table[i].errno_value),
				 table[i].passes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
