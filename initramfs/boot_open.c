/* SPDX-License-Identifier: MIT */
/* Opens the volumes of a boot, with a factory reset before anything on DATA is read. */
#include "initramfs/boot_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "initramfs/factory_reset.h"
#include "overlay/record/record.h"
#include "overlay/record/requirements.h"
#include "overlay/stack/stack.h"
#include "overlay/store/volume.h"
#include "verity/util/cleanup.h"

/*
 * Of the firmware only. On a running system its packages cover it, and then it is in
 * LAYERS, where what a stack of ours covers still is.
 */
static void find_root(const struct boot *boot, char ret[static PATH_MAX])
{
	const char *root = boot->root ? boot->root : "/";
	char below[PATH_MAX];
	bool covered = false;

	snprintf(below, sizeof(below), "%s/" OVERLAY_STACK_ROOT, boot->layers);
	if (boot->mode == BOOT_PLANS && overlay_stack_is_at(root, &covered, NULL) == 0 &&
	    covered && access(below, X_OK) == 0)
		root = below;
	snprintf(ret, PATH_MAX, "%s", root);
}

static int open_as_it_is(const struct overlay_volume *volume,
			 struct overlay_volume_place *place, int *ret,
			 struct verity_error *err)
{
	int r = overlay_volume_look(volume, place, err);

	if (r < 0)
		return r;
	if (place->state == OVERLAY_VOLUME_UNMOUNTED)
		return verity_fail(err, VERITY_E_MOUNT,
				   "%s is not mounted, so what is on it is not known",
				   place->device);
	*ret = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? verity_fail_errno(err, errno, "%s", place->path) : 0;
}

/* Return: -1 where it is missing, which is no failure. */
static int open_volume(struct boot *boot, enum overlay_store_kind kind, const char *spec)
{
	const char *name = kind == OVERLAY_ORDINARY ? "data" : "persist";
	char mountpoint[PATH_MAX], root[PATH_MAX];
	struct overlay_volume volume = {spec, mountpoint, root};
	struct verity_error why;
	int fd = -1;
	int r;

	snprintf(mountpoint, sizeof(mountpoint), "%s/%s", boot->config.run, name);
	find_root(boot, root);
	if (boot->mode == BOOT_DOES)
		r = overlay_volume_open(&volume, &fd, &why);
	else
		r = open_as_it_is(&volume, &boot->places[kind], &fd, &why);
	if (r < 0)
		boot_tell(boot, LOG_LEVEL_WARNING, "%s: %s", name, why.message);
	return fd;
}

/* -1 for a volume whose store cannot be opened, as if it were missing. */
static int readable(struct boot *boot, const char *name, int volume)
{
	cleanup_with(overlay_store_free_p) struct overlay_store *store = NULL;
	struct verity_error why;

	if (overlay_store_open(volume, -1, &store, &why) == 0)
		return volume;
	boot_tell(boot, LOG_LEVEL_WARNING, "%s: %s", name, why.message);
	return -1;
}

static int open_store(struct boot *boot, struct verity_error *err)
{
	int data = readable(boot, "data", boot->data);
	int persist = readable(boot, "persist", boot->persist);
	struct verity_error why;
	int r = overlay_store_open(data, persist, &boot->store, err);

	if (r < 0 || boot->mode == BOOT_PLANS)
		return r;
	overlay_store_set_run(boot->store, boot->config.run);
	r = overlay_store_clean(boot->store, &why);
	if (r < 0)
		log_line(LOG_LEVEL_WARNING, "store: %s", why.message);
	else if (r > 0)
		log_line(LOG_LEVEL_NOTICE, "store: %d unfinished installations deleted",
			 r);
	return 0;
}

/* There are no records where PERSIST is missing. */
static void open_record(struct boot *boot)
{
	bool make = boot->mode == BOOT_DOES;
	struct verity_error why;
	int r = 0;

	if (boot->persist >= 0)
		r = overlay_record_open(boot->persist, make, &boot->record, &why);
	boot->records = boot->record >= 0 || (!make && r == -ENOENT);
	if (r < 0 && (make || r != -ENOENT))
		boot_tell(boot, LOG_LEVEL_WARNING, "persist: %s", why.message);
}

/* Return: the step that the time from now on belongs to. */
static enum overlay_step reset(struct boot *boot)
{
	bool purge, due = reset_is_due(boot, &purge);

	if (due) {
		overlay_span_end(&boot->steps[OVERLAY_STEP_VOLUMES]);
		overlay_span_begin(&boot->steps[OVERLAY_STEP_RESET]);
	}
	if (boot->mode == BOOT_DOES) {
		reset_run(boot);
	} else if (due && !boot->records) {
		boot_tell(boot, LOG_LEVEL_WARNING,
			  "factory reset: requested, but refused: there is no "
			  "PERSIST to remember it on");
	} else if (due) {
		boot->resets = true;
		boot_tell(boot, LOG_LEVEL_WARNING,
			  "factory reset: requested, deletes all that is on DATA%s",
			  purge ? " and PERSIST" : "");
		cleanup_fd_p(&boot->data);
		boot->data = -1;
		if (purge) {
			cleanup_fd_p(&boot->persist);
			cleanup_fd_p(&boot->record);
			boot->persist = boot->record = -1;
		}
	}
	return due ? OVERLAY_STEP_RESET : OVERLAY_STEP_VOLUMES;
}

/* There it is as the boot found it, or it is read from the firmware's own root. */
static void find_identity(struct boot *boot)
{
	struct overlay_state state;
	char root[PATH_MAX];

	if (!boot->root && overlay_state_read(boot->config.run, &state, NULL) == 0) {
		boot->identity = state.identity;
		overlay_state_free(&state);
		return;
	}
	find_root(boot, root);
	overlay_identity_read(&boot->config, root, &boot->identity);
}

static int load_trust(struct boot *boot, struct verity_error *err)
{
	const struct overlay_trust_inputs inputs = {
		.config = &boot->config,
		.bootconf = &boot->conf,
		.identity = &boot->identity,
		.record_fd = boot->record,
		.clock = time(NULL),
	};
	const struct verity_error *notes, *locked;
	size_t count;
	int r = overlay_trust_load(&inputs, &boot->trust, err);

	if (r < 0)
		return r;
	notes = overlay_trust_notes(boot->trust, &count);
	for (size_t i = 0; i < count; i++)
		boot_tell(boot, LOG_LEVEL_WARNING, "%s", notes[i].message);
	locked = overlay_trust_locked(boot->trust);
	if (locked)
		boot_tell(boot, LOG_LEVEL_WARNING, "%s", locked->message);
	else if (boot->conf.allow_untrusted)
		boot_tell(boot, LOG_LEVEL_WARNING,
			  "Allow Untrusted is set: packages of any origin may be active");
	return 0;
}

int boot_open(struct boot *boot, struct verity_error *err)
{
	enum overlay_step step;
	int r;

	find_identity(boot);
	overlay_span_begin(&boot->steps[OVERLAY_STEP_VOLUMES]);
	boot->data = open_volume(boot, OVERLAY_ORDINARY, boot->config.data);
	boot->persist = open_volume(boot, OVERLAY_PERSISTENT, boot->config.persist);
	open_record(boot);
	step = reset(boot);
	r = open_store(boot, err);
	overlay_span_end(&boot->steps[step]);
	if (r < 0)
		return r;
	overlay_span_begin(&boot->steps[OVERLAY_STEP_TRUST]);
	r = load_trust(boot, err);
	overlay_span_end(&boot->steps[OVERLAY_STEP_TRUST]);
	return r;
}

int boot_check_required(const struct boot *boot, const struct packages *packages,
			bool stacked, struct verity_error *err)
{
	const struct overlay_config *config = &boot->config;
	bool read = boot->records && boot->store &&
		    overlay_store_is_there(boot->store, OVERLAY_PERSISTENT) &&
		    (!packages || packages->listed[OVERLAY_PERSISTENT]);
	int r = overlay_requirements_persist(config, boot->persist >= 0, read, err);

	if (r == 0 && packages)
		r = overlay_requirements_packages(config, &packages->state, stacked, err);
	return r;
}
