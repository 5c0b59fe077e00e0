/* SPDX-License-Identifier: MIT */
#include "installer/device.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "installer/report.h"
#include "overlay/bootconf.h"
#include "overlay/volume.h"
#include "verity/cleanup.h"

struct device {
	struct overlay_config config;
	struct verity_keyring *keyring; /* NULL until asked for, like the rest */
	struct verity_policy policy;
	struct overlay_store *store;
	struct overlay_state state;
	bool state_read; /* was tried */
	bool has_state;
};

int device_open(const char *config_path, struct device **ret, struct verity_error *err)
{
	cleanup_free struct device *device = calloc(1, sizeof(*device));
	int r;

	if (!device)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = overlay_config_load(config_path, &device->config, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&device);
	return 0;
}

void device_free(struct device *device)
{
	if (!device)
		return;
	overlay_store_free(device->store);
	if (device->has_state)
		overlay_state_free(&device->state);
	verity_keyring_free(device->keyring);
	overlay_config_free(&device->config);
	free(device);
}

int device_policy(struct device *device, const struct verity_policy **ret,
		  struct verity_error *err)
{
	struct overlay_bootconf bootconf;
	int r;

	if (!device->keyring) {
		r = overlay_bootconf_load(device->config.cmdline, &bootconf, err);
		if (r < 0)
			return verity_context(err, r, "%s", device->config.cmdline);
		r = verity_keyring_load(device->config.keys, &device->keyring, err);
		if (r < 0)
			return r;
		device->policy.keyring = device->keyring;
		device->policy.allow_untrusted = bootconf.allow_untrusted;
	}
	*ret = &device->policy;
	return 0;
}

/* @ret stays -1 where the volume does not exist. */
static int open_volume(const struct device *device, const char *role, const char *spec,
		       int *ret, struct verity_error *err)
{
	char mountpoint[PATH_MAX];
	int r;

	snprintf(mountpoint, sizeof(mountpoint), "%s/%s", device->config.run, role);
	r = overlay_volume_open(spec, mountpoint, ret, err);
	if (r != -ENOENT)
		return r < 0 ? verity_context(err, r, "%s", role) : 0;
	report_warning("%s: %s", role, err->message);
	return 0;
}

int device_store(struct device *device, struct overlay_store **ret,
		 struct verity_error *err)
{
	cleanup_fd int data = -1;
	cleanup_fd int persist = -1;
	int r = 0;

	if (!device->store) {
		r = open_volume(device, "data", device->config.data, &data, err);
		if (r == 0)
			r = open_volume(device, "persist", device->config.persist,
					&persist, err);
		if (r == 0)
			r = overlay_store_open(data, persist, &device->store, err);
	}
	if (r < 0)
		return r;
	*ret = device->store;
	return 0;
}

const struct overlay_state *device_state(struct device *device)
{
	struct verity_error err;
	int r;

	if (!device->state_read) {
		device->state_read = true;
		r = overlay_state_read(device->config.run, &device->state, &err);
		device->has_state = r == 0;
		if (r < 0 && r != -ENOENT)
			report_warning("%s", err.message);
	}
	return device->has_state ? &device->state : NULL;
}
