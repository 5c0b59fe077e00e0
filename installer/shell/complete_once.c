/* SPDX-License-Identifier: MIT */
#include "installer/shell/complete_once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/grammar/split_words.h"
#include "installer/shell/complete.h"
#include "verity/util/cleanup.h"

#define CONFIG "--config"

static const char *const options[] = {CONFIG, "--debug", "--help", "--version"};

struct typed {
	char **items; /* owned; NULL-ended */
	int count;
};

static void typed_free(struct typed *words)
{
	for (int i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
}

static void line_free_p(struct line *line)
{
	line_free(line);
}

/* A word that was not typed, but came as it stands, may be more than one: it is itself.
 */
static char *unquote(const char *typed)
{
	cleanup_with(line_free_p) struct line line = {.count = 0};
	struct verity_error unused;

	if (line_split(typed, strlen(typed), &line, &unused) < 0 || line.count != 1)
		return strdup(typed);
	return strdup(line.words[0]);
}

static bool unquote_all(int argc, char *const *argv, struct typed *words)
{
	words->items = calloc((size_t)argc + 1, sizeof(char *));
	for (; words->items && words->count < argc; words->count++) {
		words->items[words->count] = unquote(argv[words->count]);
		if (!words->items[words->count])
			return false;
	}
	return words->items;
}

static void print(const struct candidates *found, const char *before)
{
	for (size_t i = 0; i < found->count; i++)
		printf("%s%s\n", before, found->items[i].text);
}

static enum exit_status complete_path(const char *before, const char *begin)
{
	struct candidates found;
	struct verity_error unused;

	if (complete_paths(begin, &found, &unused) < 0)
		return STATUS_FAILED;
	print(&found, before);
	candidates_free(&found);
	return STATUS_DONE;
}

static enum exit_status complete_option(const char *begin)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strncmp(options[i], begin, strlen(begin)) == 0)
			puts(options[i]);
	return STATUS_DONE;
}

static enum exit_status complete_command(const char *config, int count,
					 char *const *words)
{
	const struct complete_place place = {
		.config = config,
		.place = COMMAND_ONCE,
		.words = words,
		.count = count - 1,
		.begin = words[count - 1],
	};
	struct candidates found;
	struct verity_error unused;

	if (complete_find(&place, &found, &unused) < 0)
		return STATUS_FAILED;
	print(&found, "");
	candidates_free(&found);
	return STATUS_DONE;
}

/* The options of the program come ahead of the command. */
static enum exit_status complete_words(int count, char *const *words)
{
	const size_t name = strlen(CONFIG);
	const char *config = NULL;
	int last = count - 1;

	for (int i = 0; i < count; i++) {
		const char *word = words[i];
		bool given = strncmp(word, CONFIG "=", name + 1) == 0;

		if (given && i == last)
			return complete_path(CONFIG "=", word + name + 1);
		if (i == last && word[0] == '-')
			return complete_option(word);
		if (!given && strcmp(word, CONFIG) != 0)
			return complete_command(config, count - i, words + i);
		if (!given && ++i == last)
			return complete_path("", words[i]);
		config = given ? word + name + 1 : words[i];
	}
	return STATUS_DONE;
}

enum exit_status complete_once(int argc, char *const *argv)
{
	cleanup_with(typed_free) struct typed words = {.count = 0};

	return unquote_all(argc, argv, &words) ? complete_words(words.count, words.items)
					       : STATUS_FAILED;
}
