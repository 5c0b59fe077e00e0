/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The device as the commands see it: its configuration, and what that leads to. Each part
 * is opened when a command first asks for it, so that `verify` needs no store and
 * `remove` no keys.
 */

#include "overlay/config/config.h"
#include "overlay/record/state.h"
#include "overlay/record/trust.h"
#include "verity/package/judge.h"

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
 * device_trust - whom this device trusts, as overlay/record/trust.h has it
 * @ret: borrowed from @device
 *
 * Notes are warnings on stderr, once. What the device is called, and whether Allow
 * Untrusted was asked for, is what this boot found, where it left a state: nothing that
 * was changed since switches it on.
 *
 * Return: 0; -EINVAL (KEYRING) where the key ring cannot be read; -errno.
 */
int device_trust(struct device *device, struct overlay_trust **ret,
		 struct verity_error *err) must_check;

/**
 * device_policy - what the judge is to be asked with
 * @ret: borrowed from @device
 */
int device_policy(struct device *device, const struct verity_policy **ret,
		  struct verity_error *err) must_check;

/**
 * device_identity - what device this is; borrowed; after device_trust()
 */
const struct overlay_identity *device_identity(const struct device *device);

/**
 * device_allowed_late - whether Allow Untrusted was asked for after this boot, and does
 * not count yet; after device_trust()
 */
bool device_allowed_late(const struct device *device);

/**
 * device_record_fd - PERSIST/wmopkg, made where it is not there: asked for, before
 * device_trust(), by what is going to write there
 * @ret: borrowed from @device; -1 where there is no PERSIST
 */
int device_record_fd(struct device *device, int *ret,
		     struct verity_error *err) must_check;

/**
 * device_record_find - likewise, for what only reads: not made
 * @ret: -1 where it is not there
 */
int device_record_find(struct device *device, int *ret,
		       struct verity_error *err) must_check;

/**
 * device_known_hosts - the file of ssh host keys
 * @ret: free(); NULL where there is no PERSIST, and the configuration names none
 */
int device_known_hosts(struct device *device, char **ret,
		       struct verity_error *err) must_check;

/**
 * device_config - the configuration; borrowed
 */
const struct overlay_config *device_config(const struct device *device);

/**
 * device_store - the installed set
 * @ret: borrowed from @device
 *
 * A volume that does not exist or, for root, cannot be mounted is an empty store, with a
 * warning on stderr.
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
