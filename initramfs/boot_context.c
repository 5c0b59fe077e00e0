/* SPDX-License-Identifier: MIT */
#include "initramfs/boot_context.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "initramfs/factory_reset.h"
#include "initramfs/log.h"
#include "overlay/record/record.h"
#include "overlay/stack/stack.h"
#include "overlay/store/volume.h"
#include "verity/util/cleanup.h"


/* For the kernel log, or for who asks what would be in it. */
static void __attribute__((format(printf, 3, 4)))
tell(struct boot *boot, enum log_level level, const char *format, ...)
{
	char text[BOOT_NOTE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (boot->mode == BOOT_DOES)
		log_line(level, "%s", text);
	else if (boot->notes_count < BOOT_NOTES_MAX)
		memcpy(boot->notes[boot->notes_count++], text, sizeof(text));
}

/* What cannot be read of it asks for nothing. */
static void read_bootconf(struct boot *boot)
{
	struct verity_error why;

	boot->conf_unread =
		overlay_bootconf_read(boot->config.uboot_env, boot->config.cmdline,
				      &boot->conf, &why) < 0;
	if (boot->conf_unread)
		tell(boot, LOG_LEVEL_WARNING, "boot configuration: %s", why.message);
	if (boot->conf.safe)
		tell(boot, LOG_LEVEL_WARNING, "safe mode: no package will be active");
}

static int look_at_volume(struct boot *boot, enum overlay_store_kind kind,
			  const char *spec, const char *mountpoint, int *ret,
			  struct verity_error *err)
{
	struct overlay_volume_place *place = &boot->places[kind];
	int r = overlay_volume_look(spec, mountpoint, place, err);

	if (r < 0)
		return r;
	if (place->state == OVERLAY_VOLUME_UNMOUNTED)
		return verity_fail(err, VERITY_E_MOUNT,
				   "%s is not mounted, so what is on it is not known",
				   place->device);
	*ret = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? verity_fail_errno(err, errno, "%s", place->path) : 0;
}

/* A volume that is missing costs what is on it, and nothing else. */
static int open_volume(struct boot *boot, enum overlay_store_kind kind, const char *spec)
{
	const char *name = kind == OVERLAY_ORDINARY ? "data" : "persist";
	struct verity_error why;
	char mountpoint[PATH_MAX];
	int fd = -1;
	int r;

	snprintf(mountpoint, sizeof(mountpoint), "%s/%s", boot->config.run, name);
	if (boot->mode == BOOT_DOES)
		r = overlay_volume_open(spec, mountpoint, &fd, &why);
	else
		r = look_at_volume(boot, kind, spec, mountpoint, &fd, &why);
	if (r < 0)
		tell(boot, LOG_LEVEL_WARNING, "%s: %s", name, why.message);
	return fd;
}

/*
 * A volume whose store cannot be read costs what is on it, and nothing else: -1 for it,
 * as if it were missing.
 */
static int readable(struct boot *boot, const char *name, int volume)
{
	cleanup_with(overlay_store_free_p) struct overlay_store *store = NULL;
	cleanup_free struct overlay_entry *entries = NULL;
	struct verity_error why;
	size_t count;
	int r = overlay_store_open(volume, -1, &store, &why);

	if (r == 0)
		r = overlay_store_list(store, &entries, &count, &why);
	if (r == 0)
		return volume;
	tell(boot, LOG_LEVEL_WARNING, "%s: %s", name, why.message);
	return -1;
}

static int open_store(struct boot *boot, struct verity_error *err)
{
	int data = readable(boot, "data", boot->data);
	int persist = readable(boot, "persist", boot->persist);
	struct verity_error why;
	int r = overlay_store_open(data, persist, &boot->store, err);

	boot->listed[OVERLAY_ORDINARY] = data >= 0;
	boot->listed[OVERLAY_PERSISTENT] = persist >= 0;
	if (r < 0 || boot->mode == BOOT_PLANS)
		return r;
	r = overlay_store_clean(boot->store, &why);
	if (r < 0)
		tell(boot, LOG_LEVEL_WARNING, "store: %s", why.message);
	else if (r > 0)
		tell(boot, LOG_LEVEL_NOTICE, "store: %d unfinished installations deleted",
		     r);
	return 0;
}

/* Nothing is remembered where PERSIST is missing. */
static void open_record(struct boot *boot)
{
	bool make = boot->mode == BOOT_DOES;
	struct verity_error why;
	int r = 0;

	if (boot->persist >= 0)
		r = overlay_record_open(boot->persist, make, &boot->record, &why);
	boot->records = boot->record >= 0 || (!make && r == -ENOENT);
	if (r < 0 && (make || r != -ENOENT))
		tell(boot, LOG_LEVEL_WARNING, "persist: %s", why.message);
}

/* A reset that is asked for would empty DATA. */
static void plan_reset(struct boot *boot)
{
	if (!boot->records) {
		tell(boot, LOG_LEVEL_WARNING,
		     "factory reset: it is asked for, and refused: there is no PERSIST "
		     "to remember it on");
		return;
	}
	boot->resets = true;
	tell(boot, LOG_LEVEL_WARNING,
	     "factory reset: it is asked for, and deletes all that is on DATA");
	cleanup_fd_p(&boot->data);
	boot->data = -1;
}

/* Before anything on DATA is looked at: a step of its own, where it takes place. */
static enum overlay_step reset(struct boot *boot)
{
	bool due = resetting_is_due(boot);

	if (due) {
		overlay_span_end(&boot->steps[OVERLAY_STEP_VOLUMES]);
		overlay_span_begin(&boot->steps[OVERLAY_STEP_RESET]);
	}
	if (boot->mode == BOOT_DOES)
		resetting_run(boot);
	else if (due)
		plan_reset(boot);
	return due ? OVERLAY_STEP_RESET : OVERLAY_STEP_VOLUMES;
}

/* What a stack of ours covers at @root is still there, below LAYERS. */
static bool is_covered(const struct boot *boot, const char *root,
		       char ret_below[static PATH_MAX])
{
	bool covered = false;

	snprintf(ret_below, PATH_MAX, "%s/" OVERLAY_STACK_ROOT, boot->layers);
	return boot->mode == BOOT_PLANS &&
	       overlay_stack_is_at(root, &covered, NULL) == 0 && covered &&
	       access(ret_below, X_OK) == 0;
}

/*
 * Of the firmware alone: a running system is covered by packages, and what the device is
 * was found out before they were.
 */
static void find_identity(struct boot *boot)
{
	const char *root = boot->root ? boot->root : "/";
	struct overlay_state state;
	char below[PATH_MAX];

	if (!boot->root && overlay_state_read(boot->config.run, &state, NULL) == 0) {
		boot->identity = state.identity;
		overlay_state_free(&state);
		return;
	}
	overlay_identity_read(&boot->config, is_covered(boot, root, below) ? below : root,
			      &boot->identity);
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
	int r;

	r = overlay_trust_load(&inputs, &boot->trust, err);
	if (r < 0)
		return r;
	notes = overlay_trust_notes(boot->trust, &count);
	for (size_t i = 0; i < count; i++)
		tell(boot, LOG_LEVEL_WARNING, "%s", notes[i].message);
	locked = overlay_trust_locked(boot->trust);
	if (locked)
		tell(boot, LOG_LEVEL_WARNING, "%s", locked->message);
	else if (boot->conf.allow_untrusted)
		tell(boot, LOG_LEVEL_WARNING,
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

struct verity_policy boot_policy(const struct boot *boot)
{
	struct verity_policy policy = *overlay_trust_policy(boot->trust);

	policy.refuse_early = true;
	policy.lazy = boot->config.verify == OVERLAY_VERIFY_LAZY || boot->conf.safe;
	return policy;
}

void boot_describe(const struct boot *boot, struct overlay_state *state)
{
	const struct verity_error *locked =
		boot->trust ? overlay_trust_locked(boot->trust) : NULL;
	const struct verity_denylist *denylist =
		boot->trust ? overlay_trust_policy(boot->trust)->denylist : NULL;

	state->safe = boot->conf.safe;
	state->identity = boot->identity;
	state->boot = boot->number;
	if (boot->trust)
		state->allow_untrusted =
			overlay_trust_policy(boot->trust)->allow_untrusted;
	if (locked)
		state->locked = *locked;
	if (denylist)
		state->denylist = verity_denylist_text(denylist)->number;
	for (size_t i = 0; i < OVERLAY_STEPS; i++)
		if (overlay_span_took_place(&boot->steps[i]))
			state->steps[i] = boot->steps[i];
}

void boot_free(struct boot *boot)
{
	overlay_trust_free(boot->trust);
	overlay_store_free(boot->store);
	cleanup_fd_p(&boot->record);
	cleanup_fd_p(&boot->persist);
	cleanup_fd_p(&boot->data);
	overlay_volume_place_free(&boot->places[OVERLAY_ORDINARY]);
	overlay_volume_place_free(&boot->places[OVERLAY_PERSISTENT]);
	overlay_config_free(&boot->config);
}

int boot_begin(const char *config_path, const char *root, enum boot_mode mode,
	       struct boot *ret, struct verity_error *err)
{
	int r;

	*ret = (struct boot){.mode = mode,
			     .config_path =
				     config_path ? config_path : OVERLAY_CONFIG_PATH,
			     .root = root,
			     .data = -1,
			     .persist = -1,
			     .record = -1};
	overlay_span_begin(&ret->steps[OVERLAY_STEP_PREPARE]);
	r = overlay_config_load(config_path, &ret->config, err);
	if (r < 0)
		return r;
	if (snprintf(ret->layers, sizeof(ret->layers), "%s/layers", ret->config.run) >=
	    (int)sizeof(ret->layers) - 16)
		return verity_fail(err, VERITY_E_CONFIG, "run: the path is too long");
	ret->patience =
		patience_new(ret->config.package_seconds, ret->config.boot_seconds);
	read_bootconf(ret);
	return 0;
}
