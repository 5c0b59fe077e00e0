/* SPDX-License-Identifier: MIT */
/* wmopkg-build unlock: a statement that allows more to one device, until a day. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "installer/build/commands.h"
#include "installer/build/statement.h"
#include "installer/common/describe.h"
#include "verity/statement/floors.h"
#include "verity/statement/unlock.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

/* Strings are borrowed from the command line. */
struct request {
	const char *serial;
	const char *id; /* NULL: not given */
	unsigned allows;
	int64_t not_after; /* seconds since 1970; 0: not given */
	struct build_signing signing;
	const char *out;
};

static int read_not_after(void *object, const char *name, const char *value,
			  struct verity_error *err)
{
	return build_parse_until(name, value, &((struct request *)object)->not_after,
				 err);
}

static int read_allow(void *object, const char *name, const char *value,
		      struct verity_error *err)
{
	struct request *request = object;
	unsigned bit = verity_unlock_bit(value);

	request->allows |= bit;
	return bit ? 0
		   : verity_fail(err, VERITY_E_USAGE,
				 "%s: '%s' is not untrusted or downgrade", name, value);
}

const struct build_option build_unlock_options[] = {
	{"serial", "S", "serial number of the device", BUILD_STRING,
	 BUILD_MEMBER(struct request, serial)},
	{"allow", "WORD", "untrusted or downgrade; may be given again", BUILD_CALL,
	 .read = read_allow},
	{"not-after", "T",
	 "last day, such as 2026-12-31, to its end in UTC; or seconds\n"
	 "since 1970",
	 BUILD_CALL, .read = read_not_after},
	{"id", "TEXT", "tells it from others, such as one that a device has cleared",
	 BUILD_STRING, BUILD_MEMBER(struct request, id)},
	{.name = NULL},
};

static int read_request(int argc, char **argv, struct request *ret,
			struct verity_error *err)
{
	const struct build_options options[] = {{build_unlock_options, ret},
						{build_signing_options, &ret->signing},
						{NULL, NULL}};
	int r = build_options_read(argc, argv, options, 1, "OUT", err);

	if (r < 0)
		return r;
	if (!ret->serial || !ret->allows || !ret->not_after)
		return verity_fail(err, VERITY_E_USAGE, "unlock: missing option: --%s",
				   !ret->serial   ? "serial"
				   : !ret->allows ? "allow"
						  : "not-after");
	ret->out = argv[optind];
	r = build_signing_check(&ret->signing, "unlock", err);
	return r < 0 ? r : build_statement_name(ret->out, err);
}

static int copy(const char *option, const char *value, char *ret, size_t size,
		struct verity_error *err)
{
	if ((size_t)snprintf(ret, size, "%s", value) < size)
		return 0;
	return verity_fail(err, VERITY_E_BAD_STATEMENT, "%s: longer than %zu bytes",
			   option, size - 1);
}

/* The same words make the same text: what tells two statements apart is said by --id. */
static int encode(const struct request *request, char **ret, struct verity_error *err)
{
	struct verity_unlock_text text = {.allows = request->allows,
					  .not_after = request->not_after};
	int r = copy("serial", request->serial, text.serial, sizeof(text.serial), err);

	if (r == 0 && request->id)
		r = copy("id", request->id, text.id, sizeof(text.id), err);
	return r < 0 ? r : verity_unlock_encode(&text, ret, err);
}

enum exit_status build_unlock(int argc, char **argv)
{
	struct request request = {.signing = {.when = -1, .use = BUILD_USE_UNLOCK}};
	char words[VERITY_UNLOCK_WORDS_MAX], until[32];
	cleanup_free char *text = NULL;
	struct verity_error err;
	int r = read_request(argc, argv, &request, &err);

	if (r == 0) {
		r = encode(&request, &text, &err);
		if (r < 0 && r != -ENOMEM) {
			/* Here it is the fault of the command line. */
			err.code = VERITY_E_USAGE;
			verity_context(&err, r, "unlock");
		}
	}
	if (r == 0)
		r = build_statement_write(request.out, text, &request.signing, &err);
	if (r < 0)
		return report_error(NULL, &err);
	verity_unlock_words(request.allows, words);
	verity_text_format_time(request.not_after, until);
	printf("%s: unlock statement for %s, %s until %s, %s\n", request.out,
	       request.serial, words, until,
	       request.signing.key ? "signed" : "not signed");
	if (request.not_after < (int64_t)time(NULL))
		report_warning("%s: %s is in the past", request.out, until);
	return report_output();
}
