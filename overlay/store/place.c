/* SPDX-License-Identifier: MIT */
#include "overlay/store/place.h"

int overlay_place_check(const struct verity_manifest *manifest,
			enum overlay_store_kind kind, struct verity_error *reason)
{
	bool persistent = kind == OVERLAY_PERSISTENT;

	if (manifest->persistence == VERITY_PERSISTENT_REQUIRED && !persistent)
		return verity_fail(reason, VERITY_E_MISPLACED,
				   "the package asks to be persistent (install it with: "
				   "wmopkg install persistent ...)");
	if (manifest->persistence == VERITY_PERSISTENT_FORBIDDEN && persistent)
		return verity_fail(reason, VERITY_E_MISPLACED,
				   "the package must not be persistent (install it "
				   "without the word 'persistent')");
	return 0;
}
