/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/build/main.h"
#include "installer/build/statement.h"
#include "verity/cms/key_id.h"
#include "verity/package/package.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"

enum option_code {
	OPTION_NUMBER = 256,
	OPTION_KEY_ID,
	OPTION_REVOKE_CERT,
	OPTION_ROOT_HASH,
	OPTION_PACKAGE,
	OPTION_NAME,
};

static const struct option options[] = {
	{"number", required_argument, NULL, OPTION_NUMBER},
	{"key-id", required_argument, NULL, OPTION_KEY_ID},
	{"revoke-cert", required_argument, NULL, OPTION_REVOKE_CERT},
	{"root-hash", required_argument, NULL, OPTION_ROOT_HASH},
	{"package", required_argument, NULL, OPTION_PACKAGE},
	{"name", required_argument, NULL, OPTION_NAME},
	BUILD_SIGNING_OPTIONS,
	{NULL, 0, NULL, 0},
};

/* Strings are borrowed from the command line. */
struct request {
	uint32_t number;             /* 0: not given */
	struct verity_deny *entries; /* owned; in the order they were given */
	size_t count;
	struct build_signing signing;
	const char *out;
};

static bool is_same(const struct verity_deny *a, const struct verity_deny *b)
{
	return a->kind == b->kind && a->epoch_below == b->epoch_below &&
	       strcmp(a->name, b->name) == 0 &&
	       memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

static int add(struct request *request, const struct verity_deny *deny,
	       struct verity_error *err)
{
	struct verity_deny *more;

	for (size_t i = 0; i < request->count; i++)
		if (is_same(&request->entries[i], deny))
			return 0;
	if (request->count >= VERITY_DENY_MAX)
		return verity_fail(err, VERITY_E_USAGE, "denylist: over %d entries",
				   VERITY_DENY_MAX);
	more = reallocarray(request->entries, request->count + 1, sizeof(*more));
	if (!more)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	request->entries = more;
	more[request->count++] = *deny;
	return 0;
}

static int parse_digest(const char *option, const char *text, uint8_t ret[static 32],
			struct verity_error *err)
{
	size_t bytes;

	if (verity_hex_decode(text, ret, VERITY_DIGEST_BYTES, &bytes) < 0 ||
	    bytes != VERITY_DIGEST_BYTES)
		return verity_fail(err, VERITY_E_USAGE, "%s: '%s' is not 64 hex digits",
				   option, text);
	return 0;
}

/* "NAME=EPOCH_BELOW" */
static int parse_name(const char *text, struct verity_deny *ret, struct verity_error *err)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : 0;
	int64_t epoch;
	int r;

	if (!equals)
		return verity_fail(err, VERITY_E_USAGE,
				   "--name: '%s' is not NAME=EPOCH, where packages of "
				   "that name are denied below that epoch",
				   text);
	if (length < sizeof(ret->name))
		memcpy(ret->name, text, length);
	if (length >= sizeof(ret->name) || !verity_name_valid(ret->name))
		return verity_fail(err, VERITY_E_BAD_NAME,
				   "--name: '%.*s' is not a valid package name",
				   (int)length, text);
	r = build_parse_integer("--name", equals + 1, 1, UINT32_MAX, &epoch, err);
	if (r == 0)
		ret->epoch_below = (uint32_t)epoch;
	return r;
}

static int root_hash_of(const char *path, uint8_t ret[static 32],
			struct verity_error *err)
{
	const struct verity_policy policy = {0};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_judgement *judgement;
	int r = verity_package_open(AT_FDCWD, path, &policy, &package, err);

	if (r < 0)
		return verity_context(err, r, "%s", path);
	judgement = verity_package_judgement(package);
	if (verity_judgement_verdict(judgement) == VERITY_INVALID) {
		*err = *verity_judgement_reason(judgement);
		return verity_context(err, -EBADMSG, "%s", path);
	}
	memcpy(ret, verity_judgement_manifest(judgement)->root_hash, VERITY_DIGEST_BYTES);
	return 0;
}

static int take_entry(struct request *request, int option, struct verity_error *err)
{
	struct verity_deny deny = {.epoch_below = 0};
	int r;

	switch (option) {
	case OPTION_KEY_ID:
		deny.kind = VERITY_DENY_KEY;
		r = parse_digest("--key-id", optarg, deny.digest, err);
		break;
	case OPTION_REVOKE_CERT:
		deny.kind = VERITY_DENY_KEY;
		r = verity_key_id_load(optarg, deny.digest, err);
		break;
	case OPTION_ROOT_HASH:
		deny.kind = VERITY_DENY_ROOT_HASH;
		r = parse_digest("--root-hash", optarg, deny.digest, err);
		break;
	case OPTION_PACKAGE:
		deny.kind = VERITY_DENY_ROOT_HASH;
		r = root_hash_of(optarg, deny.digest, err);
		break;
	default:
		deny.kind = VERITY_DENY_NAME;
		r = parse_name(optarg, &deny, err);
		break;
	}
	return r < 0 ? r : add(request, &deny, err);
}

static int take_option(struct request *request, char *const *argv, int option,
		       struct verity_error *err)
{
	int64_t number;
	int r;

	switch (option) {
	case OPTION_NUMBER:
		r = build_parse_integer("--number", optarg, 1, UINT32_MAX, &number, err);
		if (r == 0)
			request->number = (uint32_t)number;
		return r;
	case OPTION_KEY_ID:
	case OPTION_REVOKE_CERT:
	case OPTION_ROOT_HASH:
	case OPTION_PACKAGE:
	case OPTION_NAME:
		return take_entry(request, option, err);
	default:
		return build_take_signing(&request->signing, argv, option, err);
	}
}

static int parse(int argc, char **argv, struct request *ret, struct verity_error *err)
{
	int option, r = 0;

	optind = 1;
	while (r == 0 && (option = getopt_long(argc, argv, ":", options, NULL)) >= 0)
		r = take_option(ret, argv, option, err);
	if (r == 0 && ret->number == 0)
		r = verity_fail(err, VERITY_E_USAGE, "denylist: --number is missing");
	if (r == 0)
		r = build_check_signing(&ret->signing, "denylist", err);
	if (r < 0)
		return r;
	if (argc - optind != 1)
		return verity_fail(err, VERITY_E_USAGE, "denylist: one OUT is expected");
	ret->out = argv[optind];
	return build_statement_name(ret->out, err);
}

static void say_made(const struct request *request)
{
	printf("%s: deny list %" PRIu32 ", %zu %s, %s\n", request->out, request->number,
	       request->count, request->count == 1 ? "entry" : "entries",
	       request->signing.key ? "signed" : "not signed");
	if (request->count == 0)
		report_warning("%s: it denies nothing, and takes the place of lists that "
			       "do",
			       request->out);
}

static int make(const struct request *request, struct verity_error *err)
{
	const struct verity_denylist_text list = {request->number, request->entries,
						  request->count};
	cleanup_free char *text = NULL;
	int r = verity_denylist_encode(&list, &text, err);

	return r < 0 ? r
		     : build_statement_write(request->out, text, &request->signing, err);
}

enum exit_status build_denylist(int argc, char **argv)
{
	struct request request = {
		.signing = {.when = -1, .use = BUILD_USE_DENYLIST},
	};
	cleanup_free struct verity_deny *entries = NULL;
	struct verity_error err;
	int r = parse(argc, argv, &request, &err);

	entries = request.entries;
	if (r < 0 || make(&request, &err) < 0)
		return report_error(NULL, &err);
	say_made(&request);
	return report_output();
}
