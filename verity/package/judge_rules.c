/* SPDX-License-Identifier: MIT */

/* Required signers, quarantine, epoch floor, device model and firmware version. */

#include "verity/package/judge_rules.h"

#include <inttypes.h>
#include <string.h>

#include "verity/statement/epoch.h"
#include "verity/util/glob.h"
#include "verity/util/text.h"
#include "verity/util/version.h"

int verity_judge_required(const struct verity_required *required,
			  const struct verity_signatures *signatures,
			  struct verity_error *reason)
{
	char names[256] = "";
	size_t found = 0;

	for (size_t i = 0; i < required->count; i++) {
		const char *anchor = required->anchors[i];
		bool signed_under = false;

		for (size_t k = 0; !signed_under && k < signatures->count; k++)
			signed_under = strcmp(signatures->signers[k].anchor, anchor) == 0;
		if (!signed_under && required->all)
			return verity_fail(reason, VERITY_E_MISSING_SIGNER,
					   "it has no signature under %s of the key ring",
					   anchor);
		found += signed_under;
		verity_text_append(names, sizeof(names), "%s%s", i ? ", " : "", anchor);
	}
	if (found || required->count == 0)
		return 0;
	return verity_fail(reason, VERITY_E_MISSING_SIGNER,
			   "it has no signature under one of these certificates of the "
			   "key ring: %s",
			   names);
}

int verity_judge_denied(const struct verity_policy *policy,
			const struct verity_judgement *judgement,
			struct verity_error *reason)
{
	int r = verity_denylist_check_keys(policy->denylist, &judgement->signatures,
					   reason);

	if (r == 0)
		r = verity_denylist_check_manifest(policy->denylist, judgement->manifest,
						   reason);
	return r;
}

int verity_judge_model(const struct verity_policy *policy,
		       char (*compatible)[VERITY_GLOB_MAX + 1], size_t count,
		       struct verity_error *reason)
{
	char globs[256] = "";

	if (!policy->model || count == 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (policy->model[0] && verity_glob_match(compatible[i], policy->model))
			return 0;
		verity_text_append(globs, sizeof(globs), "%s%s", i ? ", " : "",
				   compatible[i]);
	}
	if (!policy->model[0])
		return verity_fail(
			reason, VERITY_E_WRONG_MODEL,
			"it is for %s, and the model of this device is unknown", globs);
	return verity_fail(reason, VERITY_E_WRONG_MODEL,
			   "it is for %s, and this device is '%s'", globs, policy->model);
}

static int check_firmware(const struct verity_policy *policy,
			  const struct verity_manifest *manifest,
			  struct verity_error *reason)
{
	const char *min = manifest->firmware_min;
	const char *max = manifest->firmware_max;
	const char *ours = policy->firmware;

	if (!ours || (!min[0] && !max[0]))
		return 0;
	if (!ours[0])
		return verity_fail(reason, VERITY_E_WRONG_FIRMWARE,
				   "it requires a firmware version, and that of this "
				   "device is unknown");
	if (min[0] && verity_version_compare(ours, min) < 0)
		return verity_fail(reason, VERITY_E_WRONG_FIRMWARE,
				   "it requires firmware %s or later, and this is %s",
				   min, ours);
	if (max[0] && verity_version_compare(ours, max) > 0)
		return verity_fail(reason, VERITY_E_WRONG_FIRMWARE,
				   "it requires firmware %s or earlier, and this is %s",
				   max, ours);
	return 0;
}

enum verity_verdict verity_judge_rules(const struct verity_policy *policy,
				       const struct verity_judgement *judgement,
				       struct verity_error *reason)
{
	const struct verity_manifest *manifest = judgement->manifest;
	uint32_t floor = verity_floors_epoch(policy->floors, manifest->name);
	bool downgrade = manifest->epoch < floor;

	if (verity_quarantine_holds(policy->quarantine, judgement->id)) {
		verity_fail(reason, VERITY_E_QUARANTINED,
			    "it was left out after boots that were not completed");
		return VERITY_QUARANTINED;
	}
	if (floor == VERITY_EPOCH_UNKNOWN && downgrade)
		verity_fail(reason, VERITY_E_DOWNGRADE,
			    "its epoch is %" PRIu32
			    ", and this device has run %s with epoch %" PRIu32
			    ", the highest, or cannot read which (try again)",
			    manifest->epoch, manifest->name, floor);
	else if (downgrade)
		verity_fail(reason, VERITY_E_DOWNGRADE,
			    "its epoch is %" PRIu32
			    ", and this device has run %s with epoch %" PRIu32,
			    manifest->epoch, manifest->name, floor);
	if (downgrade && !policy->allow_downgrade)
		return VERITY_DOWNGRADE;
	/* An allowed downgrade must still be for this model and firmware. */
	if (verity_judge_model(policy, manifest->compatible, manifest->compatible_count,
			       reason) < 0 ||
	    check_firmware(policy, manifest, reason) < 0)
		return VERITY_INCOMPATIBLE;
	return downgrade ? VERITY_DOWNGRADE : VERITY_SIGNED;
}
