/* SPDX-License-Identifier: MIT */
#pragma once

/* Which of the two stores a package asks for. Pure. */

#include "overlay/store/store.h"
#include "verity/format/manifest.h"

/**
 * overlay_place_check - whether a package may lie in the store of @kind
 *
 * Asked when it is installed, and at each boot: where somebody put it by hand, a factory
 * reset would take what its signer wants kept, or leave what is to go.
 *
 * Return: 0; -EOPNOTSUPP (MISPLACED).
 */
int overlay_place_check(const struct verity_manifest *manifest,
			enum overlay_store_kind kind,
			struct verity_error *reason) must_check;
