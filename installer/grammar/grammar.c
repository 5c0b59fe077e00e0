/* SPDX-License-Identifier: MIT */
#include "installer/grammar/grammar.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "verity/format/format.h"

#define FORMS_MAX 8

/* How far one form has come. */
struct way {
	const struct form *form; /* NULL: what was typed does not fit it */
	unsigned used;           /* bits: words of it that were typed */
	unsigned at;             /* the first that is not passed */
	int pending;             /* number of the word whose value is to come; -1 */
	struct words words;
};

static const char *const protocols[] = {"ftp", "tftp", "scp", "sftp", "http", "https"};

const char *protocol_at(size_t index)
{
	return index < sizeof(protocols) / sizeof(protocols[0]) ? protocols[index] : NULL;
}

static const struct word_info infos[WORD_COUNT] = {
	[WORD_PERSISTENT] = {"persistent", NULL, KIND_NONE,
			     "the package survives a factory reset", NULL},
	[WORD_MEDIA] = {"media", "<label>", KIND_MEDIA,
			"take it from a USB stick or SD card", NULL},
	[WORD_PROTOCOL] = {"proto", "<ftp|tftp|scp|sftp|http|https>", KIND_PROTOCOL,
			   "how to fetch it (default: ftp, then tftp)", NULL},
	[WORD_USER] = {"user", "<name>", KIND_FREE,
		       "user on the server (default: who is logged in)", NULL},
	[WORD_PASSWORD] = {"password", "<password>", KIND_SECRET,
			   "password on the server (default: asked for)", NULL},
	[WORD_ADDRESS] = {NULL, "address[:port]", KIND_ADDRESS,
			  "the server: 192.0.2.1, name, or [2001:db8::1]:port", NULL},
	[WORD_SERVER_PATH] = {NULL, "PKGNAME.wmopkg", KIND_FREE,
			      "the file on the server, with its path", NULL},
	[WORD_MEDIA_PATH] = {NULL, "path/on/media/PKGNAME.wmopkg", KIND_FREE,
			     "the file, with its path from the root of the medium", NULL},
	[WORD_SOURCE] = {NULL, "URL | ./FILE.wmopkg", KIND_SOURCE,
			 "an URL, or a file on this device", NULL},
	[WORD_NAME] = {NULL, "NAME", KIND_PACKAGE, "an installed package", NULL},
	[WORD_ALL] = {"all", NULL, KIND_NONE, "all installed packages", NULL, true},
	[WORD_YES] = {"--yes", NULL, KIND_NONE, "do not ask", "-y"},
	[WORD_REBOOT] = {"--reboot", NULL, KIND_NONE, "and reboot now", NULL},
	[WORD_JSON] = {"json", NULL, KIND_NONE, "as JSON, for programs", NULL, true},
	[WORD_SHOW_MEDIA] = {"media", NULL, KIND_NONE, "USB sticks and SD cards", NULL,
			     true},
	[WORD_SHOW_BOOT] = {"boot", NULL, KIND_NONE, "what this boot took how long", NULL,
			    true},
	[WORD_SVG] = {"svg", NULL, KIND_NONE, "as a picture (SVG)", NULL},
	[WORD_FILE] = {NULL, "FILE", KIND_FILE, "a file on this device", NULL},
	[WORD_PATH] = {NULL, "PATH", KIND_FILE, "a path of the running system", NULL},
	[WORD_CLEAR] = {"clear", NULL, KIND_NONE, "forget it", NULL},
	[WORD_VERIFY] = {"verify", NULL, KIND_NONE, "check that nobody has changed it",
			 NULL},
	[WORD_CHECK_FIRMWARE] = {"--check-firmware", "VERSION", KIND_FREE,
				 "what would be active under that firmware", NULL},
	[WORD_CHECK_MODEL] = {"--check-model", "MODEL", KIND_FREE,
			      "... on that device model", NULL},
	[WORD_BOOT_SET] = {"set", "KEY", KIND_BOOT,
			   "say it, from the next boot on, in the U-Boot environment",
			   NULL},
	[WORD_BOOT_VALUE] = {NULL, "VALUE", KIND_FREE, "0 or 1, or a list with commas",
			     NULL},
	[WORD_BOOT_CLEAR] = {"clear", "KEY", KIND_BOOT, "say it no more", NULL},
	[WORD_COMMAND] = {NULL, "COMMAND", KIND_COMMAND, "a command", NULL},
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

static bool is_protocol(const char *text)
{
	for (size_t i = 0; protocol_at(i); i++)
		if (strcmp(protocol_at(i), text) == 0)
			return true;
	return false;
}

static bool is_package_file(const char *text)
{
	size_t size = strlen(text);
	size_t suffix = strlen(VERITY_PACKAGE_SUFFIX);

	return strchr(text, '/') || (size > suffix && strcmp(text + size - suffix,
							     VERITY_PACKAGE_SUFFIX) == 0);
}

static bool is_called(const struct word_info *info, const char *text)
{
	return (info->keyword && strcmp(info->keyword, text) == 0) ||
	       (info->brief && strcmp(info->brief, text) == 0);
}

static bool is_keyword(const char *text)
{
	for (size_t i = WORD_NONE + 1; i < WORD_COUNT; i++)
		if (is_called(&infos[i], text))
			return true;
	return false;
}

bool word_reserved(const char *name)
{
	for (size_t i = WORD_NONE + 1; i < WORD_COUNT; i++)
		if (infos[i].reserved && is_called(&infos[i], name))
			return true;
	return false;
}

/* A dash in front is an option that nobody knows, and no value. */
static bool fits(enum word_kind kind, const char *text)
{
	switch (kind) {
	case KIND_PROTOCOL:
		return is_protocol(text);
	case KIND_SOURCE:
		return text[0] != '-' && is_package_file(text);
	case KIND_ADDRESS:
		/* A keyword in the wrong place is a mistake, not a host. */
		return text[0] && text[0] != '-' && !strpbrk(text, "/@") &&
		       !is_keyword(text);
	case KIND_SECRET:
		return true;
	case KIND_FREE:
		/* An URL in the place of a part of one is a mistake, not a path. */
		return text[0] && text[0] != '-' && !strstr(text, "://");
	default:
		return text[0] && text[0] != '-';
	}
}

static bool is_used(const struct way *way, unsigned index)
{
	return way->used & 1U << index;
}

/* Words of a group of alternatives stand side by side; one of them typed is enough. */
static unsigned group_end(const struct form *form, unsigned index)
{
	while (form->words[index].place & PLACE_OR_NEXT)
		index++;
	return index + 1;
}

/* The positions a way may go on with: calls back for each, in the order of the form. */
typedef bool visit_fn(struct way *way, unsigned index, void *context);

static bool visit(struct way *way, visit_fn *call, void *context)
{
	const struct form_word *words = way->form->words;
	bool begun = way->at > 0;
	unsigned index;

	for (index = 0; words[index].word; index++) {
		bool floats = words[index].place & PLACE_ANYWHERE ||
			      (words[index].place & PLACE_FREE && !begun);

		if (floats && !is_used(way, index) && call(way, index, context))
			return true;
	}
	for (index = way->at; words[index].word;) {
		unsigned end = group_end(way->form, index);
		unsigned place = words[index].place;

		if (place & (PLACE_FREE | PLACE_ANYWHERE)) {
			/* What must be there must be, before anything else. */
			if (!(place & PLACE_OPTIONAL) && !is_used(way, index))
				return false;
			index = end;
			continue;
		}
		for (; index < end; index++)
			if (call(way, index, context))
				return true;
		if (!(words[end - 1].place & PLACE_OPTIONAL))
			return false;
	}
	return false;
}

static void take(struct way *way, unsigned index, const char *text)
{
	const struct form_word *word = &way->form->words[index];

	way->words.values[word->word] = text;
	way->used |= 1U << index;
	if (!(word->place & (PLACE_FREE | PLACE_ANYWHERE)))
		way->at = group_end(way->form, index);
}

static bool try_keyword(struct way *way, unsigned index, void *context)
{
	const struct word_info *info = word_info(way->form->words[index].word);
	const char *text = context;

	if (!is_called(info, text))
		return false;
	take(way, index, text);
	if (info->kind != KIND_NONE)
		way->pending = (int)index;
	return true;
}

static bool try_value(struct way *way, unsigned index, void *context)
{
	const struct word_info *info = word_info(way->form->words[index].word);

	if (info->keyword || !fits(info->kind, context))
		return false;
	take(way, index, context);
	return true;
}

/* A keyword is taken for one before it is taken for a value. */
static void step(struct way *way, char *text)
{
	if (way->pending >= 0) {
		enum word word = way->form->words[way->pending].word;

		way->pending = -1;
		if (!fits(word_info(word)->kind, text))
			way->form = NULL;
		else
			way->words.values[word] = text;
		return;
	}
	if (!visit(way, try_keyword, text) && !visit(way, try_value, text))
		way->form = NULL;
}

static bool add_option(struct grammar_next *next, enum word word, bool value)
{
	for (size_t i = 0; i < next->count; i++)
		if (next->options[i].word == word && next->options[i].value == value)
			return false;
	assert(next->count < GRAMMAR_OPTIONS_MAX);
	next->options[next->count++] = (struct grammar_option){word, value};
	return false;
}

static bool collect_option(struct way *way, unsigned index, void *context)
{
	enum word word = way->form->words[index].word;

	return add_option(context, word, !word_info(word)->keyword);
}

static bool is_at_end(const struct way *way)
{
	const struct form_word *words = way->form->words;

	if (way->pending >= 0)
		return false;
	for (unsigned index = 0; words[index].word;) {
		unsigned end = group_end(way->form, index);
		bool there = index < way->at || is_used(way, index);

		if (words[index].place & PLACE_FREE)
			there = is_used(way, index);
		if (!there && !(words[end - 1].place & PLACE_OPTIONAL))
			return false;
		index = end;
	}
	return true;
}

static void collect(struct way *way, struct grammar_next *next)
{
	if (!way->form)
		return;
	if (way->pending >= 0)
		add_option(next, way->form->words[way->pending].word, true);
	else
		visit(way, collect_option, next);
	next->end = next->end || is_at_end(way);
}

/* All forms side by side, until none of them fits any more. */
struct ways {
	struct way items[FORMS_MAX];
	size_t count;
};

static void begin(const struct form *const *forms, struct ways *ret)
{
	*ret = (struct ways){.count = 0};
	for (size_t i = 0; forms[i]; i++) {
		assert(i < FORMS_MAX);
		ret->items[ret->count++] = (struct way){.form = forms[i], .pending = -1};
	}
}

static void collect_all(struct ways *ways, struct grammar_next *ret)
{
	*ret = (struct grammar_next){.count = 0};
	for (size_t i = 0; i < ways->count; i++)
		collect(&ways->items[i], ret);
}

static bool any_left(const struct ways *ways)
{
	for (size_t i = 0; i < ways->count; i++)
		if (ways->items[i].form)
			return true;
	return false;
}

/* How many words fit some form; the ways are left where they were before the bad one. */
static int walk(struct ways *ways, int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++) {
		struct ways before = *ways;

		for (size_t k = 0; k < ways->count; k++)
			if (ways->items[k].form)
				step(&ways->items[k], argv[i]);
		if (!any_left(ways)) {
			*ways = before;
			return i;
		}
	}
	return argc;
}

int grammar_match(const struct form *const *forms, int argc, char *const *argv,
		  struct words *ret, int *ret_bad, struct grammar_next *ret_next)
{
	struct ways ways;
	int good;

	begin(forms, &ways);
	good = walk(&ways, argc, argv);
	for (size_t i = 0; good == argc && i < ways.count; i++)
		if (ways.items[i].form && is_at_end(&ways.items[i])) {
			*ret = ways.items[i].words;
			return 0;
		}
	collect_all(&ways, ret_next);
	*ret_bad = good;
	return -EINVAL;
}

int grammar_next(const struct form *const *forms, int argc, char *const *argv,
		 struct grammar_next *ret)
{
	struct ways ways;

	begin(forms, &ways);
	if (walk(&ways, argc, argv) < argc)
		return -EINVAL;
	collect_all(&ways, ret);
	return 0;
}
