/* SPDX-License-Identifier: MIT */

/* Parses typed words by the forms of a command, and describes forms in words. */

#include "installer/grammar/grammar.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "installer/common/similar.h"
#include "overlay/config/bootconf.h"
#include "verity/format/format.h"
#include "verity/util/text.h"

#define FORMS_MAX     8
#define SHORTEST_TEXT 2 /* characters of a keyword that stand for it */
#define LONG_WORD     8
#define LONG_BRIEF    5

static const char *const protocols[] = {"ftp",  "tftp",  "scp", "sftp",
					"http", "https", NULL};

static const struct word_info infos[WORD_COUNT] = {
	[WORD_PERSISTENT] = {"persistent", NULL, KIND_NONE,
			     "the package survives a factory reset"},
	[WORD_FORCE] = {"force", NULL, KIND_NONE,
			"install it although it hides a part of the firmware"},
	[WORD_MEDIA] = {"media", "<label>", KIND_MEDIA,
			"read the package from a USB stick or SD card"},
	[WORD_PROTOCOL] = {"proto", "<ftp|tftp|scp|sftp|http|https>", KIND_CHOICE,
			   "protocol of the download (default: ftp, then tftp)",
			   .choices = protocols},
	[WORD_USER] = {"user", "<name>", KIND_FREE,
		       "user name on the server (default: the logged-in user)"},
	[WORD_PASSWORD] = {"password", "<password>", KIND_SECRET,
			   "password on the server (asked for when needed)"},
	[WORD_ADDRESS] = {NULL, "address[:port]", KIND_ADDRESS,
			  "the server: 192.0.2.1, a name, or [2001:db8::1]:port"},
	[WORD_SERVER_PATH] = {NULL, "PKGNAME.wmopkg", KIND_FREE,
			      "path of the file on the server"},
	[WORD_MEDIA_PATH] = {NULL, "path/on/media/PKGNAME.wmopkg", KIND_MEDIA_PATH,
			     "path of the file from the root of the medium"},
	[WORD_SERVER_FILE] = {NULL, "path/on/server/FILE", KIND_FREE,
			      "path of the file on the server"},
	[WORD_MEDIA_FILE] = {NULL, "path/on/media/FILE", KIND_MEDIA_FILE,
			     "path of the file from the root of the medium"},
	[WORD_SOURCE] = {NULL, "URL | ./FILE.wmopkg", KIND_SOURCE,
			 "a URL, or a file on this device"},
	[WORD_NAME] = {NULL, "NAME", KIND_PACKAGE, "an installed package"},
	[WORD_ALL] = {"all", NULL, KIND_NONE, "all installed packages", .reserved = true},
	[WORD_YES] = {"--yes", NULL, KIND_NONE, "do not ask for confirmation", "-y",
		      .scripts = true},
	[WORD_CHECK] = {"--check", NULL, KIND_NONE, "show what it would do, and end",
			"check"},
	[WORD_UPDATE_CHECK] = {"check", NULL, KIND_NONE, "show what it would do, and end",
			       "--check", .reserved = true},
	[WORD_QUIET] = {"--quiet", NULL, KIND_NONE,
			"print only errors, for a timer or cron", "-q", .scripts = true},
	[WORD_REBOOT] = {"--reboot", NULL, KIND_NONE, "reboot at once"},
	[WORD_PURGE] = {"--purge", NULL, KIND_NONE,
			"delete PERSIST, too: all that the device has and remembers"},
	[WORD_CANCEL] = {"cancel", NULL, KIND_NONE, "take back the request for one"},
	[WORD_JSON] = {"json", NULL, KIND_NONE, "print JSON", .reserved = true},
	[WORD_SHOW_MEDIA] = {"media", NULL, KIND_NONE,
			     "the connected USB sticks and SD cards", .reserved = true},
	[WORD_SHOW_BOOT] = {"boot", NULL, KIND_NONE,
			    "how long each step of the last boot took", .reserved = true},
	[WORD_SHOW_PENDING] = {"pending", NULL, KIND_NONE, "what the next reboot changes",
			       .reserved = true},
	[WORD_SHOW_BRIEF] = {"brief", NULL, KIND_NONE, "only the table",
			     .reserved = true},
	[WORD_SHOW_DETAIL] = {"detail", NULL, KIND_NONE,
			      "all facts, also keys and hashes", .reserved = true},
	[WORD_SVG] = {"svg", NULL, KIND_NONE, "print an SVG image"},
	[WORD_SET] = {NULL, "SET", KIND_FILE, "file that names the packages"},
	[WORD_FILE] = {NULL, "URL | FILE", KIND_FILE, "a URL, or a file on this device"},
	[WORD_PATH] = {NULL, "PATH", KIND_FILE, "a path of the running system"},
	[WORD_CLEAR] = {"clear", NULL, KIND_NONE,
			"remove the unlock statement permanently"},
	[WORD_KEY_SHOW] = {"show", NULL, KIND_NONE, "the known hosts of ssh"},
	[WORD_KEY_FORGET] = {"forget", "HOST", KIND_ADDRESS,
			     "delete the keys of a host: the next connection asks again"},
	[WORD_VERIFY] = {"verify", NULL, KIND_NONE, "check that it was not changed"},
	[WORD_LAST] = {"last", "N", KIND_FREE, "only the last N lines"},
	[WORD_SINCE] = {"since", "NUMBER", KIND_FREE,
			"first the lines of the audit log after this number"},
	[WORD_CHECK_FIRMWARE] = {"--check-firmware", "VERSION", KIND_FREE,
				 "show what would be active with this firmware version"},
	[WORD_CHECK_MODEL] = {"--check-model", "MODEL", KIND_FREE,
			      "show what would be active on this device model"},
	[WORD_BOOT_SET] = {"set", "KEY", KIND_BOOT,
			   "set a key in the U-Boot environment, from the next boot on"},
	[WORD_BOOT_VALUE] = {NULL, "VALUE", KIND_BOOT_VALUE,
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

int words_number(const struct words *words, enum word word, const char *command,
		 uint64_t min, uint64_t max, uint64_t *ret, struct verity_error *err)
{
	const char *typed = words->values[word];
	unsigned long long number;
	char *end;

	if (!typed)
		return 0;
	errno = 0;
	number = strtoull(typed, &end, 10);
	if (!isdigit((unsigned char)typed[0]) || *end || errno || number < min ||
	    number > max)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s %s %s: expected a number from %" PRIu64
				   " to %" PRIu64,
				   command, infos[word].keyword, typed, min, max);
	*ret = number;
	return 0;
}

static bool is_called(const struct word_info *info, const char *text)
{
	return (info->keyword && strcasecmp(info->keyword, text) == 0) ||
	       (info->brief && strcmp(info->brief, text) == 0);
}

static bool abbreviates(const char *text, const char *whole)
{
	size_t size = strlen(text);

	return size >= SHORTEST_TEXT && strncasecmp(whole, text, size) == 0;
}

bool word_may_be(enum word word, const char *text)
{
	const struct word_info *info = word_info(word);

	return info->keyword && abbreviates(text, info->keyword);
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
				     "package may have (choose another name)",
				     name)
		       : 0;
}

/* @brief: also the one that alone begins with @text */
static const char *find_choice(const char *const *choices, const char *text, bool brief)
{
	const char *found = NULL;
	size_t count = 0;

	for (; *choices; choices++) {
		if (strcasecmp(*choices, text) == 0)
			return *choices;
		if (brief && abbreviates(text, *choices)) {
			found = *choices;
			count++;
		}
	}
	return count == 1 ? found : NULL;
}

/*
 * A keyword in the wrong place is a mistake, not a host; so is the label of a medium, and
 * what is nearly one of these, if it is long enough that no host is called so by chance.
 */
static bool is_mistyped(const char *text)
{
	for (size_t i = WORD_NONE; i < WORD_COUNT; i++) {
		const char *word =
			i == WORD_NONE ? OVERLAY_MEDIA_EXTERNAL : infos[i].keyword;
		struct similar similar = {.typed = text};
		size_t size = strlen(text);

		if (!word)
			continue;
		if (strcasecmp(word, text) == 0)
			return true;
		if (strlen(word) < LONG_WORD || word[0] == '-')
			continue;
		similar_offer(&similar, word);
		if ((similar.found && similar.distance <= 2) ||
		    (size >= LONG_BRIEF && strncasecmp(word, text, size) == 0))
			return true;
	}
	return false;
}

/* What @text is as the value of a word; NULL: it is none. An unknown option never is. */
static const char *value_of(const struct word_info *info, const char *text, bool brief)
{
	size_t size = strlen(text);
	size_t suffix = strlen(VERITY_PACKAGE_SUFFIX);
	bool fits = true;

	if (info->kind == KIND_SECRET)
		return text;
	if (size == 0 || text[0] == '-')
		return NULL;
	switch (info->kind) {
	case KIND_CHOICE:
		return find_choice(info->choices, text, brief);
	case KIND_SOURCE:
		fits = strchr(text, '/') ||
		       (size > suffix &&
			strcasecmp(text + size - suffix, VERITY_PACKAGE_SUFFIX) == 0);
		break;
	case KIND_ADDRESS:
		fits = !strpbrk(text, "/@") && !is_mistyped(text);
		break;
	case KIND_FREE:
	case KIND_BOOT_VALUE:
	case KIND_MEDIA_PATH:
	case KIND_MEDIA_FILE:
		/* A URL in place of a part of one is a mistake, not a path. */
		fits = !strstr(text, "://");
		break;
	default:
		break;
	}
	return fits ? text : NULL;
}

/* How far the words were parsed by one form. */
struct parse {
	const struct form *form;
	unsigned used;     /* bits: words of the form that were typed */
	unsigned at;       /* index of the first word that is not passed */
	enum word pending; /* word whose value comes next; WORD_NONE */
	bool keyword;      /* the last word was one */
	struct words words;
};

/* Whether beginnings of keywords stand for them. */
enum reading { READ_WHOLE, READ_BRIEF };

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

/* The words that may come next as bits; *ret_end: or the end of the line. */
static unsigned find_next_bits(const struct parse *parse, bool *ret_end)
{
	const struct form_word *words = parse->form->words;
	unsigned bits = 0;
	unsigned index;

	*ret_end = false;
	for (index = 0; words[index].word; index++) {
		unsigned flags = words[index].flags;
		bool used = parse->used & 1U << index;

		if (used ? flags & FORM_REPEAT && parse->words.list_count < WORDS_LIST_MAX
			 : flags & FORM_ANYWHERE || (flags & FORM_FREE && parse->at == 0))
			bits |= 1U << index;
	}
	for (index = parse->at; words[index].word;) {
		unsigned end = group_end(parse->form, index);
		bool optional = words[end - 1].flags & FORM_OPTIONAL;

		if (words[index].flags & (FORM_FREE | FORM_ANYWHERE)) {
			/* A required one comes before all that follow it. */
			if (!optional && !(parse->used & 1U << index))
				return bits;
			index = end;
			continue;
		}
		while (index < end)
			bits |= 1U << index++;
		if (!optional)
			return bits;
	}
	*ret_end = true;
	return bits;
}

/* Indexes of these words, in the order of the form. */
static size_t find_next(const struct parse *parse, unsigned ret[static FORM_WORDS_MAX],
			bool *ret_end)
{
	unsigned bits = find_next_bits(parse, ret_end);
	size_t count = 0;

	for (unsigned index = 0; index < FORM_WORDS_MAX; index++)
		if (bits & 1U << index)
			ret[count++] = index;
	return count;
}

/* The word among @next that @text is a keyword of, -1: none; @brief: or the only one that
 * it begins. */
static int find_keyword(const struct parse *parse, const unsigned *next, size_t count,
			const char *text, bool brief)
{
	int found = -1;
	size_t several = 0;

	for (size_t i = 0; i < count; i++) {
		enum word word = parse->form->words[next[i]].word;

		if (is_called(word_info(word), text))
			return (int)next[i];
		if (brief && word_may_be(word, text)) {
			found = (int)next[i];
			several++;
		}
	}
	return several == 1 ? found : -1;
}

/* A file of this device comes from no host: what stands before it is a keyword. */
static bool is_before_local(const char *text, const char *after)
{
	if (!after || (strncmp(after, "./", 2) != 0 && strncmp(after, "../", 3) != 0))
		return false;
	for (size_t i = WORD_NONE + 1; i < WORD_COUNT; i++)
		if (word_may_be((enum word)i, text))
			return true;
	return false;
}

/* @after: the word that was typed next; NULL: none */
static int find_value(const struct parse *parse, const unsigned *next, size_t count,
		      const char *text, const char *after, bool brief)
{
	for (size_t i = 0; i < count; i++) {
		const struct word_info *info =
			word_info(parse->form->words[next[i]].word);
		bool again = parse->used & 1U << next[i];

		if (!info->keyword && value_of(info, text, brief) &&
		    !(again && word_reserved(text)) &&
		    !(info->kind == KIND_ADDRESS && is_before_local(text, after)))
			return (int)next[i];
	}
	return -1;
}

/* One more word; false where it does not fit the form. */
static bool take(struct parse *parse, const char *text, const char *after,
		 enum reading reading)
{
	const bool brief = reading == READ_BRIEF;
	unsigned next[FORM_WORDS_MAX];
	enum word pending = parse->pending;
	const struct form_word *word;
	size_t count;
	bool unused, is_value;
	int index;

	if (pending) {
		parse->keyword = false;
		parse->pending = WORD_NONE;
		parse->words.values[pending] = value_of(word_info(pending), text, brief);
		return parse->words.values[pending];
	}
	parse->keyword = false;
	count = find_next(parse, next, &unused);
	/* What is a keyword here is not a value. */
	index = find_keyword(parse, next, count, text, brief);
	is_value = index < 0;
	parse->keyword = !is_value;
	if (is_value)
		index = find_value(parse, next, count, text, after, brief);
	if (index < 0)
		return false;
	word = &parse->form->words[index];
	parse->words.values[word->word] = text;
	if (word->flags & FORM_REPEAT)
		parse->words.list[parse->words.list_count++] = text;
	parse->used |= 1U << index;
	if (!(word->flags & (FORM_FREE | FORM_ANYWHERE)))
		parse->at = group_end(parse->form, (unsigned)index);
	if (!is_value && word_info(word->word)->kind != KIND_NONE)
		parse->pending = word->word;
	return true;
}

/* Returns how many words fit some form; @ret is as it was after those. */
static int parse_words(const struct form *const *forms, int argc, char *const *argv,
		       enum reading reading, struct parses *ret)
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
			next.count += take(&next.items[next.count], argv[i],
					   i + 1 < argc ? argv[i + 1] : NULL, reading);
		}
		if (next.count == 0)
			return i;
		*ret = next;
	}
	return argc;
}

static void add_option(struct grammar_next *next, const struct grammar_option *option)
{
	for (size_t i = 0; i < next->count; i++) {
		struct grammar_option *known = &next->options[i];

		if (known->word == option->word && known->value == option->value) {
			known->optional = known->optional && option->optional;
			return;
		}
	}
	assert(next->count < GRAMMAR_OPTIONS_MAX);
	next->options[next->count++] = *option;
}

/* Adds to @ret. */
static void collect_next(const struct parses *parses, struct grammar_next *ret)
{
	for (size_t i = 0; i < parses->count; i++) {
		const struct parse *parse = &parses->items[i];
		const struct form_word *words = parse->form->words;
		unsigned next[FORM_WORDS_MAX];
		size_t count;
		bool end;

		if (parse->pending) {
			add_option(ret, &(struct grammar_option){parse->pending, true});
			continue;
		}
		count = find_next(parse, next, &end);
		ret->end = ret->end || end;
		for (size_t k = 0; k < count; k++) {
			enum word word = words[next[k]].word;
			unsigned last = group_end(parse->form, next[k]) - 1;

			add_option(ret, &(struct grammar_option){
						.word = word,
						.value = !word_info(word)->keyword,
						.optional = words[last].flags &
								    FORM_OPTIONAL ||
							    parse->used & 1U << next[k],
					});
		}
	}
}

static void drop_optional(struct grammar_next *next)
{
	size_t kept = 0;

	for (size_t i = 0; i < next->count; i++)
		if (!next->options[i].optional)
			next->options[kept++] = next->options[i];
	next->count = kept;
}

/* The words of the first parse that is complete; NULL: none is. */
static const struct words *find_complete(const struct parses *parses)
{
	for (size_t i = 0; i < parses->count; i++) {
		unsigned unused[FORM_WORDS_MAX];
		bool end;

		find_next(&parses->items[i], unused, &end);
		if (end && !parses->items[i].pending)
			return &parses->items[i].words;
	}
	return NULL;
}

/* Only the forms to which the last word is a keyword, if it is one to some. */
static void drop_values(struct parses *parses)
{
	size_t kept = 0;
	bool keyword = false;

	for (size_t i = 0; i < parses->count; i++)
		keyword = keyword || parses->items[i].keyword;
	for (size_t i = 0; i < parses->count; i++)
		if (!keyword || parses->items[i].keyword)
			parses->items[kept++] = parses->items[i];
	parses->count = kept;
}

int grammar_match(const struct form *const *forms, int argc, char *const *argv,
		  struct words *ret, int *ret_bad, struct grammar_next *ret_next)
{
	struct parses parses;
	const struct words *words;

	for (int reading = READ_WHOLE; reading <= READ_BRIEF; reading++) {
		if (parse_words(forms, argc, argv, (enum reading)reading, &parses) < argc)
			continue;
		words = find_complete(&parses);
		if (words) {
			*ret = *words;
			return 0;
		}
	}
	*ret_bad = parse_words(forms, argc, argv, READ_WHOLE, &parses);
	*ret_next = (struct grammar_next){.count = 0};
	if (*ret_bad < argc) {
		struct parses brief;
		int good = parse_words(forms, argc, argv, READ_BRIEF, &brief);

		if (good > *ret_bad) {
			*ret_bad = good;
			parses = brief;
		}
	}
	drop_values(&parses);
	collect_next(&parses, ret_next);
	if (*ret_bad == argc)
		drop_optional(ret_next);
	return -EINVAL;
}

int grammar_next(const struct form *const *forms, int argc, char *const *argv,
		 struct grammar_next *ret)
{
	struct parses parses;
	int r = -EINVAL;

	*ret = (struct grammar_next){.count = 0};
	for (int reading = READ_WHOLE; reading <= READ_BRIEF; reading++) {
		if (parse_words(forms, argc, argv, (enum reading)reading, &parses) < argc)
			continue;
		drop_values(&parses);
		collect_next(&parses, ret);
		r = 0;
	}
	return r;
}

void grammar_synopsis(const struct form *form, char *ret, size_t size)
{
	bool open = false; /* within alternatives */

	ret[0] = '\0';
	for (unsigned i = 0; form->words[i].word; i++) {
		const struct word_info *info = word_info(form->words[i].word);
		unsigned last = group_end(form, i) - 1;
		bool optional = form->words[last].flags & FORM_OPTIONAL;

		verity_text_append(ret, size, "%s%s%s%s%s%s",
				   open    ? " | "
				   : i > 0 ? " "
					   : "",
				   optional && !open ? "[" : "",
				   info->keyword ? info->keyword : "",
				   info->keyword && info->value ? " " : "",
				   info->value ? info->value : "",
				   form->words[i].flags & FORM_REPEAT ? "..." : "");
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
