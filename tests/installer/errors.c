/* SPDX-License-Identifier: MIT */

/* Prints all error codes, a line each, tab-separated, for test_errors.py. */

#include <stdio.h>

#include "verity/util/error.h"

#define PRINT(code, name, errno_value, exit_status, meaning, hint)                       \
	printf("%s\t%s\t%d\t%s\t%s\n", #code, name, (int)exit_status, meaning,           \
	       verity_code_hint(VERITY_E_##code) ?: "");

int main(void)
{
	VERITY_ERRORS(PRINT)
	return 0;
}
