/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether a hardware anchor stands between the boot configuration and trust. */

#include "overlay/config/config.h"

#define OVERLAY_EFI_PATH "/sys/firmware/efi"

/**
 * overlay_anchor_holds - whether the device is anchored
 * @efi: OVERLAY_EFI_PATH; another for tests
 *
 * With OVERLAY_ANCHOR_EFI: the UEFI variable SecureBoot is 1. Where there is UEFI and its
 * variables cannot be read the anchor holds, because it is not known that it does not.
 * Mounts efivarfs for as long as it reads, where it is not mounted.
 */
bool overlay_anchor_holds(enum overlay_anchor anchor, const char *efi);
