/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The device as the commands see it: its configuration, stores, trust and state. Each
 * part is opened when a command first asks for it, so that `verify` needs no store and
 * `remove` no keys.
 */

#include "overlay/config/config.h"
#include "overlay/record/good_set.h"
#include "overlay/record/state.h"
#include "overlay/record/trials.h"
#include "overlay/record/trust.h"
#include "verity/package/judge.h"
#include "verity/util/cleanup.h"

struct device;

/**
 * device_open - read the configuration
 * @config_path: NULL for the default; borrowed as long as the device
 * @ret:         set on success only; free with device_free()
 */
int device_open(const char *config_path, struct device **ret,
		struct verity_error *err) must_check;

/**
 * device_open_again - the same device as it is now: all is read anew
 */
int device_open_again(const struct device *device, struct device **ret,
		      struct verity_error *err) must_check;

void device_free(struct device *device);
DEFINE_CLEANUP(struct device, device_free);

/**
 * device_act_for - name somebody who has not logged in to the system in the audit log
 * @user: as the log shows it; borrowed, must outlive @device
 */
void device_act_for(struct device *device, const char *user);

/**
 * device_user - the name that was set; NULL: none
 */
const char *device_user(const struct device *device);

/**
 * device_trust - who is trusted: key ring, deny list, unlock statement, floors
 * @ret: borrowed from @device
 *
 * Prints the notes of loading it as warnings, once. The identity of the device, and
 * whether Allow Untrusted is set, are what this boot found, where it left a state file:
 * nothing that was changed since allows more.
 *
 * Return: 0; -EINVAL (KEYRING) where the key ring cannot be read; -errno.
 */
int device_trust(struct device *device, struct overlay_trust **ret,
		 struct verity_error *err) must_check;

/**
 * device_trust_quiet - the same without warnings: for what follows a boot that has logged
 * them
 */
int device_trust_quiet(struct device *device, struct overlay_trust **ret,
		       struct verity_error *err) must_check;

/**
 * device_policy - the policy to judge packages with
 * @ret: borrowed from @device
 */
int device_policy(struct device *device, const struct verity_policy **ret,
		  struct verity_error *err) must_check;

/**
 * device_identity - serial number, model and firmware; borrowed; after device_trust()
 */
const struct overlay_identity *device_identity(const struct device *device);

/**
 * device_allowed_late - whether Allow Untrusted was set after this boot, and is not in
 * effect yet; after device_trust()
 */
bool device_allowed_late(const struct device *device);

/**
 * device_record_fd - PERSIST/wmopkg, created where it does not exist; to be called before
 * device_trust() by what writes there
 * @ret: borrowed from @device; -1 where there is no PERSIST
 */
int device_record_fd(struct device *device, int *ret,
		     struct verity_error *err) must_check;

/**
 * device_record_find - the same for readers: not created
 * @ret: -1 where it does not exist
 */
int device_record_find(struct device *device, int *ret,
		       struct verity_error *err) must_check;

/**
 * device_known_hosts - the file of ssh host keys
 * @ret: free(); NULL where there is no PERSIST, and the configuration names no file
 */
int device_known_hosts(struct device *device, char **ret,
		       struct verity_error *err) must_check;

/**
 * device_volume_open - the folder of a volume, which is mounted unless it is
 * @role: "data", "persist"
 * @spec: of the configuration
 * @record_fd: -1; else a check of it that did not end makes it read-only
 *
 * Return: 0; as overlay_volume_open().
 */
int device_volume_open(const struct overlay_config *config, const char *role,
		       const char *spec, int record_fd, int *ret,
		       struct verity_error *err) must_check;

/**
 * device_config - the configuration; borrowed
 */
const struct overlay_config *device_config(const struct device *device);

/**
 * device_has_volume - whether DATA or PERSIST is there, after device_store() succeeded
 */
bool device_has_volume(const struct device *device);

/**
 * device_store - both stores
 * @ret: borrowed from @device
 *
 * A volume that does not exist or, for root, cannot be mounted is an empty store, with a
 * warning on stderr.
 */
int device_store(struct device *device, struct overlay_store **ret,
		 struct verity_error *err) must_check;

/**
 * device_state - the state file of this boot
 *
 * Return: borrowed from @device; NULL where nothing was activated in this boot, and with
 * a warning on stderr where the file cannot be read.
 */
const struct overlay_state *device_state(struct device *device);

/**
 * device_state_find - the same, for what must not take a file that cannot be read now for
 * one that is not there
 * @ret: borrowed from @device; NULL where there is none, or it is damaged
 *
 * Return: 0; -errno that passes (verity/util/passing.h).
 */
int device_state_find(struct device *device, const struct overlay_state **ret,
		      struct verity_error *err) must_check;

/**
 * device_good_find - the last good set
 * @ret: empty where there is none, it is damaged, or only root may read it;
 *       overlay_good_free()
 *
 * Return: 0; -errno that passes.
 */
int device_good_find(struct device *device, struct overlay_good_set *ret,
		     struct verity_error *err) must_check;

/**
 * device_trials_find - the trials, likewise
 * @ret: overlay_trials_free()
 */
int device_trials_find(struct device *device, struct overlay_trials *ret,
		       struct verity_error *err) must_check;
