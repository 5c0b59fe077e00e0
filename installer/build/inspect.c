/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "installer/build/main.h"
#include "installer/build/statement.h"
#include "installer/common/describe.h"
#include "installer/common/statement_file.h"
#include "verity/util/cleanup.h"

enum option_code {
	OPTION_JSON = 256,
	OPTION_KEYS,
	OPTION_DENYLIST,
	OPTION_MODEL,
	OPTION_FIRMWARE,
	OPTION_FLOOR,
	OPTION_ALLOW_UNTRUSTED,
};

static const struct option options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"keys", required_argument, NULL, OPTION_KEYS},
	{"denylist", required_argument, NULL, OPTION_DENYLIST},
	{"model", required_argument, NULL, OPTION_MODEL},
	{"firmware", required_argument, NULL, OPTION_FIRMWARE},
	{"floor", required_argument, NULL, OPTION_FLOOR},
	{"allow-untrusted", no_argument, NULL, OPTION_ALLOW_UNTRUSTED},
	{NULL, 0, NULL, 0},
};

/* Strings are borrowed from the command line; NULL where not given. */
struct request {
	bool json;
	const char *keys; /* NULL: nobody is trusted */
	const char *denylist;
	const char *model;
	const char *firmware;
	int64_t floor; /* epoch; -1: not given */
	bool allow_untrusted;
	const char *file;
};

static int take_option(struct request *request, char *const *argv, int option,
		       struct verity_error *err)
{
	switch (option) {
	case OPTION_JSON:
		request->json = true;
		return 0;
	case OPTION_KEYS:
		request->keys = optarg;
		return 0;
	case OPTION_DENYLIST:
		request->denylist = optarg;
		return 0;
	case OPTION_MODEL:
		request->model = optarg;
		return 0;
	case OPTION_FIRMWARE:
		request->firmware = optarg;
		return 0;
	case OPTION_FLOOR:
		return build_parse_integer("--floor", optarg, 0, UINT32_MAX,
					   &request->floor, err);
	case OPTION_ALLOW_UNTRUSTED:
		request->allow_untrusted = true;
		return 0;
	default:
		return build_fail_option(argv, err);
	}
}

static int parse(int argc, char **argv, struct request *ret, struct verity_error *err)
{
	int option, r = 0;

	optind = 1;
	while (r == 0 && (option = getopt_long(argc, argv, ":", options, NULL)) >= 0)
		r = take_option(ret, argv, option, err);
	if (r < 0)
		return r;
	if (argc - optind != 1)
		return verity_fail(err, VERITY_E_USAGE,
				   "inspect: one FILE.wmopkg or statement is expected");
	if (ret->denylist && !ret->keys)
		return verity_fail(err, VERITY_E_USAGE,
				   "inspect: --denylist counts with --keys alone, which "
				   "its signer must be among");
	ret->file = argv[optind];
	return 0;
}

/* A floor belongs to a name, which the package alone tells. */
static int name_of(const char *path, char ret[static VERITY_NAME_MAX + 1],
		   struct verity_error *err)
{
	const struct verity_policy policy = {.refuse_early = true};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_manifest *manifest;
	int r = verity_package_open(AT_FDCWD, path, &policy, &package, err);

	if (r < 0)
		return verity_context(err, r, "%s", path);
	manifest = verity_judgement_manifest(verity_package_judgement(package));
	snprintf(ret, VERITY_NAME_MAX + 1, "%s", manifest ? manifest->name : "");
	return 0;
}

static bool is_asked(const struct request *request)
{
	return request->keys || request->model || request->firmware ||
	       request->floor >= 0 || request->allow_untrusted;
}

static int inspect_package(const struct request *request,
			   const struct verity_policy *policy, bool *ret_good,
			   struct verity_error *err)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_judgement *judgement;
	int r = verity_package_open(AT_FDCWD, request->file, policy, &package, err);

	if (r < 0)
		return verity_context(err, r, "%s", request->file);
	judgement = verity_package_judgement(package);
	*ret_good = is_asked(request)
			    ? verity_judgement_accepted(judgement)
			    : verity_judgement_verdict(judgement) != VERITY_INVALID;
	if (request->json) {
		cleanup_with(verity_json_end) struct verity_json_writer json = {0};

		describe_put_judgement(&json, judgement, verity_package_layout(package));
		return verity_json_print(&json, stdout, err);
	}
	describe_print(judgement, verity_package_layout(package));
	return 0;
}

static int inspect_above(const struct request *request, struct verity_policy policy,
			 bool *ret_good, struct verity_error *err)
{
	struct verity_floor floor = {.epoch = 0};
	const struct verity_floors floors = {.epochs = &floor, .count = 1};

	if (request->floor < 0)
		return inspect_package(request, &policy, ret_good, err);
	floor.epoch = (uint32_t)request->floor;
	policy.floors = &floors;
	if (name_of(request->file, floor.name, err) < 0)
		return -1;
	return inspect_package(request, &policy, ret_good, err);
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
				   "inspect: of a statement only --keys, --denylist and "
				   "--json may be asked");
	r = build_statement_inspect(request->file, &view, &verdict, err);
	*ret_good = request->keys ? verdict == VERITY_SIGNED : verdict != VERITY_INVALID;
	return r;
}

static int load_denylist(const char *path, const struct verity_keyring *keyring,
			 struct verity_denylist **ret, struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = statement_load(path, &bytes, &size, err);

	if (r < 0)
		return r;
	r = verity_denylist_read(bytes, size, keyring, NULL, ret, err);
	return r < 0 ? verity_context(err, r, "%s", path) : 0;
}

static int inspect(const struct request *request, bool *ret_good,
		   struct verity_error *err)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring = NULL;
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	struct verity_policy policy = {
		.model = request->model,
		.firmware = request->firmware,
		.allow_untrusted = request->allow_untrusted,
	};
	int r = 0;

	/* On a device a missing key ring trusts nobody; here it is a slip of the pen. */
	if (request->keys && access(request->keys, F_OK) < 0)
		return verity_fail_errno(err, errno, "key ring %s", request->keys);
	if (request->keys)
		r = verity_keyring_load(request->keys, &keyring, err);
	if (r == 0 && request->denylist)
		r = load_denylist(request->denylist, keyring, &denylist, err);
	if (r < 0)
		return r;
	policy.keyring = keyring;
	policy.denylist = denylist;
	return build_statement_at(request->file)
		       ? inspect_statement(request, &policy, ret_good, err)
		       : inspect_above(request, policy, ret_good, err);
}

/* With a key ring the verdict is the answer; without one only damage is bad news. */
enum exit_status build_inspect(int argc, char **argv)
{
	struct request request = {.floor = -1};
	struct verity_error err;
	bool good = false;

	if (parse(argc, argv, &request, &err) < 0 || inspect(&request, &good, &err) < 0)
		return report_error(NULL, &err);
	return good ? report_output() : STATUS_REFUSED;
}
