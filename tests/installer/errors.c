/* SPDX-License-Identifier: MIT */

/* Prints all error codes, a line each, tab-separated, for test_errors.py. */

#include <stdio.h>

#include "installer/common/exitstatus.h"

#define PRINT(code, name, meaning, hint)                                                 \
	printf("%s\t%s\t%d\t%s\t%s\n", #code, name,                                      \
	       (int)exit_status_of(VERITY_E_##code), meaning,                            \
	       verity_code_hint(VERITY_E_##code) ?: "");

int main(void)
{
	VERITY_ERRORS(PRINT)
	return 0;
}
