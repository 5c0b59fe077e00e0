/* SPDX-License-Identifier: MIT */

/* For processors without lanes here: OpenSSL hashes everything. */

#include "verity/hashtree/sha256_lanes.h"

const struct verity_sha256_kind verity_sha256_kinds[SHA256_KINDS_MAX + 1] = {
	{.lanes = 0}};
