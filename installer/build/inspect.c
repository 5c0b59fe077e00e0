/* SPDX-License-Identifier: MIT */
/* wmopkg-build inspect: what a package or statement says, and its verdict on a device. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "installer/build/commands.h"
#include "installer/build/inspect_statement.h"
#include "installer/build/statement.h"
#include "installer/common/describe.h"
#include "installer/common/statement_file.h"
#include "verity/util/cleanup.h"

/* Strings are borrowed from the command line; NULL if not given. */
struct request {
	bool json;
	const char *keys; /* NULL: no signer is trusted */
	const char *denylist;
	const char *model;
	const char *firmware;
	int64_t floor; /* epoch; -1: not given */
	bool allow_untrusted;
	bool timestamp; /* required */
	const char *file;
};

const struct build_option build_inspect_options[] = {
	{"json", NULL, NULL, BUILD_FLAG, BUILD_MEMBER(struct request, json)},
	{"keys", "DIR", "its key ring", BUILD_STRING, BUILD_MEMBER(struct request, keys)},
	{"denylist", "FILE", "its deny list", BUILD_STRING,
	 BUILD_MEMBER(struct request, denylist)},
	{"model", "M", "its model", BUILD_STRING, BUILD_MEMBER(struct request, model)},
	{"firmware", "V", "the version of its firmware", BUILD_STRING,
	 BUILD_MEMBER(struct request, firmware)},
	{"floor", "N", "the highest epoch of the package that it has run", BUILD_NUMBER,
	 BUILD_MEMBER(struct request, floor), 0, UINT32_MAX},
	{"allow-untrusted", NULL, "its boot configuration sets Allow Untrusted",
	 BUILD_FLAG, BUILD_MEMBER(struct request, allow_untrusted)},
	{"require-timestamp", NULL, "its configuration requires timestamps", BUILD_FLAG,
	 BUILD_MEMBER(struct request, timestamp)},
	{.name = NULL},
};

/* A floor belongs to a name, which only the package says. */
static int read_name(const char *path, char ret[static VERITY_NAME_MAX + 1],
		     struct verity_error *err)
{
	const struct verity_policy policy = {.refuse_early = true};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_manifest *manifest;
	int r = verity_package_open(AT_FDCWD, path, &policy, &package, err);

	if (r < 0)
		return verity_context(err, r, "%s", path);
	manifest = verity_package_judgement(package)->manifest;
	snprintf(ret, VERITY_NAME_MAX + 1, "%s", manifest ? manifest->name : "");
	return 0;
}

static int inspect_package(const struct request *request, struct verity_policy policy,
			   bool *ret_good, struct verity_error *err)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	struct verity_floor floor = {.epoch = 0};
	const struct verity_floors floors = {.epochs = &floor, .count = 1};
	const struct verity_judgement *judgement;
	bool for_device = request->keys || request->model || request->firmware ||
			  request->floor >= 0 || request->allow_untrusted;
	int r = 0;

	if (request->floor >= 0) {
		floor.epoch = (uint32_t)request->floor;
		policy.floors = &floors;
		r = read_name(request->file, floor.name, err);
	}
	if (r < 0)
		return r;
	r = verity_package_open(AT_FDCWD, request->file, &policy, &package, err);
	if (r < 0)
		return verity_context(err, r, "%s", request->file);
	judgement = verity_package_judgement(package);
	*ret_good =
		for_device ? judgement->accepted : judgement->verdict != VERITY_INVALID;
	if (request->json) {
		cleanup_with(verity_json_end) struct verity_json_writer json = {0};

		describe_put_judgement(&json, judgement, verity_package_layout(package));
		return verity_json_print(&json, stdout, err);
	}
	describe_print(judgement, verity_package_layout(package));
	return 0;
}

static int inspect_statement(const struct request *request,
			     const struct verity_policy *policy, bool *ret_good,
			     struct verity_error *err)
{
	const struct build_statement_view view = {policy->keyring, policy->denylist,
						  request->json};
	enum verity_verdict verdict = VERITY_INVALID;
	int r;

	if (request->model || request->firmware || request->floor >= 0 ||
	    request->allow_untrusted)
		return verity_fail(err, VERITY_E_USAGE,
				   "inspect: a statement takes only --keys, --denylist "
				   "and --json");
	r = build_statement_inspect(request->file, &view, &verdict, err);
	*ret_good = request->keys ? verdict == VERITY_SIGNED : verdict != VERITY_INVALID;
	return r;
}

static int inspect(const struct request *request, bool *ret_good,
		   struct verity_error *err)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring = NULL;
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	cleanup_free char *bytes = NULL;
	struct verity_policy policy = {
		.model = request->model,
		.firmware = request->firmware,
		.allow_untrusted = request->allow_untrusted,
	};
	struct verity_error skipped;
	size_t size;
	int r = 0;

	/* A device without a key ring trusts no signer; here it is a typing error. */
	if (request->keys && access(request->keys, F_OK) < 0)
		return verity_fail_errno(err, errno, "key ring %s", request->keys);
	if (request->keys)
		r = verity_keyring_load(request->keys, &keyring, err);
	if (keyring) {
		skipped = *verity_keyring_skipped(keyring, &size);
		if (size > 0)
			report_warning("%zu files skipped, the first: %s", size,
				       skipped.message);
	}
	if (r == 0 && keyring && request->timestamp)
		verity_keyring_require_timestamps(keyring);
	if (r == 0 && request->denylist) {
		r = statement_load(request->denylist, &bytes, &size, err);
		if (r < 0)
			return r;
		r = verity_denylist_read(bytes, size, keyring, NULL, &denylist, err);
		if (r < 0)
			return verity_context(err, r, "%s", request->denylist);
	}
	if (r < 0)
		return r;
	policy.keyring = keyring;
	policy.denylist = denylist;
	return build_statement_at(request->file)
		       ? inspect_statement(request, &policy, ret_good, err)
		       : inspect_package(request, policy, ret_good, err);
}

/* With a key ring the verdict decides; without one only damage is a failure. */
enum exit_status build_inspect(int argc, char **argv)
{
	struct request request = {.floor = -1};
	const struct build_options options[] = {{build_inspect_options, &request},
						{NULL, NULL}};
	struct verity_error err;
	bool good = false;
	int r = build_options_read(argc, argv, options, 1, "FILE.wmopkg or statement",
				   &err);

	if (r == 0 && request.denylist && !request.keys)
		r = verity_fail(&err, VERITY_E_USAGE,
				"inspect: --denylist needs --keys, which its signer "
				"must be in");
	if (r == 0 && request.timestamp && !request.keys)
		r = verity_fail(&err, VERITY_E_USAGE,
				"inspect: --require-timestamp needs --keys, which the "
				"authority must be in");
	if (r == 0) {
		request.file = argv[optind];
		r = inspect(&request, &good, &err);
	}
	if (r < 0)
		return report_error(NULL, &err);
	return good ? report_output() : STATUS_REFUSED;
}
