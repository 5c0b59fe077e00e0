/* SPDX-License-Identifier: MIT */

/* Asks for confirmation on the terminal. */

#include "installer/common/confirm.h"

#include <stdio.h>

#include "installer/common/prompt.h"

int confirm(const char *command, const char *question, const char *declined,
	    struct verity_error *err)
{
	printf("%s (y/N)?", question);
	switch (prompt_answer()) {
	case PROMPT_YES:
		return 1;
	case PROMPT_NO:
		puts(declined);
		return 0;
	default:
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "%s: there is no terminal to ask on (to continue "
				   "without asking: --yes)",
				   command);
	}
}
