/* SPDX-License-Identifier: MIT */
/* Looks up a package among the quarantined ones. */
#include "verity/statement/quarantine.h"

#include <string.h>

bool verity_quarantine_holds(const struct verity_quarantine *quarantine,
			     const uint8_t id[static VERITY_DIGEST_BYTES])
{
	for (size_t i = 0; quarantine && i < quarantine->count; i++)
		if (memcmp(quarantine->ids[i], id, VERITY_DIGEST_BYTES) == 0)
			return true;
	return false;
}
