/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "installer/allowed.h"
#include "installer/command.h"
#include "installer/critical_warn.h"
#include "installer/facts.h"
#include "verity/cleanup.h"
#include "verity/json_value.h"
#include "verity/name.h"

DEFINE_CLEANUP(struct verity_package, verity_package_free);

/* What a package would do to the others here; not known where it was not accepted. */
struct effect {
	char name[VERITY_NAME_MAX + 1]; /* it would be installed under */
	bool known;
	struct changes_count count;
	struct critical_lines *lines;
};

static void effect_free_p(struct effect *effect)
{
	critical_lines_free(effect->lines);
}

static void find_effect(struct device *device, const char *file,
			const struct verity_package *package, struct effect *ret)
{
	const struct verity_verified *verified = verity_package_verified(package);
	struct verity_error why;

	if (!verified)
		return;
	if (verity_name_from_path(file, ret->name, NULL) < 0)
		snprintf(ret->name, sizeof(ret->name), "%s",
			 verity_verified_manifest(verified)->name);
	ret->lines = critical_lines_new();
	ret->known = critical_find(device, ret->name, verified, false, ret->lines,
				   &ret->count, &why) == 0;
	if (!ret->known)
		report_warning("what it changes cannot be told: %s", why.message);
}

static bool put_effect(struct json_object *object, const struct effect *effect)
{
	struct json_object *changes;

	if (!effect->known)
		return true;
	changes = json_object_new_object();
	return verity_json_put(object, "changes", changes) &&
	       changes_put_count(changes, &effect->count);
}

static int print_json(const struct verity_package *package, const struct effect *effect,
		      struct verity_error *err)
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
	if (r == 0 && !put_effect(object, effect))
		r = verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (r == 0)
		puts(json_object_to_json_string_ext(
			object,
			JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	return r;
}

static void print_facts(const struct verity_package *package, const struct effect *effect)
{
	facts_print(verity_package_judgement(package), verity_package_layout(package));
	if (!effect->known)
		return;
	fputs("Changes: ", stdout);
	changes_print_count(&effect->count);
	putchar('\n');
	critical_lines_warn(effect->lines, effect->name);
}

/* A package that would not be taken is an error like any other, after the facts. */
static int verify(struct device *device, const char *file, bool json,
		  struct verity_error *err)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	cleanup_with(effect_free_p) struct effect effect = {0};
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
	find_effect(device, file, package, &effect);
	if (json)
		r = print_json(package, &effect, err);
	else
		print_facts(package, &effect);
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
