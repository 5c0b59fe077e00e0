/* SPDX-License-Identifier: MIT */
#pragma once

/* A deny list from wherever it comes, put in force. */

#include "installer/device/device.h"
#include "installer/fetch/source.h"

/**
 * denylist_receive - fetch a deny list and put it in force
 * @source: asked for its bytes once
 * @out:    for lines about the transfer; NULL: stdout
 *
 * Logged, also where it is refused. Warnings are reported. device_record_fd() comes
 * before it.
 *
 * Return: 1; 0 where it is in force already; -errno with the source in the message; see
 * statement_receive() and overlay_trust_set_denylist().
 */
int denylist_receive(struct device *device, struct source *source, FILE *out,
		     struct verity_error *err) must_check;
