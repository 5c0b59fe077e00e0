/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "installer/build.h"
#include "installer/facts.h"
#include "verity/cleanup.h"
#include "verity/json_value.h"

DEFINE_CLEANUP(struct verity_package, verity_package_free);
DEFINE_CLEANUP(struct verity_keyring, verity_keyring_free);

static const struct option options[] = {
	{"json", no_argument, NULL, 'j'},
	{"keys", required_argument, NULL, 'k'},
	{NULL, 0, NULL, 0},
};

struct request {
	bool json;
	const char *keys; /* NULL: nobody is trusted */
	const char *package;
};

static int parse(int argc, char **argv, struct request *ret, struct verity_error *err)
{
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (option == 'j')
			ret->json = true;
		else if (option == 'k')
			ret->keys = optarg;
		else
			return verity_fail(
				err, VERITY_E_USAGE,
				"inspect: an option is unknown or lacks its value");
	}
	if (argc - optind != 1)
		return verity_fail(err, VERITY_E_USAGE,
				   "inspect: one FILE.wmopkg is expected");
	ret->package = argv[optind];
	return 0;
}

static int print_json(const struct verity_package *package, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	int r;

	if (!object)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = facts_add_json(object, verity_package_judgement(package),
			   verity_package_layout(package), err);
	if (r == 0)
		puts(json_object_to_json_string_ext(
			object,
			JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	return r;
}

static int inspect(const struct request *request, enum verity_verdict *ret,
		   struct verity_error *err)
{
	cleanup_with(verity_keyring_free_p) struct verity_keyring *keyring = NULL;
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	struct verity_policy policy = {0};
	int r;

	if (request->keys && verity_keyring_load(request->keys, &keyring, err) < 0)
		return -1;
	policy.keyring = keyring;
	r = verity_package_open(AT_FDCWD, request->package, &policy, &package, err);
	if (r < 0)
		return verity_context(err, r, "%s", request->package);
	*ret = verity_judgement_verdict(verity_package_judgement(package));
	if (request->json)
		return print_json(package, err);
	facts_print(verity_package_judgement(package), verity_package_layout(package));
	return 0;
}

/* With a key ring the verdict is the answer; without one only damage is bad news. */
enum exit_status build_inspect(int argc, char **argv)
{
	struct request request = {0};
	enum verity_verdict verdict = VERITY_INVALID;
	struct verity_error err;

	if (parse(argc, argv, &request, &err) < 0 ||
	    inspect(&request, &verdict, &err) < 0)
		return report_error(NULL, &err);
	if (verdict == VERITY_INVALID || (request.keys && verdict != VERITY_SIGNED))
		return STATUS_REFUSED;
	return report_output();
}
