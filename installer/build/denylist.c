/* SPDX-License-Identifier: MIT */
/* wmopkg-build denylist: a list of what devices must not run. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/build/commands.h"
#include "installer/build/statement.h"
#include "verity/cms/key_id.h"
#include "verity/statement/denylist.h"
#include "verity/statement/inspect.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"

#define NUMBER_HIGH 4000000000u /* nobody counts that far */

/* Strings are borrowed from the command line. */
struct request {
	uint32_t number;             /* 0: not given */
	struct verity_deny *entries; /* owned; in the order they were given */
	size_t count;
	struct build_signing signing;
	const char *out;
};

static int add(struct request *request, const struct verity_deny *deny,
	       struct verity_error *err)
{
	struct verity_deny *more;

	for (size_t i = 0; i < request->count; i++) {
		const struct verity_deny *other = &request->entries[i];

		if (other->kind == deny->kind &&
		    other->epoch_below == deny->epoch_below &&
		    strcmp(other->name, deny->name) == 0 &&
		    memcmp(other->digest, deny->digest, sizeof(deny->digest)) == 0)
			return 0;
	}
	if (request->count >= VERITY_DENY_MAX)
		return verity_fail(err, VERITY_E_USAGE, "denylist: more than %d entries",
				   VERITY_DENY_MAX);
	more = reallocarray(request->entries, request->count + 1, sizeof(*more));
	if (!more)
		return verity_no_memory(err);
	request->entries = more;
	more[request->count++] = *deny;
	return 0;
}

static int parse_digest(const char *option, const char *text,
			uint8_t ret[static VERITY_DIGEST_BYTES], struct verity_error *err)
{
	size_t bytes;

	if (verity_hex_decode(text, ret, VERITY_DIGEST_BYTES, &bytes) < 0 ||
	    bytes != VERITY_DIGEST_BYTES)
		return verity_fail(err, VERITY_E_USAGE, "%s: '%s' is not 64 hex digits",
				   option, text);
	return 0;
}

static int add_key_id(void *object, const char *name, const char *value,
		      struct verity_error *err)
{
	struct verity_deny deny = {.kind = VERITY_DENY_KEY};
	int r = parse_digest(name, value, deny.digest, err);

	return r < 0 ? r : add(object, &deny, err);
}

static int add_certificate(void *object, const char *name, const char *value,
			   struct verity_error *err)
{
	struct verity_deny deny = {.kind = VERITY_DENY_KEY};
	int r = verity_key_id_load(value, deny.digest, err);

	(void)name;
	return r < 0 ? r : add(object, &deny, err);
}

static int add_root_hash(void *object, const char *name, const char *value,
			 struct verity_error *err)
{
	struct verity_deny deny = {.kind = VERITY_DENY_ROOT_HASH};
	int r = parse_digest(name, value, deny.digest, err);

	return r < 0 ? r : add(object, &deny, err);
}

static int add_package(void *object, const char *name, const char *value,
		       struct verity_error *err)
{
	struct verity_deny deny = {.kind = VERITY_DENY_ROOT_HASH};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	int r = build_package_open(value, "not denied", &package, err);

	(void)name;
	if (r < 0)
		return r;
	memcpy(deny.digest, verity_package_judgement(package)->manifest->root_hash,
	       VERITY_DIGEST_BYTES);
	return add(object, &deny, err);
}

/* "NAME=EPOCH_BELOW" */
static int add_name(void *object, const char *option, const char *value,
		    struct verity_error *err)
{
	struct verity_deny deny = {.kind = VERITY_DENY_NAME};
	const char *equals = strchr(value, '=');
	size_t length = equals ? (size_t)(equals - value) : 0;
	int64_t epoch;
	int r;

	if (!equals)
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: '%s' is not NAME=EPOCH, which denies the "
				   "packages of that name below that epoch",
				   option, value);
	if (length < sizeof(deny.name))
		memcpy(deny.name, value, length);
	if (length >= sizeof(deny.name) || !verity_name_valid(deny.name))
		return verity_fail(err, VERITY_E_BAD_NAME,
				   "%s: '%.*s' is not a valid package name (a letter or "
				   "digit, then up to 63 of A-Z a-z 0-9 . _ -)",
				   option, (int)length, value);
	r = build_parse_integer(option, equals + 1, 1, UINT32_MAX, &epoch, err);
	if (r < 0)
		return r;
	deny.epoch_below = (uint32_t)epoch;
	return add(object, &deny, err);
}

/* 64 hex digits, or the file of the statement. */
static int add_unlock(void *object, const char *name, const char *value,
		      struct verity_error *err)
{
	cleanup_with(verity_statement_text_free) struct verity_statement_text text = {0};
	struct verity_deny deny = {.kind = VERITY_DENY_UNLOCK};
	struct verity_statement_parts parts;
	cleanup_free char *bytes = NULL;
	int r;

	if (parse_digest(name, value, deny.digest, NULL) == 0)
		return add(object, &deny, err);
	r = build_statement_load(value, &bytes, &parts, err);
	if (r < 0)
		return r;
	r = verity_statement_inspect(&parts, &text, err);
	if (r == 0 && text.type != VERITY_STATEMENT_UNLOCK)
		r = verity_fail(err, VERITY_E_WRONG_TYPE,
				"it is %s, not an unlock statement",
				verity_statement_type_words(text.type));
	if (r < 0)
		return verity_context(err, r, "%s: not denied", value);
	memcpy(deny.digest, text.digest, sizeof(deny.digest));
	return add(object, &deny, err);
}

const struct build_option build_denylist_options[] = {
	{"number", "N", "devices accept a list with a higher number than theirs",
	 BUILD_NUMBER, BUILD_MEMBER(struct request, number), 1, UINT32_MAX},
	{"key-id", "HEX", "a key, by the SHA-256 of its SubjectPublicKeyInfo", BUILD_CALL,
	 .read = add_key_id},
	{"revoke-cert", "PEM", "the key of this certificate", BUILD_CALL,
	 .read = add_certificate},
	{"root-hash", "HEX", "the image of a package", BUILD_CALL, .read = add_root_hash},
	{"package", "FILE.wmopkg", "the image of this package", BUILD_CALL,
	 .read = add_package},
	{"name", "NAME=EPOCH", "packages of this name, below this epoch", BUILD_CALL,
	 .read = add_name},
	{"unlock", "FILE|HASH", "one unlock statement, or its hash as shown by inspect",
	 BUILD_CALL, .read = add_unlock},
	{.name = NULL},
};

static int make(int argc, char **argv, struct request *request, struct verity_error *err)
{
	const struct build_options options[] = {
		{build_denylist_options, request},
		{build_signing_options, &request->signing},
		{NULL, NULL}};
	struct verity_denylist_text list;
	cleanup_free char *text = NULL;
	int r = build_options_read(argc, argv, options, 1, "OUT", err);

	if (r < 0)
		return r;
	request->out = argv[optind];
	if (request->number == 0)
		return verity_fail(err, VERITY_E_USAGE,
				   "denylist: missing option: --number");
	list = (struct verity_denylist_text){request->number, request->entries,
					     request->count};
	r = build_signing_check(&request->signing, "denylist", err);
	if (r == 0)
		r = build_statement_name(request->out, err);
	if (r == 0)
		r = verity_denylist_encode(&list, &text, err);
	return r < 0 ? r
		     : build_statement_write(request->out, text, &request->signing, err);
}

enum exit_status build_denylist(int argc, char **argv)
{
	struct request request = {.signing = {.when = -1, .use = BUILD_USE_LIST}};
	cleanup_free struct verity_deny *entries = NULL;
	struct verity_error err;
	int r = make(argc, argv, &request, &err);

	entries = request.entries;
	if (r < 0)
		return report_error(NULL, &err);
	printf("%s: deny list %" PRIu32 ", %zu %s, %s\n", request.out, request.number,
	       request.count, request.count == 1 ? "entry" : "entries",
	       request.signing.key ? "signed" : "not signed");
	if (request.number > NUMBER_HIGH)
		report_warning(
			"%s: only %" PRIu32
			" numbers are left above it, and a device accepts no lower "
			"one",
			request.out, UINT32_MAX - request.number);
	if (request.count == 0)
		report_warning(
			"%s: an empty list, which replaces lists that deny something",
			request.out);
	return report_output();
}
