/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Packages that kept the device from booting, by their id: the digest of the manifest,
 * which names everything that is in them.
 */

#include "verity/format/manifest.h"

/* Plain data; borrowed by the policy. */
struct verity_quarantine {
	const uint8_t (*ids)[VERITY_DIGEST_BYTES];
	size_t count;
};

/**
 * verity_quarantine_holds - whether @id is one of them; @quarantine NULL holds none
 */
bool verity_quarantine_holds(const struct verity_quarantine *quarantine,
			     const uint8_t id[static VERITY_DIGEST_BYTES]);
