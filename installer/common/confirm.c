/* SPDX-License-Identifier: MIT */

/* Asks for confirmation on the terminal. */

#include "installer/common/confirm.h"

#include <stdio.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "installer/common/prompt.h"
#include "verity/util/cleanup.h"

int confirm(const char *command, const char *question, const char *declined,
	    struct verity_error *err)
{
	/* Who types sees it, also where the output goes to a file. */
	bool aside = isatty(STDIN_FILENO) && !isatty(STDOUT_FILENO);
	const struct layout layout = layout_of(aside ? STDERR_FILENO : STDOUT_FILENO);
	cleanup_free char *text = NULL;

	if (asprintf(&text, "%s (y/N)?", question) < 0)
		return verity_no_memory(err);
	layout_put(aside ? stderr : stdout, &layout, 0, text);
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
