/* SPDX-License-Identifier: MIT */
#pragma once

/* One installation, from where a package comes from into the store. */

#include "installer/device/device.h"
#include "installer/fetch/source.h"

/**
 * installing_run - fetch a package, judge it as it comes, and put it into its store
 * @source: borrowed; asked for its bytes once
 * @kind:   the store; a package of this name in the other one is replaced as well
 *
 * Says on stdout how far it has come, the verdict, and what it replaces; warns on stderr.
 * All that can be known from the head is, before anything of tree and image is taken:
 * verdict, store, identity, room. A failure leaves both stores as they were.
 *
 * Return: 0; -errno.
 */
int installing_run(struct device *device, struct source *source,
		   enum overlay_store_kind kind, struct verity_error *err) must_check;
