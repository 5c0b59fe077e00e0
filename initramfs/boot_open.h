/* SPDX-License-Identifier: MIT */
#pragma once

/* Opens what a boot needs from the volumes: stores, records, trust. */

#include "initramfs/boot_context.h"
#include "initramfs/packages.h"

/**
 * boot_open - find and mount the volumes, carry out a reset that is due, clean the store
 * on PERSIST and load trust
 *
 * Of a volume that is missing or cannot be read, only its own packages are lost; the
 * kernel log says so. The same holds, in a plan, for one that is not mounted.
 */
int boot_open(struct boot *boot, struct verity_error *err) must_check;

/**
 * boot_clean_store - delete what interrupted installs left in a store, and log it
 *
 * The store on DATA only once the packages are mounted: whoever writes to DATA decides
 * how long it takes.
 */
void boot_clean_store(struct boot *boot, enum overlay_store_kind kind);

/**
 * boot_check_required - check what the configuration requires: PERSIST, and packages
 * @packages: verified; NULL: not known yet, only PERSIST is checked
 * @stacked:  they are mounted, too
 *
 * Return: 0; -EPERM (REQUIRED).
 */
int boot_check_required(const struct boot *boot, const struct packages *packages,
			bool stacked, struct verity_error *err) must_check;
