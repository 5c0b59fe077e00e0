/* SPDX-License-Identifier: MIT */
#pragma once

/* Who may request a factory reset. */

#include "overlay/config/config.h"

/**
 * reset_allowed - whether this user may request one in this session
 *
 * Return: 0; -EACCES (PERMISSION).
 */
int reset_allowed(const struct overlay_config *config,
		  struct verity_error *err) must_check;
