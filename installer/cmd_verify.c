/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "installer/allowed.h"
#include "installer/command.h"
#include "installer/facts.h"
#include "verity/cleanup.h"
#include "verity/json_value.h"

DEFINE_CLEANUP(struct verity_package, verity_package_free);

static int print_json(const struct verity_package *package, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	const struct verity_judgement *judgement = verity_package_judgement(package);
	bool accepted = verity_judgement_accepted(judgement);
	int r;

	if (!object ||
	    !verity_json_put(object, "accepted", json_object_new_boolean(accepted)))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = facts_add_json(object, judgement, verity_package_layout(package), err);
	if (r == 0)
		puts(json_object_to_json_string_ext(
			object,
			JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	return r;
}

static void print_facts(const char *file, const struct verity_package *package)
{
	const struct verity_judgement *judgement = verity_package_judgement(package);

	report_plain(stdout, file);
	printf(": %s\n", verity_verdict_name(verity_judgement_verdict(judgement)));
	facts_print(judgement, verity_package_layout(package));
}

/* A package that would not be taken is an error like any other, after the facts. */
static int verify(struct device *device, const char *file, bool json,
		  struct verity_error *err)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_judgement *judgement;
	const struct verity_policy *policy;
	struct verity_policy anew;
	int r = device_policy(device, &policy, err);

	if (r < 0)
		return r;
	/* As `install` judges it, which ends a quarantine. */
	anew = *policy;
	anew.quarantine = NULL;
	r = verity_package_open(AT_FDCWD, file, &anew, &package, err);
	if (r < 0)
		return verity_context(err, r, "%s", file);
	judgement = verity_package_judgement(package);
	if (json)
		r = print_json(package, err);
	else
		print_facts(file, package);
	if (r < 0 || verity_judgement_accepted(judgement))
		return r;
	allowed_warn(device);
	*err = *verity_judgement_reason(judgement);
	return verity_context(err, -1, "%s: %s", file,
			      verity_verdict_name(verity_judgement_verdict(judgement)));
}

enum exit_status command_verify(struct device *device, const struct words *words)
{
	struct verity_error err;

	if (verify(device, words->values[WORD_FILE], words_has(words, WORD_JSON), &err) <
	    0)
		return report_hinted(NULL, &err, allowed_hint(device, err.code));
	return report_output();
}
