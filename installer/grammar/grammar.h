/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The syntax of the commands, as data: a command has forms, a form is a row of words.
 * Parser, error messages, completion, `?`, help and the synopsis of the man page all read
 * the same rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verity/util/error.h"

/* All words that commands know, each with one meaning. */
enum word {
	WORD_NONE, /* ends a form */
	WORD_PERSISTENT,
	WORD_FORCE,
	WORD_MEDIA,
	WORD_PROTOCOL,
	WORD_USER,
	WORD_PASSWORD,
	WORD_ADDRESS,
	WORD_SERVER_PATH,
	WORD_MEDIA_PATH,
	WORD_SERVER_FILE,
	WORD_MEDIA_FILE,
	WORD_SOURCE,
	WORD_NAME,
	WORD_ALL,
	WORD_YES,
	WORD_CHECK,
	WORD_UPDATE_CHECK,
	WORD_QUIET,
	WORD_REBOOT,
	WORD_PURGE,
	WORD_CANCEL,
	WORD_JSON,
	WORD_SHOW_MEDIA,
	WORD_SHOW_BOOT,
	WORD_SHOW_PENDING,
	WORD_SHOW_BRIEF,
	WORD_SHOW_DETAIL,
	WORD_SVG,
	WORD_FILE,
	WORD_SET,
	WORD_PATH,
	WORD_CLEAR,
	WORD_KEY_SHOW,
	WORD_KEY_FORGET,
	WORD_VERIFY,
	WORD_LAST,
	WORD_SINCE,
	WORD_CHECK_FIRMWARE,
	WORD_CHECK_MODEL,
	WORD_BOOT_SET,
	WORD_BOOT_VALUE,
	WORD_BOOT_CLEAR,
	WORD_COMMAND,
	WORD_COUNT,
};

/* The type of a value: what it must look like, and what Tab offers for it. */
enum word_kind {
	KIND_NONE,   /* no value: the keyword is all */
	KIND_CHOICE, /* one of word_info.choices */
	KIND_MEDIA,
	KIND_PACKAGE, /* an installed one */
	KIND_FILE,    /* local, or a URL of one */
	KIND_SOURCE,  /* a URL or a local package file */
	KIND_ADDRESS,
	KIND_COMMAND,
	KIND_BOOT, /* a key of the boot configuration */
	KIND_BOOT_VALUE,
	KIND_MEDIA_PATH, /* of a package on the medium */
	KIND_MEDIA_FILE, /* of another file on it */
	KIND_FREE,       /* anything but a URL */
	KIND_SECRET,     /* anything; never shown */
};

struct word_info {
	const char *keyword; /* in any case, or its beginning; NULL: the value alone */
	const char *value;   /* placeholder of the value in help; NULL: none */
	enum word_kind kind; /* of the value */
	const char *help;    /* a few words, for `?` */
	const char *brief;   /* short form of the keyword; NULL: none */
	const char *const *choices; /* of KIND_CHOICE, ends with NULL; NULL: none */
	bool reserved; /* read as a keyword where the name of a package may stand */
	bool scripts;  /* for scripts: a shell that somebody types at does not offer it */
};

/* How a word stands in a form. */
enum form_flag {
	FORM_OPTIONAL = 1 << 0, /* may be left out */
	FORM_FREE = 1 << 1,     /* before the others, in any order with its like */
	FORM_ANYWHERE = 1 << 2, /* between any two words */
	FORM_OR_NEXT = 1 << 3,  /* this or the next word, not both */
	FORM_REPEAT = 1 << 4,   /* may be typed more than once */
};

struct form_word {
	enum word word;
	unsigned flags; /* bits: form_flag */
};

#define FORM_WORDS_MAX 12

struct form {
	struct form_word words[FORM_WORDS_MAX]; /* ends with WORD_NONE */
};

#define WORDS_LIST_MAX 64

/* What was typed: values borrowed from argv, a choice from the word table; a keyword
 * without value is its own; NULL: not typed. */
struct words {
	const char *values[WORD_COUNT];
	const char *list[WORDS_LIST_MAX]; /* all values of a word that may be repeated */
	size_t list_count;
};

/* One word that may come next. */
struct grammar_option {
	enum word word;
	bool value;    /* its value, not its keyword */
	bool optional; /* the line may go on without it */
};

#define GRAMMAR_OPTIONS_MAX 24

/* All that may come next. */
struct grammar_next {
	struct grammar_option options[GRAMMAR_OPTIONS_MAX];
	size_t count;
	bool end; /* or the end of the line */
};

/**
 * word_info - the row of the word table for @word; a constant
 */
const struct word_info *word_info(enum word word);

/**
 * words_has - whether a word was typed
 */
bool words_has(const struct words *words, enum word word);

/**
 * words_number - the value of a word, as a number
 * @command: for the message
 * @ret:     untouched where the word was not typed
 *
 * Return: 0; -EINVAL (USAGE).
 */
int words_number(const struct words *words, enum word word, const char *command,
		 uint64_t min, uint64_t max, uint64_t *ret,
		 struct verity_error *err) must_check;

/**
 * word_reserved - whether @name is a keyword that commands read in place of a package
 * name, so that no command could name a package called so
 */
bool word_reserved(const char *name);

/**
 * word_reserved_refuse - fail for a package that is called like a keyword
 *
 * Return: 0; -EINVAL (BAD_NAME).
 */
int word_reserved_refuse(const char *name, struct verity_error *err) must_check;

/**
 * word_may_be - whether somebody who typed @text may have meant the keyword of @word: it
 * is the keyword or its beginning, in any case
 */
bool word_may_be(enum word word, const char *text);

/**
 * grammar_match - parse typed words
 * @forms:    NULL-terminated list of forms
 * @argv:     @argc words, without the name of the command; borrowed by @ret
 * @ret:      filled on success only
 * @ret_bad:  on failure: index of the unexpected word, @argc where one is missing
 * @ret_next: on failure: what was expected there; where a word is missing, without those
 *            that may be left out
 *
 * A keyword is read in any case. Its beginning is read as the keyword only where the
 * words make no command otherwise, and no other keyword may stand there that begins so.
 *
 * Return: 0; -EINVAL.
 */
int grammar_match(const struct form *const *forms, int argc, char *const *argv,
		  struct words *ret, int *ret_bad, struct grammar_next *ret_next)
	__attribute__((warn_unused_result));

/**
 * grammar_next - what may follow words that are correct so far, in whichever way they can
 * be read
 *
 * Return: 0; -EINVAL where they are not correct.
 */
int grammar_next(const struct form *const *forms, int argc, char *const *argv,
		 struct grammar_next *ret) __attribute__((warn_unused_result));

/**
 * grammar_synopsis - a form as help shows it: "[persistent] media <label> PATH"
 * @ret: 0-terminated, cut where @size is too small
 */
void grammar_synopsis(const struct form *form, char *ret, size_t size);

/**
 * grammar_describe - list what may come next: "NAME, all or end of line"
 * @ret: 0-terminated, cut where @size is too small
 */
void grammar_describe(const struct grammar_next *next, char *ret, size_t size);
