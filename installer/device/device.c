/* SPDX-License-Identifier: MIT */

/* Opens the parts of a device when they are first asked for. */

#include "installer/device/device.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "installer/common/report.h"
#include "installer/fetch/known_hosts_file.h"
#include "overlay/config/bootconf.h"
#include "overlay/record/audit_step.h"
#include "overlay/record/record.h"
#include "overlay/record/unchecked.h"
#include "overlay/stack/stack.h"
#include "overlay/store/change_set.h"
#include "overlay/store/volume.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/passing.h"

struct volume {
	int fd;      /* -1: not opened yet, or there is none */
	bool opened; /* was tried, and did not fail */
};

struct device {
	const char *config_path; /* borrowed; NULL: the default */
	struct overlay_config config;
	struct overlay_trust *trust; /* NULL until asked for, like the store */
	struct overlay_identity identity;
	struct overlay_store *store;
	struct overlay_change_set_log set_log; /* of the store */
	struct volume data;
	struct volume persist;
	int record_fd; /* -1: not opened yet, or there is none */
	struct overlay_state state;
	bool state_read; /* was tried */
	bool has_state;
	bool allowed_late; /* Allow Untrusted was set after this boot */
	const char *user;  /* borrowed; NULL: who has logged in to the system */
};

int device_open(const char *config_path, struct device **ret, struct verity_error *err)
{
	cleanup_free struct device *device = calloc(1, sizeof(*device));
	int r;

	if (!device)
		return verity_no_memory(err);
	device->config_path = config_path;
	device->data.fd = device->persist.fd = device->record_fd = -1;
	r = overlay_config_load(config_path, &device->config, err);
	if (r < 0)
		return r;
	if (device->config.repeated)
		report_warning("%s: '%s' is set more than once: the last value counts",
			       config_path ? config_path : OVERLAY_CONFIG_PATH,
			       device->config.repeated);
	*ret = steal_ptr(&device);
	return 0;
}

int device_open_again(const struct device *device, struct device **ret,
		      struct verity_error *err)
{
	return device_open(device->config_path, ret, err);
}

void device_act_for(struct device *device, const char *user)
{
	device->user = user;
}

const char *device_user(const struct device *device)
{
	return device->user;
}

void device_free(struct device *device)
{
	if (!device)
		return;
	overlay_store_free(device->store);
	overlay_trust_free(device->trust);
	cleanup_fd_p(&device->data.fd);
	cleanup_fd_p(&device->persist.fd);
	cleanup_fd_p(&device->record_fd);
	if (device->has_state)
		overlay_state_free(&device->state);
	overlay_config_free(&device->config);
	free(device);
}

int device_volume_open(const struct overlay_config *config, const char *role,
		       const char *spec, int record_fd, int *ret,
		       struct verity_error *err)
{
	char mountpoint[PATH_MAX], root[PATH_MAX];
	struct overlay_volume volume = {spec, mountpoint, root, false};
	cleanup_with(overlay_volume_place_free) struct overlay_volume_place place = {
		.device = NULL};

	snprintf(mountpoint, sizeof(mountpoint), "%s/%s", config->run, role);
	/* where something is stacked over it, the firmware is not what is seen at / */
	if (snprintf(root, sizeof(root), "%s/layers/" OVERLAY_STACK_ROOT, config->run) >=
		    (int)sizeof(root) ||
	    access(root, F_OK) < 0)
		snprintf(root, sizeof(root), "/");
	if (overlay_unchecked_exists(record_fd) &&
	    overlay_volume_look(&volume, &place, NULL) == 0 && place.device)
		volume.read_only = overlay_unchecked_is(record_fd, place.device);
	return overlay_volume_open(&volume, ret, err);
}

/*
 * A volume that is missing, or for root cannot be mounted, is a warning, as at boot: it
 * only costs what is on it.
 */
static int open_volume(const struct device *device, const char *role, const char *spec,
		       int record_fd, struct volume *volume, struct verity_error *err)
{
	int r;

	if (volume->opened)
		return 0;
	r = device_volume_open(&device->config, role, spec, record_fd, &volume->fd, err);
	if (r < 0 && r != -ENOENT && (err->code != VERITY_E_MOUNT || geteuid() != 0))
		return verity_context(err, r, "%s", role);
	if (r < 0)
		report_warning("%s: %s", role, err->message);
	volume->opened = true;
	return 0;
}

/*
 * A store that cannot be opened costs what is in it, as at boot; but not one that only
 * root can open.
 *
 * @ret: @volume, or -1 where its store is not to be used
 */
static int check_store(const char *role, int volume, int *ret, struct verity_error *err)
{
	cleanup_with(overlay_store_free_p) struct overlay_store *store = NULL;
	int r = overlay_store_open(volume, -1, &store, err);

	*ret = r == 0 ? volume : -1;
	if (r < 0 && r != -EACCES) {
		report_warning("%s: %s", role, err->message);
		r = 0;
	}
	return r;
}

/* What a set that was cut off has not logged. */
static void log_set(void *context, const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	struct device *device = context;
	struct verity_error why;
	int record, r = device_record_fd(device, &record, &why);

	if (r == 0 && record >= 0)
		r = overlay_audit_step_finish(record, device->config.audit_bytes, digest,
					      &why);
	if (r < 0)
		report_warning("audit log: %s", why.message);
}

/* So that what is shown is what the next boot finds. Who may not do it is told nothing.
 */
static void complete_set(struct device *device)
{
	struct verity_error why;

	device->set_log = (struct overlay_change_set_log){log_set, device};
	overlay_change_set_log_found(device->store, &device->set_log);
	overlay_store_set_run(device->store, device->config.run);
	if (overlay_change_set_recover(device->store, &why) < 0)
		verity_debug("a set of changes is not completed: %s", why.message);
}

int device_store(struct device *device, struct overlay_store **ret,
		 struct verity_error *err)
{
	cleanup_fd int record = -1;
	int data = -1, persist = -1;
	int r = 0;

	if (!device->store) {
		r = open_volume(device, "persist", device->config.persist, -1,
				&device->persist, err);
		if (r == 0 && device->persist.fd >= 0)
			(void)!overlay_record_open(device->persist.fd, false, &record,
						   NULL);
		if (r == 0)
			r = open_volume(device, "data", device->config.data, record,
					&device->data, err);
		if (r == 0)
			r = check_store("data", device->data.fd, &data, err);
		if (r == 0)
			r = check_store("persist", device->persist.fd, &persist, err);
		if (r == 0 && overlay_store_is_one(data, persist))
			report_warning("data: " OVERLAY_STORE_IS_ONE);
		if (r == 0)
			r = overlay_store_open(data, persist, &device->store, err);
		if (r == 0)
			complete_set(device);
	}
	if (r < 0)
		return r;
	*ret = device->store;
	return 0;
}

static int open_record(struct device *device, bool make, int *ret,
		       struct verity_error *err)
{
	int r = open_volume(device, "persist", device->config.persist, -1,
			    &device->persist, err);

	if (r == 0 && device->record_fd < 0 && device->persist.fd >= 0)
		r = overlay_record_open(device->persist.fd, make, &device->record_fd,
					err);
	if (r < 0)
		return r;
	*ret = device->record_fd;
	return 0;
}

bool device_has_volume(const struct device *device)
{
	return device->data.fd >= 0 || device->persist.fd >= 0;
}

int device_record_fd(struct device *device, int *ret, struct verity_error *err)
{
	return open_record(device, true, ret, err);
}

int device_record_find(struct device *device, int *ret, struct verity_error *err)
{
	int r = open_record(device, false, ret, err);

	if (r != -ENOENT)
		return r;
	*ret = -1;
	return 0;
}

int device_known_hosts(struct device *device, char **ret, struct verity_error *err)
{
	int fd = -1;
	int r;

	if (device->config.known_hosts[0]) {
		*ret = strdup(device->config.known_hosts);
		return *ret ? 0 : verity_no_memory(err);
	}
	r = device_record_fd(device, &fd, err);
	if (r < 0 || fd >= 0)
		return r < 0 ? r : known_hosts_path(fd, ret, err);
	*ret = NULL;
	return 0;
}

int device_state_find(struct device *device, const struct overlay_state **ret,
		      struct verity_error *err)
{
	struct verity_error why;
	int r;

	if (!device->state_read) {
		r = overlay_state_read(device->config.run, &device->state, &why);
		if (verity_errno_passes(r)) {
			*err = why;
			return r;
		}
		device->state_read = true;
		device->has_state = r == 0;
		if (r < 0 && r != -ENOENT)
			report_warning("%s", why.message);
	}
	*ret = device->has_state ? &device->state : NULL;
	return 0;
}

const struct overlay_state *device_state(struct device *device)
{
	const struct overlay_state *state;
	struct verity_error why;

	if (device_state_find(device, &state, &why) == 0)
		return state;
	report_warning("%s", why.message);
	device->state_read = true;
	return NULL;
}

/* What is damaged, or only root may read, is as if it were not there. */
static int if_passes(int r)
{
	return verity_errno_passes(r) && !overlay_record_is_damage(r) ? r : 0;
}

int device_good_find(struct device *device, struct overlay_good_set *ret,
		     struct verity_error *err)
{
	int record, r = device_record_find(device, &record, err);

	return if_passes(r < 0 ? r : overlay_good_load(record, ret, err));
}

int device_trials_find(struct device *device, struct overlay_trials *ret,
		       struct verity_error *err)
{
	int record, r = device_record_find(device, &record, err);

	return if_passes(r < 0 ? r : overlay_trials_load(record, ret, err));
}

const struct overlay_config *device_config(const struct device *device)
{
	return &device->config;
}

const struct overlay_identity *device_identity(const struct device *device)
{
	return &device->identity;
}

/*
 * What this boot found, where it left a state, cannot be changed by a later boot
 * configuration. A boot configuration that cannot be read sets nothing.
 */
static void read_bootconf(struct device *device, bool quiet, struct overlay_bootconf *ret)
{
	const struct overlay_state *state = device_state(device);
	struct verity_error why;

	if (overlay_bootconf_read(device->config.uboot_env, device->config.cmdline, ret,
				  &why) < 0 &&
	    !quiet)
		report_warning("boot configuration: %s", why.message);
	if (state && !state->allow_untrusted && state->locked.code == VERITY_OK) {
		device->allowed_late = ret->allow_untrusted;
		ret->allow_untrusted = false;
	}
	if (state)
		device->identity = state->identity;
	else
		overlay_identity_read(&device->config, "/", &device->identity);
}

bool device_allowed_late(const struct device *device)
{
	return device->allowed_late;
}

static int load_trust(struct device *device, bool quiet, struct overlay_trust **ret,
		      struct verity_error *err)
{
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = NULL;
	struct overlay_bootconf bootconf;
	struct overlay_trust_inputs inputs = {
		.config = &device->config,
		.bootconf = &bootconf,
		.identity = &device->identity,
		.clock = time(NULL),
	};
	const struct overlay_state *state;
	const struct verity_error *notes;
	size_t count;
	int r;

	if (device->trust) {
		*ret = device->trust;
		return 0;
	}
	/* What this boot allowed is not asked of the next one. */
	r = device_state_find(device, &state, err);
	if (r < 0)
		return r;
	read_bootconf(device, quiet, &bootconf);
	r = device_record_find(device, &inputs.record_fd, err);
	if (verity_errno_passes(r))
		return r;
	if (r < 0) {
		if (!quiet)
			report_warning("%s", err->message);
		inputs.record_fd = -1;
	}
	r = overlay_trust_load(&inputs, &trust, err);
	if (r < 0)
		return r;
	notes = overlay_trust_notes(trust, &count);
	if (!overlay_trust_policy(trust)->keyring) {
		*err = notes[0];
		return -EINVAL;
	}
	/* What is damaged is warned of, as at a boot; what passes is read again. */
	r = overlay_trust_unread(trust, err);
	if (r < 0)
		return r;
	for (size_t i = 0; !quiet && i < count; i++)
		report_warning("%s", notes[i].message);
	*ret = device->trust = steal_ptr(&trust);
	return 0;
}

int device_trust(struct device *device, struct overlay_trust **ret,
		 struct verity_error *err)
{
	return load_trust(device, false, ret, err);
}

int device_trust_quiet(struct device *device, struct overlay_trust **ret,
		       struct verity_error *err)
{
	return load_trust(device, true, ret, err);
}

int device_policy(struct device *device, const struct verity_policy **ret,
		  struct verity_error *err)
{
	struct overlay_trust *trust;
	int r = device_trust(device, &trust, err);

	if (r == 0)
		*ret = overlay_trust_policy(trust);
	return r;
}
