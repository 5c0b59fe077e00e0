/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "installer/build/main.h"
#include "installer/build/statement.h"
#include "installer/common/describe.h"
#include "verity/statement/floors.h"
#include "verity/statement/unlock.h"
#include "verity/util/cleanup.h"

enum option_code { OPTION_SERIAL = 256, OPTION_ALLOW, OPTION_NOT_AFTER };

static const struct option options[] = {
	{"serial", required_argument, NULL, OPTION_SERIAL},
	{"allow", required_argument, NULL, OPTION_ALLOW},
	{"not-after", required_argument, NULL, OPTION_NOT_AFTER},
	BUILD_SIGNING_OPTIONS,
	{NULL, 0, NULL, 0},
};

/* Strings are borrowed from the command line. */
struct request {
	const char *serial;
	unsigned allows;
	int64_t not_after; /* seconds since 1970; 0: not given */
	struct build_signing signing;
	const char *out;
};

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
	/* What has no such day, as the 30th of February, comes out as another. */
	if (strftime(again, sizeof(again), "%Y-%m-%d", &tm) == 0 ||
	    strcmp(again, text) != 0 || when < 1 || when > VERITY_TIME_MAX)
		return false;
	*ret = when;
	return true;
}

static int parse_not_after(const char *text, int64_t *ret, struct verity_error *err)
{
	if (parse_day(text, ret) ||
	    build_parse_integer("--not-after", text, 1, VERITY_TIME_MAX, ret, NULL) == 0)
		return 0;
	return verity_fail(err, VERITY_E_USAGE,
			   "--not-after: '%s' is neither a day as 2026-12-31 nor seconds "
			   "since 1970",
			   text);
}

static int parse_allow(const char *word, unsigned *allows, struct verity_error *err)
{
	unsigned bit = verity_unlock_bit(word);

	*allows |= bit;
	return bit ? 0
		   : verity_fail(err, VERITY_E_USAGE,
				 "--allow: '%s' is not untrusted or downgrade", word);
}

static int take_option(struct request *request, char *const *argv, int option,
		       struct verity_error *err)
{
	switch (option) {
	case OPTION_SERIAL:
		request->serial = optarg;
		return 0;
	case OPTION_ALLOW:
		return parse_allow(optarg, &request->allows, err);
	case OPTION_NOT_AFTER:
		return parse_not_after(optarg, &request->not_after, err);
	default:
		return build_take_signing(&request->signing, argv, option, err);
	}
}

static int check_request(const struct request *request, struct verity_error *err)
{
	if (!request->serial)
		return verity_fail(err, VERITY_E_USAGE, "unlock: --serial is missing");
	if (!request->allows)
		return verity_fail(err, VERITY_E_USAGE,
				   "unlock: --allow untrusted or --allow downgrade is "
				   "expected");
	if (!request->not_after)
		return verity_fail(err, VERITY_E_USAGE, "unlock: --not-after is missing");
	return build_check_signing(&request->signing, "unlock", err);
}

static int parse(int argc, char **argv, struct request *ret, struct verity_error *err)
{
	int option, r = 0;

	optind = 1;
	while (r == 0 && (option = getopt_long(argc, argv, ":", options, NULL)) >= 0)
		r = take_option(ret, argv, option, err);
	if (r == 0)
		r = check_request(ret, err);
	if (r < 0)
		return r;
	if (argc - optind != 1)
		return verity_fail(err, VERITY_E_USAGE, "unlock: one OUT is expected");
	ret->out = argv[optind];
	return build_statement_name(ret->out, err);
}

static void say_made(const struct request *request)
{
	char words[VERITY_UNLOCK_WORDS_MAX], until[32];

	verity_unlock_words(request->allows, words);
	describe_format_time(request->not_after, until);
	printf("%s: unlock statement for %s, %s until %s, %s\n", request->out,
	       request->serial, words, until,
	       request->signing.key ? "signed" : "not signed");
	if (request->not_after < (int64_t)time(NULL))
		report_warning("%s: %s is in the past", request->out, until);
}

static int make(const struct request *request, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	int r = verity_unlock_encode(request->serial, request->allows, request->not_after,
				     &text, err);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		/* Here it is the fault of the command line. */
		err->code = VERITY_E_USAGE;
		return verity_context(err, r, "unlock");
	}
	return build_statement_write(request->out, text, &request->signing, err);
}

enum exit_status build_unlock(int argc, char **argv)
{
	struct request request = {
		.signing = {.when = -1, .use = BUILD_USE_UNLOCK},
	};
	struct verity_error err;

	if (parse(argc, argv, &request, &err) < 0 || make(&request, &err) < 0)
		return report_error(NULL, &err);
	say_made(&request);
	return report_output();
}
