/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The options of wmopkg-build, as tables: reading the command line and help are both made
 * of them.
 */

#include "verity/sign/signing_key.h"

#include <stddef.h>
#include <stdint.h>

enum build_option_kind {
	BUILD_FLAG,   /* bool */
	BUILD_STRING, /* const char *, borrowed from the command line */
	BUILD_TEXT,   /* char[size], 0-terminated */
	BUILD_NUMBER, /* integer of 4 or 8 bytes, from min to max */
	BUILD_CALL,   /* whatever read() makes of it */
};

struct build_option {
	const char *name;  /* without the dashes */
	const char *value; /* name of the value in help; NULL for a flag */
	const char *help;  /* lines; NULL: help does not show it */
	enum build_option_kind kind;
	size_t offset, size; /* of the member of the object that is filled */
	int64_t min, max;
	int (*read)(void *object, const char *name, const char *value,
		    struct verity_error *err);
};

#define BUILD_MEMBER(type, member)                                                       \
	.offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)

/* A table, and the object that its options fill. */
struct build_options {
	const struct build_option *table; /* ends with a NULL name */
	void *object;
};

/**
 * build_options_read - read the options of a command
 * @argc, @argv: its words, argv[0] being its name
 * @options:     ends with a NULL table
 * @words:       how many words have to follow; optind is then the first
 * @expected:    what they are, for the message
 *
 * Return: 0; -EINVAL (USAGE); what read() of an option returned.
 */
int build_options_read(int argc, char **argv, const struct build_options *options,
		       int words, const char *expected,
		       struct verity_error *err) must_check;

/**
 * build_options_print - print the lines of help for a table
 */
void build_options_print(const struct build_option *table);

/**
 * build_parse_integer - a whole decimal number from @min to @max
 *
 * Return: 0; -EINVAL (USAGE) with the option's name in the message.
 */
int build_parse_integer(const char *option, const char *text, int64_t min, int64_t max,
			int64_t *ret, struct verity_error *err) must_check;

/**
 * build_parse_until - a day such as 2026-12-31, to its end in UTC, or seconds since 1970
 *
 * Return: 0; -EINVAL (USAGE), also where @ret is not 0: it is given twice.
 */
int build_parse_until(const char *option, const char *text, int64_t *ret,
		      struct verity_error *err) must_check;

/* What a certificate must be for, so that no device refuses what is signed with it. */
enum build_use {
	BUILD_USE_ANY,     /* not checked */
	BUILD_USE_PACKAGE, /* warned of: with Allow Untrusted a device accepts it */
	BUILD_USE_LIST,    /* a deny list or a catalogue */
	BUILD_USE_UNLOCK,
};

/* The signer, as on the command line; all borrowed, NULL if not given. */
struct build_signing {
	const char *key;
	const char *cert;
	const char *chain;
	char *pin_file; /* of the PIN or passphrase */
	int64_t when;   /* seconds since 1970; -1: now */
	enum verity_rsa_padding rsa_padding;
	enum build_use use; /* not on the command line */
};

/* The options that fill it. */
extern const struct build_option build_signing_options[];

/**
 * build_signing_check - check the options of an optional signer together
 * @command: for the message
 *
 * Return: 0; -EINVAL (USAGE).
 */
int build_signing_check(const struct build_signing *signing, const char *command,
			struct verity_error *err) must_check;
