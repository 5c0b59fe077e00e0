/* SPDX-License-Identifier: MIT */
#pragma once

/* What a deny list is made of; for the files of verity/ that make and ask it. */

#include "verity/denylist.h"

struct verity_denylist {
	uint32_t number;
	struct verity_deny *entries; /* owned */
	size_t count;
	struct verity_signer signer;
};
