/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The device as the commands see it: its configuration, and what that leads to. Each part
 * is opened when a command first asks for it, so that `verify` needs no store and
 * `remove` no keys.
 */

#include "overlay/config.h"
#include "overlay/state.h"
#include "verity/judge.h"

struct device;

/**
 * device_open - read the configuration
 * @config_path: NULL for the device's own
 * @ret:         set on success alone; free with device_free()
 */
int device_open(const char *config_path, struct device **ret,
		struct verity_error *err) must_check;

void device_free(struct device *device);

/**
 * device_policy - who is trusted: key ring and boot configuration
 * @ret: borrowed from @device
 */
int device_policy(struct device *device, const struct verity_policy **ret,
		  struct verity_error *err) must_check;

/**
 * device_store - the installed set
 * @ret: borrowed from @device
 *
 * A volume that does not exist is an empty store, with a warning on stderr.
 */
int device_store(struct device *device, struct overlay_store **ret,
		 struct verity_error *err) must_check;

/**
 * device_state - what this boot did
 *
 * Return: borrowed from @device; NULL where nothing was activated in this boot, and with
 * a warning on stderr where it cannot be told.
 */
const struct overlay_state *device_state(struct device *device);
