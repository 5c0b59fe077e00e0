/* SPDX-License-Identifier: MIT */

/* The rules of a boot, in the order in which they count. */

#include "overlay/store/boot_rules.h"

#include "overlay/store/order.h"

int overlay_boot_rules_check(const struct overlay_boot_rules *rules,
			     const struct overlay_entry *entry,
			     const struct verity_manifest *manifest,
			     struct verity_error *reason)
{
	int r = manifest ? overlay_order_check_store(manifest, entry->kind, reason) : 0;

	if (r < 0)
		return r;
	if (rules->purges || (rules->resets && entry->kind == OVERLAY_ORDINARY))
		return verity_fail(reason, VERITY_E_RESET,
				   "the next boot deletes it: a %s is requested",
				   rules->purges ? "purge" : "factory reset");
	if (rules->bootconf->safe)
		return verity_fail(reason, VERITY_E_SAFE_MODE,
				   "the boot configuration leaves all packages out "
				   "(wmopkg.safe)");
	if (overlay_bootconf_disabled(rules->bootconf, entry->name))
		return verity_fail(
			reason, VERITY_E_DISABLED,
			"the boot configuration leaves it out (wmopkg.disable)");
	return 0;
}
