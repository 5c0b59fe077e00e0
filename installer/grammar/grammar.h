/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What may be typed, as data. A command has forms, a form is a row of words. Parsing and
 * its errors, completion, `?`, help, and the synopsis of the man page are all made of the
 * same rows, so none of them can know a word that another does not.
 */

#include <stdbool.h>
#include <stddef.h>

/* All words that commands know, each with one meaning. */
enum word {
	WORD_NONE, /* ends a form */
	WORD_PERSISTENT,
	WORD_MEDIA,
	WORD_PROTOCOL,
	WORD_USER,
	WORD_PASSWORD,
	WORD_ADDRESS,
	WORD_SERVER_PATH,
	WORD_MEDIA_PATH,
	WORD_SOURCE,
	WORD_NAME,
	WORD_ALL,
	WORD_YES,
	WORD_REBOOT,
	WORD_JSON,
	WORD_SHOW_MEDIA,
	WORD_SHOW_BOOT,
	WORD_SVG,
	WORD_FILE,
	WORD_PATH,
	WORD_CLEAR,
	WORD_VERIFY,
	WORD_CHECK_FIRMWARE,
	WORD_CHECK_MODEL,
	WORD_BOOT_SET,
	WORD_BOOT_VALUE,
	WORD_BOOT_CLEAR,
	WORD_COMMAND,
	WORD_COUNT,
};

/* What a value is: what it must look like, and what Tab offers for it. */
enum word_kind {
	KIND_NONE, /* no value: the keyword is all */
	KIND_PROTOCOL,
	KIND_MEDIA,
	KIND_PACKAGE, /* an installed one */
	KIND_FILE,    /* local */
	KIND_SOURCE,  /* an URL or a local package file */
	KIND_ADDRESS,
	KIND_COMMAND,
	KIND_BOOT,   /* a word of the boot configuration */
	KIND_FREE,   /* anything but an URL */
	KIND_SECRET, /* anything, and shown to nobody */
};

struct word_info {
	const char *keyword; /* typed as it stands; NULL: the value alone */
	const char *value;   /* what stands for the value in help; NULL: none */
	enum word_kind kind; /* of the value */
	const char *help;    /* a few words, for `?` */
	const char *brief;   /* another keyword for the same; NULL: none */
	bool reserved;       /* read as a keyword where the name of a package may stand */
};

/* How a word stands in a form. */
enum word_place {
	PLACE_HERE = 0,          /* at this place */
	PLACE_OPTIONAL = 1 << 0, /* or not at all; what stands behind may come at once */
	PLACE_FREE = 1 << 1,     /* with its like in any order, ahead of the others */
	PLACE_ANYWHERE = 1 << 2, /* between any two words */
	PLACE_OR_NEXT = 1 << 3,  /* this or the next word, not both */
};

struct form_word {
	enum word word;
	unsigned place; /* word_place */
};

#define FORM_WORDS_MAX 12

struct form {
	struct form_word words[FORM_WORDS_MAX]; /* ends with WORD_NONE */
};

/* What was typed: values borrowed from argv; of a keyword alone itself; NULL: not. */
struct words {
	const char *values[WORD_COUNT];
};

/* One word that may come next. */
struct grammar_option {
	enum word word;
	bool value; /* its value, not its keyword */
};

#define GRAMMAR_OPTIONS_MAX 24

/* All that may come next. */
struct grammar_next {
	struct grammar_option options[GRAMMAR_OPTIONS_MAX];
	size_t count;
	bool end; /* or nothing */
};

/**
 * word_info - what is known of a word; a constant
 */
const struct word_info *word_info(enum word word);

/**
 * words_has - whether a word was typed
 */
bool words_has(const struct words *words, enum word word);

/**
 * word_reserved - whether @name is a keyword that commands read in place of a package
 * name, so that no command could name a package called so
 */
bool word_reserved(const char *name);

/**
 * protocol_at - the protocol number @index; NULL after the last
 */
const char *protocol_at(size_t index);

/**
 * grammar_match - read typed words
 * @forms:    NULL-ended row of forms
 * @argv:     @argc words, without the command's name
 * @ret:      filled on success alone
 * @ret_bad:  on failure: number of the word that is wrong, @argc where one is missing
 * @ret_next: on failure: what was expected there
 *
 * Return: 0; -EINVAL.
 */
int grammar_match(const struct form *const *forms, int argc, char *const *argv,
		  struct words *ret, int *ret_bad, struct grammar_next *ret_next)
	__attribute__((warn_unused_result));

/**
 * grammar_next - what may follow words that are right so far
 *
 * Return: 0; -EINVAL where they are not.
 */
int grammar_next(const struct form *const *forms, int argc, char *const *argv,
		 struct grammar_next *ret) __attribute__((warn_unused_result));

/**
 * grammar_synopsis - a form as help shows it: "[persistent] media <label> PATH"
 * @ret: 0-terminated, cut where @size is too small
 */
void grammar_synopsis(const struct form *form, char *ret, size_t size);

/**
 * grammar_describe - what may come next in words: "one of ftp, tftp, …", "<label> or …"
 */
void grammar_describe(const struct grammar_next *next, char *ret, size_t size);
