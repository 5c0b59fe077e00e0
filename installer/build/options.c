/* SPDX-License-Identifier: MIT */
/* Reads and explains the options of wmopkg-build by their tables. */
#include "installer/build/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verity/statement/floors.h"

#define OPTIONS_MAX 32 /* of one command */
#define FIRST_CODE  256
#define HELP_INDENT 24

#define DIGITS_OF_DAY 8

int build_parse_integer(const char *option, const char *text, int64_t min, int64_t max,
			int64_t *ret, struct verity_error *err)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	/* It accepts blanks and a '+' before a number. */
	if (errno || end == text ||
	    (text[0] != '-' && !isdigit((unsigned char)text[0])) || *end ||
	    number < min || number > max)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: '%s' is not a whole number from %" PRId64
				   " to %" PRId64,
				   option, text, min, max);
	*ret = number;
	return 0;
}

/* A day is meant to its end: "until the 31st" holds on the 31st. */
static bool parse_day(const char *text, int64_t *ret)
{
	struct tm tm = {.tm_hour = 23, .tm_min = 59, .tm_sec = 59};
	char again[16];
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	int64_t when;

	if (!end || *end)
		return false;
	when = timegm(&tm);
	/* A day that does not exist, such as the 30th of February, becomes another. */
	if (strftime(again, sizeof(again), "%Y-%m-%d", &tm) == 0 ||
	    strcmp(again, text) != 0 || when < 1 || when > VERITY_TIME_MAX)
		return false;
	*ret = when;
	return true;
}

int build_parse_until(const char *option, const char *text, int64_t *ret,
		      struct verity_error *err)
{
	/* 20261231 is the day for a person, and seconds of 1970 for a program. */
	if (strlen(text) == DIGITS_OF_DAY && text[strspn(text, "0123456789")] == '\0')
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: '%s' may be a day or seconds since 1970: write a "
				   "day as %.4s-%.2s-%.2s",
				   option, text, text, text + 4, text + 6);
	if (*ret)
		return verity_fail(err, VERITY_E_USAGE, "%s is given twice", option);
	if (parse_day(text, ret) ||
	    build_parse_integer(option, text, 1, VERITY_TIME_MAX, ret, NULL) == 0)
		return 0;
	return verity_fail(err, VERITY_E_USAGE,
			   "%s: '%s' is neither a day such as 2026-12-31 nor seconds "
			   "since 1970",
			   option, text);
}

static int read_option(const struct build_option *option, void *object,
		       struct verity_error *err)
{
	char *member = (char *)object + option->offset;
	char name[64];
	int64_t number = 0;
	int32_t narrow;
	int r;

	snprintf(name, sizeof(name), "--%s", option->name);
	switch (option->kind) {
	case BUILD_FLAG:
		*(bool *)(void *)member = true;
		return 0;
	case BUILD_STRING:
		memcpy(member, &optarg, sizeof(optarg));
		return 0;
	case BUILD_TEXT:
		if (strlen(optarg) >= option->size)
			return verity_fail(err, VERITY_E_USAGE,
					   "%s: longer than %zu bytes", name,
					   option->size - 1);
		strcpy(member, optarg);
		return 0;
	case BUILD_NUMBER:
		r = build_parse_integer(name, optarg, option->min, option->max, &number,
					err);
		narrow = (int32_t)number;
		if (r == 0)
			memcpy(member,
			       option->size == sizeof(narrow) ? (void *)&narrow
							      : (void *)&number,
			       option->size);
		return r;
	case BUILD_CALL:
		break;
	}
	return option->read(object, name, optarg, err);
}

int build_options_read(int argc, char **argv, const struct build_options *options,
		       int words, const char *expected, struct verity_error *err)
{
	struct option long_options[OPTIONS_MAX + 1] = {{NULL, 0, NULL, 0}};
	struct {
		const struct build_option *option;
		void *object;
	} targets[OPTIONS_MAX];
	int count = 0, code, r;

	for (; options->table; options++)
		for (size_t i = 0; options->table[i].name && count < OPTIONS_MAX; i++) {
			const struct build_option *option = &options->table[i];

			targets[count].option = option;
			targets[count].object = options->object;
			long_options[count] = (struct option){
				option->name,
				option->value ? required_argument : no_argument, NULL,
				FIRST_CODE + count};
			count++;
		}
	optind = 1;
	optopt = 0;
	while ((code = getopt_long(argc, argv, ":", long_options, NULL)) >= 0) {
		/* One of several letters: the word is not passed yet. */
		if (optopt > 0 && optopt < FIRST_CODE)
			return verity_fail(
				err, VERITY_E_USAGE,
				"%s: '-%c' is unknown (see 'wmopkg-build help')", argv[0],
				optopt);
		if (code < FIRST_CODE)
			return verity_fail(err, VERITY_E_USAGE,
					   "%s: '%s' is unknown or lacks its value (see "
					   "'wmopkg-build help')",
					   argv[0], argv[optind - 1]);
		r = read_option(targets[code - FIRST_CODE].option,
				targets[code - FIRST_CODE].object, err);
		if (r < 0)
			return r;
	}
	if (argc - optind != words)
		return verity_fail(err, VERITY_E_USAGE, "%s: expected: %s", argv[0],
				   expected);
	return 0;
}

void build_options_print(const struct build_option *table)
{
	for (; table->name; table++) {
		if (!table->help)
			continue;
		int used = printf("  --%s%s%s", table->name, table->value ? " " : "",
				  table->value ? table->value : "");
		const char *line = table->help;

		if (used > HELP_INDENT - 2) {
			putchar('\n');
			used = 0;
		}
		for (; *line; used = 0) {
			size_t size = strcspn(line, "\n");

			printf("%*s%.*s\n", HELP_INDENT - used, "", (int)size, line);
			line += size + (line[size] == '\n');
		}
	}
}

static int read_padding(void *object, const char *name, const char *value,
			struct verity_error *err)
{
	struct build_signing *signing = object;

	if (strcmp(value, "pss") == 0)
		signing->rsa_padding = VERITY_RSA_PSS;
	else if (strcmp(value, "pkcs1") == 0)
		signing->rsa_padding = VERITY_RSA_PKCS1;
	else
		return verity_fail(err, VERITY_E_USAGE, "%s: '%s' is not pss or pkcs1",
				   name, value);
	return 0;
}

const struct build_option build_signing_options[] = {
	{"key", "KEY",
	 "sign with this private key: a PEM file, or the pkcs11: URI\n"
	 "of a key that stays in its token",
	 BUILD_STRING, BUILD_MEMBER(struct build_signing, key)},
	{"cert", "CERT", "certificate of that key: a PEM file, or a pkcs11: URI",
	 BUILD_STRING, BUILD_MEMBER(struct build_signing, cert)},
	{"chain", "PEM",
	 "intermediate certificates to enclose, as those in the file of\n"
	 "--cert are",
	 BUILD_STRING, BUILD_MEMBER(struct build_signing, chain)},
	{"pin-file", "FILE",
	 "file whose first line is the PIN or passphrase of the key\n"
	 "(default: WMOPKG_PIN in the environment, or a question)",
	 BUILD_STRING, BUILD_MEMBER(struct build_signing, pin_file)},
	{"signing-time", "S", "seconds since 1970 (default: now)", BUILD_NUMBER,
	 BUILD_MEMBER(struct build_signing, when), 0, VERITY_TIME_MAX},
	{"rsa-padding", "P", "padding of an RSA key: pss (default) or pkcs1", BUILD_CALL,
	 .read = read_padding},
	{.name = NULL},
};

int build_signing_check(const struct build_signing *signing, const char *command,
			struct verity_error *err)
{
	if (!signing->key != !signing->cert)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: --key and --cert go together", command);
	if (!signing->key && (signing->chain || signing->pin_file || signing->when >= 0))
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: options of a signature without --key", command);
	return 0;
}
