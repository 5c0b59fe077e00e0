/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The newest signed set that this device has applied: kept as the vendor signed it, and
 * verified each time it is used. So whoever writes to PERSIST can delete it, but cannot
 * invent a number that keeps the vendor's next set out.
 */

#include "verity/package/judge.h"
#include "verity/statement/package_set.h"

/**
 * overlay_newest_set_check - whether a set is not older than the one that is kept
 * @record_fd: PERSIST/wmopkg; -1: nothing is remembered
 * @policy:    key ring and deny list; a kept one that they do not vouch for does not
 * count
 *
 * The same set again is fine, also with another signature.
 *
 * Return: 0; -EPERM (OLD_SET) also for another set of the same number; -errno.
 */
int overlay_newest_set_check(int record_fd, const struct verity_policy *policy,
			     const struct verity_signed_set *set,
			     struct verity_error *err) must_check;

/**
 * overlay_newest_set_keep - keep a set, before the step that applies it
 * @bytes: its statement file
 *
 * Return: 0 when it is durable, also without PERSIST; as overlay_newest_set_check();
 * -EBUSY; -errno.
 */
int overlay_newest_set_keep(int record_fd, const struct verity_policy *policy,
			    const struct verity_signed_set *set, const void *bytes,
			    size_t size, struct verity_error *err) must_check;
