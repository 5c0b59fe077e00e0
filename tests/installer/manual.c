/* SPDX-License-Identifier: MIT */

/* Prints the synopsis of all commands as mdoc(7) has it, for test_manual.py. */

#include <stdio.h>
#include <string.h>

#include "installer/shell/command.h"

/* "<label>" is set in italics instead. */
static void print_value(const char *value)
{
	size_t size = strlen(value);

	if (value[0] == '<')
		printf("Ar %.*s", (int)size - 2, value + 1);
	else
		printf("Ar %s", value);
}

static void print_word(enum word word)
{
	const struct word_info *info = word_info(word);

	if (info->keyword && info->keyword[0] == '-')
		printf("Fl %s", info->keyword + 1);
	else if (info->keyword)
		printf("Cm %s", info->keyword);
	if (info->keyword && info->value)
		putchar(' ');
	if (info->value)
		print_value(info->value);
}

static void print_form(const char *name, const struct form *form)
{
	printf(".Nm\n.Cm %s\n", name);
	for (const struct form_word *word = form->words; word->word; word++) {
		const struct form_word *last = word;

		while (last->flags & FORM_OR_NEXT)
			last++;
		fputs(last->flags & FORM_OPTIONAL ? ".Op " : ".", stdout);
		for (; word < last; word++) {
			print_word(word->word);
			fputs(" | ", stdout);
		}
		print_word(word->word);
		putchar('\n');
	}
}

int main(void)
{
	for (size_t i = 0; command_at(i); i++)
		/* The shell's own words mean nothing elsewhere. */
		for (size_t k = 0;
		     command_at(i)->contexts & COMMAND_ONCE && command_at(i)->forms[k];
		     k++)
			print_form(command_at(i)->name, command_at(i)->forms[k]);
	return 0;
}
