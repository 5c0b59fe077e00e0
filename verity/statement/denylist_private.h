/* SPDX-License-Identifier: MIT */
#pragma once

/* What a deny list is made of; for the tests of the rules that it is asked by. */

#include "verity/statement/denylist.h"

struct verity_denylist {
	struct verity_denylist_text text; /* owned */
	struct verity_signer signer;
};
