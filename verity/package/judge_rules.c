/* SPDX-License-Identifier: MIT */
#include "verity/package/judge_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/glob.h"
#include "verity/util/version.h"

static bool signed_under(const struct verity_signatures *signatures, const char *anchor)
{
	for (size_t i = 0; i < signatures->count; i++)
		if (strcmp(signatures->signers[i].anchor, anchor) == 0)
			return true;
	return false;
}

static void list_anchors(const struct verity_required *required, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < required->count && used < size; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? ", " : "",
					 required->anchors[i]);
}

int verity_judge_required(const struct verity_required *required,
			  const struct verity_signatures *signatures,
			  struct verity_error *reason)
{
	char names[256];
	size_t found = 0;

	for (size_t i = 0; i < required->count; i++) {
		if (signed_under(signatures, required->anchors[i]))
			found++;
		else if (required->all)
			return verity_fail(reason, VERITY_E_MISSING_SIGNER,
					   "it has no signature under %s of the key ring",
					   required->anchors[i]);
	}
	if (found || required->count == 0)
		return 0;
	list_anchors(required, names, sizeof(names));
	return verity_fail(reason, VERITY_E_MISSING_SIGNER,
			   "it has no signature under any of %s of the key ring", names);
}

int verity_judge_denied(const struct verity_policy *policy,
			const struct verity_subject *subject, struct verity_error *reason)
{
	int r = verity_denylist_check_keys(policy->denylist, subject->signatures, reason);

	if (r == 0)
		r = verity_denylist_check_manifest(policy->denylist, subject->manifest,
						   reason);
	return r;
}

static bool check_epoch(const struct verity_policy *policy,
			const struct verity_manifest *manifest,
			struct verity_error *reason)
{
	uint32_t floor = verity_floors_epoch(policy->floors, manifest->name);

	if (manifest->epoch >= floor)
		return true;
	verity_fail(reason, VERITY_E_DOWNGRADE,
		    "its epoch is %" PRIu32 ", and this device has run %s with epoch "
		    "%" PRIu32,
		    manifest->epoch, manifest->name, floor);
	return false;
}

static void list_globs(const struct verity_manifest *manifest, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < manifest->compatible_count && used < size; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? ", " : "",
					 manifest->compatible[i]);
}

static bool check_model(const struct verity_policy *policy,
			const struct verity_manifest *manifest,
			struct verity_error *reason)
{
	char globs[256];

	if (!policy->model || manifest->compatible_count == 0)
		return true;
	for (size_t i = 0; i < manifest->compatible_count; i++)
		if (policy->model[0] &&
		    verity_glob_match(manifest->compatible[i], policy->model))
			return true;
	list_globs(manifest, globs, sizeof(globs));
	if (policy->model[0])
		verity_fail(reason, VERITY_E_WRONG_MODEL,
			    "it is for %s, and this device is '%s'", globs,
			    policy->model);
	else
		verity_fail(reason, VERITY_E_WRONG_MODEL,
			    "it is for %s, and what model this device is is not known",
			    globs);
	return false;
}

static bool check_firmware(const struct verity_policy *policy,
			   const struct verity_manifest *manifest,
			   struct verity_error *reason)
{
	const char *min = manifest->firmware_min;
	const char *max = manifest->firmware_max;
	const char *ours = policy->firmware;

	if (!ours || (!min[0] && !max[0]))
		return true;
	if (!ours[0])
		verity_fail(reason, VERITY_E_WRONG_FIRMWARE,
			    "it asks for a firmware version, and that of this device is "
			    "not known");
	else if (min[0] && verity_version_compare(ours, min) < 0)
		verity_fail(reason, VERITY_E_WRONG_FIRMWARE,
			    "it is for firmware from %s on, and this is %s", min, ours);
	else if (max[0] && verity_version_compare(ours, max) > 0)
		verity_fail(reason, VERITY_E_WRONG_FIRMWARE,
			    "it is for firmware up to %s, and this is %s", max, ours);
	else
		return true;
	return false;
}

enum verity_verdict verity_judge_rules(const struct verity_policy *policy,
				       const struct verity_subject *subject,
				       struct verity_error *reason)
{
	const struct verity_manifest *manifest = subject->manifest;
	bool downgrade;

	if (verity_quarantine_holds(policy->quarantine, subject->id)) {
		verity_fail(reason, VERITY_E_QUARANTINED,
			    "it was left out after boots that were not completed");
		return VERITY_QUARANTINED;
	}
	downgrade = !check_epoch(policy, manifest, reason);
	if (downgrade && !policy->allow_downgrade)
		return VERITY_DOWNGRADE;
	/* Being let off the floor lets nothing off the rest. */
	if (!check_model(policy, manifest, reason) ||
	    !check_firmware(policy, manifest, reason))
		return VERITY_INCOMPATIBLE;
	return downgrade ? VERITY_DOWNGRADE : VERITY_SIGNED;
}
