/* SPDX-License-Identifier: MIT */
#pragma once

/* The boot configuration as the U-Boot environment has it. */

#include "overlay/config/bootconf.h"

/**
 * overlay_bootconf_uboot - add what the U-Boot environment says
 * @config: fw_env.config(5)
 *
 * Return: 0, also where there is no such file; -errno, and then nothing was added.
 */
int overlay_bootconf_uboot(const char *config, struct overlay_bootconf *conf,
			   struct verity_error *err) must_check;

/**
 * overlay_bootconf_take - add what one variable says
 */
void overlay_bootconf_take(enum overlay_bootkey key, const char *value,
			   struct overlay_bootconf *conf);

/**
 * overlay_bootconf_take_media - add the labels of a list LABEL:MATCH,…
 * @text: @size bytes, not 0-terminated; entries that are malformed are passed over, and
 *        so is all beyond OVERLAY_MEDIA_MAX
 *
 * Return: whether it says anything: a list without one sound entry does not, but an empty
 * one does.
 */
bool overlay_bootconf_take_media(const char *text, size_t size,
				 struct overlay_bootconf *conf);
