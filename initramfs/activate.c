/* SPDX-License-Identifier: MIT */
#include "initramfs/activate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "initramfs/auditing.h"
#include "initramfs/log.h"
#include "initramfs/packages.h"
#include "initramfs/seeding.h"
#include "initramfs/stacking.h"
#include "initramfs/trying.h"
#include "overlay/config.h"
#include "overlay/record.h"
#include "overlay/stack.h"
#include "overlay/trust.h"
#include "overlay/volume.h"
#include "verity/cleanup.h"

DEFINE_CLEANUP(struct overlay_store, overlay_store_free);

static void packages_free_p(struct packages *packages)
{
	packages_free(packages);
}

/* All that is known before a package is looked at. */
struct boot {
	struct overlay_config config;
	struct overlay_bootconf conf;
	char layers[PATH_MAX];
	const char *root;
	struct overlay_identity identity;
	struct overlay_trust *trust;
	uint64_t number; /* of this boot; 0: not known */
};

/* Each judged package is an open file. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* What cannot be read of it asks for nothing. */
static void read_bootconf(struct boot *boot)
{
	struct verity_error why;

	if (overlay_bootconf_read(boot->config.uboot_env, boot->config.cmdline,
				  &boot->conf, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "boot configuration: %s", why.message);
	if (boot->conf.safe)
		log_line(LOG_LEVEL_WARNING, "safe mode: no package will be active");
}

/* Open until the end: -1 where there is none. */
struct volumes {
	int data;
	int persist;
	bool listed[2]; /* by enum overlay_store_kind: the store on it can be read */
};

static void volumes_close_p(struct volumes *volumes)
{
	cleanup_fd_p(&volumes->data);
	cleanup_fd_p(&volumes->persist);
}

/* A volume that is missing costs what is on it, and nothing else. */
static int open_volume(const struct boot *boot, const char *name, const char *spec)
{
	struct verity_error why;
	char mountpoint[PATH_MAX];
	int fd = -1;

	snprintf(mountpoint, sizeof(mountpoint), "%s/%s", boot->config.run, name);
	if (overlay_volume_open(spec, mountpoint, &fd, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s: %s", name, why.message);
	return fd;
}

static void open_volumes(const struct boot *boot, struct volumes *ret)
{
	ret->data = open_volume(boot, "data", boot->config.data);
	ret->persist = open_volume(boot, "persist", boot->config.persist);
}

/*
 * A volume whose store cannot be read costs what is on it, and nothing else: -1 for it,
 * as if it were missing.
 */
static int readable(const char *name, int volume)
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
	log_line(LOG_LEVEL_WARNING, "%s: %s", name, why.message);
	return -1;
}

static int open_store(struct volumes *volumes, struct overlay_store **ret,
		      struct verity_error *err)
{
	int data = readable("data", volumes->data);
	int persist = readable("persist", volumes->persist);
	struct verity_error why;
	int r = overlay_store_open(data, persist, ret, err);

	volumes->listed[OVERLAY_ORDINARY] = data >= 0;
	volumes->listed[OVERLAY_PERSISTENT] = persist >= 0;
	if (r < 0)
		return r;
	r = overlay_store_clean(*ret, &why);
	if (r < 0)
		log_line(LOG_LEVEL_WARNING, "store: %s", why.message);
	else if (r > 0)
		log_line(LOG_LEVEL_NOTICE, "store: %d unfinished installations deleted",
			 r);
	return 0;
}

/* Nothing is remembered where PERSIST is missing. */
static int open_record(const struct volumes *volumes)
{
	struct verity_error why;
	int fd = -1;

	if (volumes->persist >= 0 &&
	    overlay_record_open(volumes->persist, true, &fd, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "persist: %s", why.message);
	return fd;
}

static int load_trust(struct boot *boot, int record_fd, struct verity_error *err)
{
	const struct overlay_trust_inputs inputs = {
		.config = &boot->config,
		.bootconf = &boot->conf,
		.identity = &boot->identity,
		.record_fd = record_fd,
		.clock = time(NULL),
	};
	const struct verity_error *notes, *locked;
	size_t count;
	int r;

	overlay_identity_read(&boot->config, boot->root, &boot->identity);
	r = overlay_trust_load(&inputs, &boot->trust, err);
	if (r < 0)
		return r;
	notes = overlay_trust_notes(boot->trust, &count);
	for (size_t i = 0; i < count; i++)
		log_line(LOG_LEVEL_WARNING, "%s", notes[i].message);
	locked = overlay_trust_locked(boot->trust);
	if (locked)
		log_line(LOG_LEVEL_WARNING, "%s", locked->message);
	else if (boot->conf.allow_untrusted)
		log_line(LOG_LEVEL_WARNING,
			 "Allow Untrusted is set: packages of any origin may be active");
	return 0;
}

/* What runs now is a floor from now on: written when it does, and not before. */
static void remember(const struct boot *boot, const struct packages *packages)
{
	struct verity_error why;

	for (size_t i = 0; i < packages->state.count; i++)
		if (packages->state.entries[i].active &&
		    overlay_trust_seen(boot->trust,
				       verity_package_judgement(packages->judged[i]),
				       true, &why) < 0)
			log_line(LOG_LEVEL_WARNING, "%s", why.message);
	if (overlay_trust_keep(boot->trust, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", why.message);
}

static bool state_exists(const struct boot *boot)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_STATE_FILE, boot->config.run);
	return access(path, F_OK) == 0;
}

static void forget_state(const struct boot *boot)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_STATE_FILE, boot->config.run);
	(void)unlink(path);
}

/*
 * A stack with its state file is an activation that came to its end. Without one it was
 * cut off between the two, before anything could use it: it is taken down.
 */
static int check_root(const struct boot *boot, struct verity_error *err)
{
	enum overlay_stack_found found = OVERLAY_STACK_NONE;
	int r = overlay_stack_find(boot->root, &found, err);

	if (r < 0)
		return r;
	if (found == OVERLAY_STACK_OTHER)
		return verity_fail(err, VERITY_E_STACK,
				   "%s is an overlay already, and packages are never "
				   "stacked on one",
				   boot->root);
	if (found == OVERLAY_STACK_OURS && state_exists(boot))
		return verity_fail(err, VERITY_E_BUSY,
				   "the packages of this boot are active over %s already",
				   boot->root);
	if (found == OVERLAY_STACK_OURS &&
	    umount2(boot->root, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return verity_fail_errno(err, errno, "%s", boot->root);
	return 0;
}

static void log_entry(const struct overlay_state_entry *entry)
{
	const struct verity_error *why = &entry->reason;
	bool plain = why->code == VERITY_OK;

	log_line(entry->active && plain ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		 "%s%s%s: %s, %s%s%s%s%s", entry->entry.name,
		 entry->version[0] ? " " : "", entry->version,
		 verity_verdict_name(entry->verdict),
		 entry->active ? "active" : "not active", plain ? "" : ": ",
		 plain ? "" : verity_code_name(why->code), plain ? "" : ": ",
		 plain ? "" : why->message);
}

/* From here on the packages are those that will be mounted. */
static void try_packages(const struct boot *boot, const struct volumes *volumes,
			 const struct overlay_store *store, int record_fd,
			 struct packages *packages)
{
	const struct trying trying = {
		.store = store,
		.policy = overlay_trust_policy(boot->trust),
		.record_fd = record_fd,
		.listed = {volumes->listed[0], volumes->listed[1]},
		.limit = boot->config.trials,
	};

	trying_begin(&trying, packages);
}

static int load_and_stack(struct boot *boot, struct volumes *volumes,
			  struct packages *packages, struct verity_error *err)
{
	cleanup_with(overlay_store_free_p) struct overlay_store *store = NULL;
	struct overlay_audit *audit = NULL;
	cleanup_fd int record = -1;
	int r = stacking_clean(boot->layers, err);

	if (r < 0)
		return r;
	open_volumes(boot, volumes);
	r = open_store(volumes, &store, err);
	if (r < 0)
		return r;
	record = open_record(volumes);
	r = load_trust(boot, record, err);
	if (r == 0)
		audit = auditing_begin(record, boot->config.audit_bytes,
				       overlay_trust_time(boot->trust));
	if (audit)
		boot->number = overlay_audit_boot(audit);
	if (r == 0)
		r = packages_load(store, overlay_trust_policy(boot->trust), &boot->conf,
				  packages, err);
	if (r == 0)
		try_packages(boot, volumes, store, record, packages);
	if (r == 0)
		r = stacking_run(packages, boot->layers, boot->root, err);
	if (r == 0)
		remember(boot, packages);
	auditing_end(audit, packages);
	return r;
}

/* What this boot found the device to be, and to trust; for the installer. */
static void describe_boot(const struct boot *boot, struct overlay_state *state)
{
	const struct verity_error *locked =
		boot->trust ? overlay_trust_locked(boot->trust) : NULL;
	const struct verity_denylist *denylist =
		boot->trust ? overlay_trust_denylist(boot->trust) : NULL;

	state->safe = boot->conf.safe;
	state->identity = boot->identity;
	state->boot = boot->number;
	if (boot->trust)
		state->allow_untrusted =
			overlay_trust_policy(boot->trust)->allow_untrusted;
	if (locked)
		state->locked = *locked;
	if (denylist)
		state->denylist = verity_denylist_number(denylist);
}

static int activate(struct boot *boot, struct verity_error *err)
{
	cleanup_with(packages_free_p) struct packages packages = {0};
	cleanup_with(volumes_close_p) struct volumes volumes = {.data = -1,
								.persist = -1};
	struct verity_error why = {0};
	struct verity_error unwritten;
	int r;

	r = check_root(boot, &why);
	if (r == -EBUSY) {
		*err = why;
		return r;
	}
	forget_state(boot);
	if (r == 0)
		r = load_and_stack(boot, &volumes, &packages, &why);
	describe_boot(boot, &packages.state);
	if (r < 0) {
		packages.state.stack = why;
		log_line(LOG_LEVEL_WARNING, "no package is active: %s: %s",
			 verity_code_name(why.code), why.message);
	}
	for (size_t i = 0; i < packages.state.count; i++)
		log_entry(&packages.state.entries[i]);
	if (overlay_state_write(boot->config.run, &packages.state, &unwritten) < 0)
		log_line(LOG_LEVEL_WARNING, "state: %s", unwritten.message);
	if (r == 0)
		seeding_run(boot->root, volumes.data);
	else
		*err = why;
	return r;
}

static void boot_free_p(struct boot *boot)
{
	overlay_trust_free(boot->trust);
	overlay_config_free(&boot->config);
}

int activate_run(const char *config_path, const char *root, struct verity_error *err)
{
	cleanup_with(boot_free_p) struct boot boot = {.root = root};
	int r = overlay_config_load(config_path, &boot.config, err);

	if (r < 0)
		return r;
	if (snprintf(boot.layers, sizeof(boot.layers), "%s/layers", boot.config.run) >=
	    (int)sizeof(boot.layers) - 16)
		return verity_fail(err, VERITY_E_CONFIG, "run: the path is too long");
	raise_file_limit();
	read_bootconf(&boot);
	return activate(&boot, err);
}
