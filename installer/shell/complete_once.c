/* SPDX-License-Identifier: MIT */

/* `wmopkg complete -- WORDS`: completes the command line of wmopkg for the system's
 * shell. */

#include "installer/shell/complete_once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/grammar/split_words.h"
#include "installer/shell/complete.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define CONFIG "--config"

/*
 * The system's shell inserts what all words have in common: where that would be something
 * that is only to be shown, it is left out.
 */
static enum exit_status print(int r, struct candidates *found, const char *before)
{
	bool differ = false;

	if (r < 0)
		return STATUS_FAILED;
	for (size_t i = 1; i < found->count; i++)
		differ = differ || found->items[i].text[0] != found->items[0].text[0];
	for (size_t i = 0; i < found->count; i++)
		if (differ || !found->items[i].shown)
			printf("%s%s\n", before, found->items[i].text);
	candidates_free(found);
	return STATUS_DONE;
}

/* The options of the program come before the command. */
static enum exit_status complete_words(int count, char *const *words)
{
	static const char *const options[] = {CONFIG, "--debug", "--help", "--version"};
	struct complete_at at = {.context = COMMAND_ONCE, .begin = words[count - 1]};
	const size_t name = strlen(CONFIG "=");
	struct candidates found;
	struct verity_error unused;
	int last = count - 1;

	for (int i = 0; i < count; i++) {
		const char *word = words[i];
		bool given = verity_text_begins(word, CONFIG "=");

		if (given && i == last)
			return print(complete_paths(word + name, &found, &unused), &found,
				     CONFIG "=");
		if (i == last && word[0] == '-') {
			for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++)
				if (verity_text_begins(options[k], word))
					puts(options[k]);
			return STATUS_DONE;
		}
		if (strcmp(word, "--debug") == 0)
			continue;
		if (!given && strcmp(word, CONFIG) != 0) {
			at.words = words + i;
			at.count = last - i;
			/* Who types a '-' asks for one. */
			at.scripts = at.begin[0] == '-';
			return print(complete_find(&at, &found, &unused), &found, "");
		}
		if (!given && ++i == last)
			return print(complete_paths(words[i], &found, &unused), &found,
				     "");
		at.config = given ? word + name : words[i];
	}
	return STATUS_DONE;
}

enum exit_status complete_once(int argc, char *const *argv)
{
	cleanup_free char **words = calloc((size_t)argc + 1, sizeof(char *));
	enum exit_status status = STATUS_FAILED;
	struct verity_error unused;
	int count = 0;

	for (; words && count < argc; count++) {
		cleanup_with(line_free) struct line line = {.count = 0};
		const char *typed = argv[count];

		/* What is not one word was not typed, but inserted as it is. */
		if (line_split(typed, strlen(typed), &line, &unused) == 0 &&
		    line.count == 1)
			typed = line.words[0];
		words[count] = strdup(typed);
		if (!words[count])
			break;
	}
	if (words && count == argc)
		status = complete_words(count, words);
	while (count > 0)
		free(words[--count]);
	return status;
}
