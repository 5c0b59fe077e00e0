/* SPDX-License-Identifier: MIT */
#pragma once

/* The request of a factory reset, without its question. */

#include "installer/device/device.h"

/**
 * reset_request_allowed - whether this process may request a reset; a refusal is logged
 * @purge: for the log
 *
 * Return: 0; -errno, as of reset_allowed().
 */
int reset_request_allowed(struct device *device, bool purge,
			  struct verity_error *err) must_check;

/**
 * reset_request - request a reset, which the next boot carries out, and log it
 * @purge: also all that PERSIST has
 *
 * Return: 0; -EOPNOTSUPP (UNSUPPORTED) where there is no PERSIST; -errno.
 */
int reset_request(struct device *device, bool purge, struct verity_error *err) must_check;

/**
 * reset_request_cancel - cancel it, also that of the boot configuration, and log it
 * @ret: whether one was requested
 *
 * Return: 0; -EOPNOTSUPP (UNSUPPORTED) where it has begun, or cannot be cancelled from
 * here; -errno.
 */
int reset_request_cancel(struct device *device, bool *ret,
			 struct verity_error *err) must_check;
