/* SPDX-License-Identifier: MIT */
#pragma once

/* One installation: from the source of a package into the store. */

#include "installer/device/device.h"
#include "installer/fetch/source.h"

/**
 * install_run - fetch a package, verify it while it arrives, and put it into its store
 * @source: borrowed; asked for its bytes once
 * @kind:   the store; a package of this name in the other one is replaced as well
 * @force:  also where it hides a part of the firmware; see critical_check()
 *
 * Prints the progress, the verdict and what is replaced on stdout, warnings on stderr.
 * All that the head of the file tells (verdict, store, identity, space) is checked before
 * the first byte of tree and image is taken. A failure leaves both stores as they were.
 *
 * Return: 0; -errno.
 */
int install_run(struct device *device, struct source *source,
		enum overlay_store_kind kind, bool force,
		struct verity_error *err) must_check;
