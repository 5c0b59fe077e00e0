/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "installer/grammar/grammar.h"

struct text {
	char *bytes; /* 0-terminated, never longer than @size */
	size_t size;
};

static void __attribute__((format(printf, 2, 3)))
add(const struct text *text, const char *format, ...)
{
	size_t used = strlen(text->bytes);
	va_list args;

	va_start(args, format);
	vsnprintf(text->bytes + used, text->size - used, format, args);
	va_end(args);
}

static void add_word(const struct text *text, enum word word)
{
	const struct word_info *info = word_info(word);

	if (info->keyword)
		add(text, "%s%s", info->keyword, info->value ? " " : "");
	if (info->value)
		add(text, "%s", info->value);
}

void grammar_synopsis(const struct form *form, char *ret, size_t size)
{
	const struct text text = {ret, size};
	bool open = false;

	ret[0] = '\0';
	for (const struct form_word *word = form->words; word->word; word++) {
		const struct form_word *last = word;

		if (!open) {
			while (last->place & PLACE_OR_NEXT)
				last++;
			add(&text, "%s", word > form->words ? " " : "");
			if (last->place & PLACE_OPTIONAL)
				add(&text, "[");
		}
		add_word(&text, word->word);
		open = word->place & PLACE_OR_NEXT;
		if (open)
			add(&text, " | ");
		else if (word->place & PLACE_OPTIONAL)
			add(&text, "]");
	}
}

static void describe_option(const struct text *text, const struct grammar_option *option)
{
	const struct word_info *info = word_info(option->word);

	add(text, "%s", option->value ? info->value : info->keyword);
}

void grammar_describe(const struct grammar_next *next, char *ret, size_t size)
{
	const struct text text = {ret, size};
	size_t count = next->count + (next->end ? 1 : 0);

	ret[0] = '\0';
	for (size_t i = 0; i < next->count; i++) {
		if (i > 0)
			add(&text, i + 1 == count ? " or " : ", ");
		describe_option(&text, &next->options[i]);
	}
	if (next->end)
		add(&text, "%s", next->count ? " or nothing more" : "nothing more");
}
