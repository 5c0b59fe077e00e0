/* SPDX-License-Identifier: MIT */
#include "installer/commands/reserved_names.h"

#include <string.h>

#include "installer/shell/command.h"

static bool takes_name(const struct command *command)
{
	for (const struct form *const *form = command->forms; *form; form++)
		for (size_t i = 0; (*form)->words[i].word != WORD_NONE; i++)
			if ((*form)->words[i].word == WORD_NAME)
				return true;
	return false;
}

static bool reads_as_name(const struct command *command, const char *name)
{
	char *const argv[] = {(char *)(uintptr_t)name, NULL};
	struct grammar_next unused;
	struct words words;
	int bad;

	return grammar_match(command->forms, 1, argv, &words, &bad, &unused) == 0 &&
	       words_has(&words, WORD_NAME);
}

int reserved_check(const char *name, struct verity_error *err)
{
	for (size_t i = 0; command_at(i); i++)
		if (takes_name(command_at(i)) && !reads_as_name(command_at(i), name))
			return verity_fail(err, VERITY_E_BAD_NAME,
					   "'%s' is a word of the commands, not a name "
					   "a package may have",
					   name);
	return 0;
}
