/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What keeps a package out of a boot, whatever its verdict is: the plan of a boot, the
 * boot itself, and `wmopkg show` ask the same function. Pure.
 */

#include "overlay/config/bootconf.h"
#include "overlay/store/store.h"
#include "verity/format/manifest.h"

struct overlay_boot_rules {
	const struct overlay_bootconf *bootconf; /* borrowed */
	bool resets; /* a factory reset is carried out before packages are read */
	bool purges; /* one that empties PERSIST, too */
};

/**
 * overlay_boot_rules_check - whether a boot may activate a package
 * @manifest: NULL where it was checked that it may lie in its store
 *
 * Return: 0; -errno (MISPLACED, RESET, SAFE_MODE, DISABLED).
 */
int overlay_boot_rules_check(const struct overlay_boot_rules *rules,
			     const struct overlay_entry *entry,
			     const struct verity_manifest *manifest,
			     struct verity_error *reason) must_check;
