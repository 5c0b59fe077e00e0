/* SPDX-License-Identifier: MIT */

/* Parses typed words by the forms of a command, and describes forms in words. */

#include "installer/grammar/grammar.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "verity/format/format.h"
#include "verity/util/text.h"

#define FORMS_MAX 8
#define PROTOCOLS "ftp|tftp|scp|sftp|http|https"

static const struct word_info infos[WORD_COUNT] = {
	[WORD_PERSISTENT] = {"persistent", NULL, KIND_NONE,
			     "the package survives a factory reset"},
	[WORD_MEDIA] = {"media", "<label>", KIND_MEDIA,
			"read the package from a USB stick or SD card"},
	[WORD_PROTOCOL] = {"proto", "<" PROTOCOLS ">", KIND_CHOICE,
			   "protocol of the download (default: ftp, then tftp)",
			   .choices = PROTOCOLS},
	[WORD_USER] = {"user", "<name>", KIND_FREE,
		       "user name on the server (default: the logged-in user)"},
	[WORD_PASSWORD] = {"password", "<password>", KIND_SECRET,
			   "password on the server (asked for when needed)"},
	[WORD_ADDRESS] = {NULL, "address[:port]", KIND_ADDRESS,
			  "the server: 192.0.2.1, a name, or [2001:db8::1]:port"},
	[WORD_SERVER_PATH] = {NULL, "PKGNAME.wmopkg", KIND_FREE,
			      "path of the file on the server"},
	[WORD_MEDIA_PATH] = {NULL, "path/on/media/PKGNAME.wmopkg", KIND_FREE,
			     "path of the file from the root of the medium"},
	[WORD_SOURCE] = {NULL, "URL | ./FILE.wmopkg", KIND_SOURCE,
			 "a URL, or a file on this device"},
	[WORD_NAME] = {NULL, "NAME", KIND_PACKAGE, "an installed package"},
	[WORD_ALL] = {"all", NULL, KIND_NONE, "all installed packages", .reserved = true},
	[WORD_YES] = {"--yes", NULL, KIND_NONE, "do not ask for confirmation", "-y"},
	[WORD_REBOOT] = {"--reboot", NULL, KIND_NONE, "reboot at once"},
	[WORD_PURGE] = {"--purge", NULL, KIND_NONE,
			"delete PERSIST, too: all that the device has and remembers"},
	[WORD_JSON] = {"json", NULL, KIND_NONE, "print JSON", .reserved = true},
	[WORD_SHOW_MEDIA] = {"media", NULL, KIND_NONE,
			     "the connected USB sticks and SD cards", .reserved = true},
	[WORD_SHOW_BOOT] = {"boot", NULL, KIND_NONE,
			    "how long each step of the last boot took", .reserved = true},
	[WORD_SVG] = {"svg", NULL, KIND_NONE, "print an SVG image"},
	[WORD_FILE] = {NULL, "FILE", KIND_FILE, "a file on this device"},
	[WORD_PATH] = {NULL, "PATH", KIND_FILE, "a path of the running system"},
	[WORD_CLEAR] = {"clear", NULL, KIND_NONE, "remove the unlock statement for good"},
	[WORD_VERIFY] = {"verify", NULL, KIND_NONE, "check that it was not changed"},
	[WORD_CHECK_FIRMWARE] = {"--check-firmware", "VERSION", KIND_FREE,
				 "show what would be active with this firmware version"},
	[WORD_CHECK_MODEL] = {"--check-model", "MODEL", KIND_FREE,
			      "show what would be active on this device model"},
	[WORD_BOOT_SET] = {"set", "KEY", KIND_BOOT,
			   "set a key in the U-Boot environment, from the next boot on"},
	[WORD_BOOT_VALUE] = {NULL, "VALUE", KIND_FREE,
			     "0 or 1, or a list separated by commas"},
	[WORD_BOOT_CLEAR] = {"clear", "KEY", KIND_BOOT,
			     "delete a key from the U-Boot environment"},
	[WORD_COMMAND] = {NULL, "COMMAND", KIND_COMMAND, "a command"},
};

const struct word_info *word_info(enum word word)
{
	assert(word > WORD_NONE && word < WORD_COUNT);
	return &infos[word];
}

bool words_has(const struct words *words, enum word word)
{
	return words->values[word] != NULL;
}

static bool is_called(const struct word_info *info, const char *text)
{
	return (info->keyword && strcmp(info->keyword, text) == 0) ||
	       (info->brief && strcmp(info->brief, text) == 0);
}

bool word_reserved(const char *name)
{
	for (size_t i = WORD_NONE + 1; i < WORD_COUNT; i++)
		if (infos[i].reserved && is_called(&infos[i], name))
			return true;
	return false;
}

int word_reserved_refuse(const char *name, struct verity_error *err)
{
	return word_reserved(name)
		       ? verity_fail(err, VERITY_E_BAD_NAME,
				     "'%s' is a word of the commands, not a name a "
				     "package may have",
				     name)
		       : 0;
}

/* Whether @text may be the value of a word. An unknown option is never a value. */
static bool fits(const struct word_info *info, const char *text)
{
	size_t size = strlen(text);
	size_t suffix = strlen(VERITY_PACKAGE_SUFFIX);
	size_t length;

	if (info->kind == KIND_SECRET)
		return true;
	if (size == 0 || text[0] == '-')
		return false;
	switch (info->kind) {
	case KIND_CHOICE:
		for (const char *choice = info->choices; *choice;
		     choice += length + (choice[length] == '|')) {
			length = strcspn(choice, "|");
			if (length == size && strncmp(text, choice, size) == 0)
				return true;
		}
		return false;
	case KIND_SOURCE:
		return strchr(text, '/') ||
		       (size > suffix &&
			strcmp(text + size - suffix, VERITY_PACKAGE_SUFFIX) == 0);
	case KIND_ADDRESS:
		/* A keyword in the wrong place is a mistake, not a host. */
		for (size_t i = WORD_NONE + 1; i < WORD_COUNT; i++)
			if (is_called(&infos[i], text))
				return false;
		return !strpbrk(text, "/@");
	case KIND_FREE:
		/* A URL in place of a part of one is a mistake, not a path. */
		return !strstr(text, "://");
	default:
		return true;
	}
}

/* How far the words were parsed by one form. */
struct parse {
	const struct form *form;
	unsigned used;     /* bits: words of the form that were typed */
	unsigned at;       /* index of the first word that is not passed */
	enum word pending; /* word whose value comes next; WORD_NONE */
	struct words words;
};

/* All forms that fit, side by side. */
struct parses {
	struct parse items[FORMS_MAX];
	size_t count;
};

/* Alternatives stand side by side; one of them typed is enough. */
static unsigned group_end(const struct form *form, unsigned index)
{
	while (form->words[index].flags & FORM_OR_NEXT)
		index++;
	return index + 1;
}

/* Indexes of the words that may come next; *ret_end: or the end of the line. */
static size_t find_next(const struct parse *parse, unsigned ret[static FORM_WORDS_MAX],
			bool *ret_end)
{
	const struct form_word *words = parse->form->words;
	size_t count = 0;
	unsigned index;

	*ret_end = false;
	for (index = 0; words[index].word; index++)
		if (!(parse->used & 1U << index) &&
		    (words[index].flags & FORM_ANYWHERE ||
		     (words[index].flags & FORM_FREE && parse->at == 0)))
			ret[count++] = index;
	for (index = parse->at; words[index].word;) {
		unsigned end = group_end(parse->form, index);
		bool optional = words[end - 1].flags & FORM_OPTIONAL;

		if (words[index].flags & (FORM_FREE | FORM_ANYWHERE)) {
			/* A required one comes before all that follow it. */
			if (!optional && !(parse->used & 1U << index))
				return count;
			index = end;
			continue;
		}
		while (index < end)
			ret[count++] = index++;
		if (!optional)
			return count;
	}
	*ret_end = true;
	return count;
}

/* One more word; false where it does not fit the form. */
static bool take(struct parse *parse, const char *text)
{
	unsigned next[FORM_WORDS_MAX];
	enum word pending = parse->pending;
	size_t count;
	bool unused;

	if (pending) {
		parse->pending = WORD_NONE;
		parse->words.values[pending] = text;
		return fits(word_info(pending), text);
	}
	count = find_next(parse, next, &unused);
	/* What is a keyword here is not a value. */
	for (int keywords = 1; keywords >= 0; keywords--)
		for (size_t i = 0; i < count; i++) {
			const struct form_word *word = &parse->form->words[next[i]];
			const struct word_info *info = word_info(word->word);

			if (keywords ? !is_called(info, text)
				     : info->keyword || !fits(info, text))
				continue;
			parse->words.values[word->word] = text;
			parse->used |= 1U << next[i];
			if (!(word->flags & (FORM_FREE | FORM_ANYWHERE)))
				parse->at = group_end(parse->form, next[i]);
			if (keywords && info->kind != KIND_NONE)
				parse->pending = word->word;
			return true;
		}
	return false;
}

/* Returns how many words fit some form; @ret is as it was after those. */
static int parse_words(const struct form *const *forms, int argc, char *const *argv,
		       struct parses *ret)
{
	ret->count = 0;
	for (; forms[ret->count]; ret->count++) {
		assert(ret->count < FORMS_MAX);
		ret->items[ret->count] = (struct parse){.form = forms[ret->count]};
	}
	for (int i = 0; i < argc; i++) {
		struct parses next = {.count = 0};

		for (size_t k = 0; k < ret->count; k++) {
			next.items[next.count] = ret->items[k];
			next.count += take(&next.items[next.count], argv[i]);
		}
		if (next.count == 0)
			return i;
		*ret = next;
	}
	return argc;
}

static void add_option(struct grammar_next *next, enum word word, bool value)
{
	for (size_t i = 0; i < next->count; i++)
		if (next->options[i].word == word && next->options[i].value == value)
			return;
	assert(next->count < GRAMMAR_OPTIONS_MAX);
	next->options[next->count++] = (struct grammar_option){word, value};
}

static void collect_next(const struct parses *parses, struct grammar_next *ret)
{
	*ret = (struct grammar_next){.count = 0};
	for (size_t i = 0; i < parses->count; i++) {
		const struct parse *parse = &parses->items[i];
		unsigned next[FORM_WORDS_MAX];
		size_t count;
		bool end;

		if (parse->pending) {
			add_option(ret, parse->pending, true);
			continue;
		}
		count = find_next(parse, next, &end);
		ret->end = ret->end || end;
		for (size_t k = 0; k < count; k++) {
			enum word word = parse->form->words[next[k]].word;

			add_option(ret, word, !word_info(word)->keyword);
		}
	}
}

int grammar_match(const struct form *const *forms, int argc, char *const *argv,
		  struct words *ret, int *ret_bad, struct grammar_next *ret_next)
{
	struct parses parses;
	int good = parse_words(forms, argc, argv, &parses);

	for (size_t i = 0; good == argc && i < parses.count; i++) {
		unsigned unused[FORM_WORDS_MAX];
		bool end;

		find_next(&parses.items[i], unused, &end);
		if (end && !parses.items[i].pending) {
			*ret = parses.items[i].words;
			return 0;
		}
	}
	collect_next(&parses, ret_next);
	*ret_bad = good;
	return -EINVAL;
}

int grammar_next(const struct form *const *forms, int argc, char *const *argv,
		 struct grammar_next *ret)
{
	struct parses parses;

	if (parse_words(forms, argc, argv, &parses) < argc)
		return -EINVAL;
	collect_next(&parses, ret);
	return 0;
}

void grammar_synopsis(const struct form *form, char *ret, size_t size)
{
	bool open = false; /* within alternatives */

	ret[0] = '\0';
	for (unsigned i = 0; form->words[i].word; i++) {
		const struct word_info *info = word_info(form->words[i].word);
		unsigned last = group_end(form, i) - 1;
		bool optional = form->words[last].flags & FORM_OPTIONAL;

		verity_text_append(ret, size, "%s%s%s%s%s",
				   open    ? " | "
				   : i > 0 ? " "
					   : "",
				   optional && !open ? "[" : "",
				   info->keyword ? info->keyword : "",
				   info->keyword && info->value ? " " : "",
				   info->value ? info->value : "");
		open = i < last;
		if (optional && !open)
			verity_text_append(ret, size, "]");
	}
}

void grammar_describe(const struct grammar_next *next, char *ret, size_t size)
{
	size_t count = next->count + next->end;

	ret[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct grammar_option *option = &next->options[i];
		const char *between = i == 0 ? "" : i + 1 == count ? " or " : ", ";
		const char *text = "end of line";

		if (i < next->count)
			text = option->value ? word_info(option->word)->value
					     : word_info(option->word)->keyword;
		verity_text_append(ret, size, "%s%s", between, text);
	}
}
