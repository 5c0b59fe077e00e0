/* SPDX-License-Identifier: MIT */
/* Opens the volumes of a boot, with a factory reset before anything on DATA is read. */
#include "initramfs/boot_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "initramfs/check_volume.h"
#include "initramfs/factory_reset.h"
#include "overlay/fs/erase_force.h"
#include "overlay/record/audit_step.h"
#include "overlay/record/proofs.h"
#include "overlay/record/record.h"
#include "overlay/record/requirements.h"
#include "overlay/stack/stack.h"
#include "overlay/store/change_set.h"
#include "overlay/store/survey.h"
#include "overlay/store/volume.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

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

/* Opens a volume on a thread: storage that never answers costs what is on it. */
struct volume_job {
	struct timed_job timed;
	struct overlay_volume volume; /* of the next two; its spec is borrowed */
	char mountpoint[PATH_MAX];
	char root[PATH_MAX];

	bool only_look; /* at what there is to check, into .found */

	/* The result. */
	struct check_found found;
	int fd;
	int r;
	struct verity_error why;
};

static void volume_job_discard(struct timed_job *timed)
{
	struct volume_job *job = (struct volume_job *)timed;

	cleanup_fd_p(&job->fd);
	free(job);
}

/*
 * To look for a name, the kernel reads all of a folder, and one of ext4 can be made that
 * has terabytes without a block on the disk.
 */
static int check_folders(int fd, struct verity_error *err)
{
	static const char *const folders[] = {
		".",
		OVERLAY_STORE_FOLDER,
		OVERLAY_RECORD_FOLDER,
		OVERLAY_RECORD_FOLDER "/" OVERLAY_RECORD_PROOFS,
	};
	struct stat st;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (fstatat(fd, folders[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode) && st.st_size > OVERLAY_SURVEY_FOLDER_MAX)
			return verity_fail(
				err, VERITY_E_MOUNT,
				"its folder '%s' is larger than %d MiB, and it is not "
				"used (repair it with 'e2fsck -f' where it is not "
				"mounted, or make a new file system)",
				folders[i], OVERLAY_SURVEY_FOLDER_MAX >> 20);
	return 0;
}

/* The names of a folder are read to the end, so that a later reader finds them. */
static void volume_job_run(struct timed_job *timed)
{
	struct volume_job *job = (struct volume_job *)timed;
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;

	if (job->only_look) {
		check_volume_look(&job->volume, &job->found);
		return;
	}
	job->r = overlay_volume_open(&job->volume, &job->fd, &job->why);
	if (job->r == 0)
		job->r = check_folders(job->fd, &job->why);
	if (job->r < 0 && job->fd >= 0) {
		cleanup_fd_p(&job->fd);
		job->fd = -1;
		(void)umount2(job->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
	if (job->r < 0 || verity_dir_open(job->fd, OVERLAY_STORE_FOLDER, &dir) < 0)
		return;
	for (size_t i = 0; i < OVERLAY_SURVEY_READ_MAX && verity_dir_next(dir, &item) > 0;
	     i++)
		;
}

/*
 * PERSIST counts for more than any package: only the part limits it.
 *
 * @found: NULL: opens it, @ret is set; else only looks at what there is to check
 */
static int open_in_time(struct boot *boot, enum overlay_store_kind kind,
			const struct overlay_volume *volume, struct check_found *found,
			int *ret, struct verity_error *err)
{
	const struct boot_budget *budget = &boot->budget;
	/* A part of the time to verify, so that enough is left for the other volume. */
	uint64_t part_us = (uint64_t)budget->boot_seconds * 1000000 / 6;
	struct volume_job *job = calloc(1, sizeof(*job));
	int r;

	if (!job)
		return verity_no_memory(err);
	snprintf(job->mountpoint, sizeof(job->mountpoint), "%s", volume->mountpoint);
	snprintf(job->root, sizeof(job->root), "%s", volume->root);
	job->volume = (struct overlay_volume){volume->spec, job->mountpoint, job->root,
					      volume->read_only};
	job->only_look = found != NULL;
	job->fd = -1;
	job->timed.run = volume_job_run;
	job->timed.discard = volume_job_discard;
	job->timed.limit_us = kind == OVERLAY_ORDINARY ? boot_budget_package_us(budget)
						       : TIMED_NO_LIMIT;
	if (budget->boot_seconds && part_us < job->timed.limit_us)
		job->timed.limit_us = part_us;
	if (!boot_budget_run_one(&boot->budget, BOOT_BUDGET_VERIFY, &job->timed)) {
		boot->late = boot->late || kind == OVERLAY_ORDINARY;
		return verity_fail(
			err, VERITY_E_TIMED_OUT,
			"it does not answer, and is not used in this boot: its "
			"storage may be failing");
	}
	if (found)
		*found = job->found;
	else
		*ret = steal_fd(&job->fd);
	r = job->r;
	if (r < 0)
		*err = job->why;
	volume_job_discard(&job->timed);
	return r;
}

/*
 * Who may write to the top folder of a volume may put another folder in place of its
 * packages and records, on the running device, and flags of it would keep them out.
 */
static void protect_top(struct boot *boot, enum overlay_store_kind kind, const char *name,
			int fd)
{
	const mode_t others = S_IWGRP | S_IWOTH, all = 07777;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	if (kind == OVERLAY_PERSISTENT)
		overlay_unprotect(fd);
	if (!(st.st_mode & others))
		return;
	if (fchmod(fd, st.st_mode & ~others & all) < 0)
		boot_tell(boot, LOG_LEVEL_WARNING,
			  "%s: others than its owner can write to its top folder (mode "
			  "%04o), and it cannot be changed: %s",
			  name, st.st_mode & all, strerror(errno));
	else
		boot_tell(boot, LOG_LEVEL_WARNING,
			  "%s: others than its owner could write to its top folder (mode "
			  "%04o): now they cannot",
			  name, st.st_mode & all);
}

/*
 * PERSIST is opened first: nothing that DATA does has an effect on it.
 *
 * @check: its file system, before it is mounted
 *
 * Return: -1 where it is missing, which is no failure.
 */
static int open_volume(struct boot *boot, enum overlay_store_kind kind, const char *spec,
		       bool check)
{
	const char *name = kind == OVERLAY_ORDINARY ? "data" : "persist";
	char mountpoint[PATH_MAX], root[PATH_MAX];
	struct overlay_volume volume = {spec, mountpoint, root, false};
	struct check_found found;
	struct verity_error why;
	int fd = -1;
	int r = 0;

	snprintf(mountpoint, sizeof(mountpoint), "%s/%s", boot->config.run, name);
	find_root(boot, root);
	if (check)
		r = open_in_time(boot, kind, &volume, &found, NULL, &why);
	if (check && r == 0)
		r = check_volume(boot, kind, &found, &volume, &why);
	if (r < 0)
		;
	else if (boot->mode != BOOT_DOES)
		r = open_as_it_is(&volume, &boot->places[kind], &fd, &why);
	else
		r = open_in_time(boot, kind, &volume, NULL, &fd, &why);
	if (r < 0)
		boot_tell(boot, LOG_LEVEL_WARNING, "%s: %s", name, why.message);
	else if (boot->mode == BOOT_DOES)
		protect_top(boot, kind, name, fd);
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

void boot_clean_store(struct boot *boot, enum overlay_store_kind kind)
{
	struct verity_error why;
	int r = overlay_store_clean(boot->store, kind, &why);

	if (r < 0)
		log_line(LOG_LEVEL_WARNING, "store: %s", why.message);
	else if (r > 0)
		log_line(LOG_LEVEL_NOTICE, "store: %d unfinished installations deleted",
			 r);
}

/* What a set that was cut off has not logged; it is counted to the boot before. */
static void log_set(void *context, const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	const struct boot *boot = context;
	struct verity_error why;

	if (boot->record >= 0 &&
	    overlay_audit_step_finish(boot->record, boot->config.audit_bytes, digest,
				      &why) < 0)
		log_line(LOG_LEVEL_WARNING, "audit log: %s", why.message);
}

/* Of a set that was cut off before its step: no list names it. */
static void forget_step(const struct boot *boot)
{
	struct verity_error why;

	if (overlay_audit_step_forget(boot->record, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "audit log: %s", why.message);
}

static int open_store(struct boot *boot, struct verity_error *err)
{
	int data = readable(boot, "data", boot->data);
	int persist = readable(boot, "persist", boot->persist);
	const struct verity_error *waiting;
	cleanup_fd int floors = -1;
	int r = overlay_store_open(data, persist, &boot->store, err);

	if (overlay_store_is_one(data, persist))
		boot_tell(boot, LOG_LEVEL_WARNING, "data: " OVERLAY_STORE_IS_ONE);
	if (r < 0 || boot->mode == BOOT_PLANS)
		return r;
	boot->set_log = (struct overlay_change_set_log){log_set, boot};
	overlay_change_set_log_found(boot->store, &boot->set_log);
	overlay_store_set_run(boot->store, boot->config.run);
	/* the room is for the records of this boot */
	boot_clean_store(boot, OVERLAY_PERSISTENT);
	if (boot->record >= 0) {
		floors = openat(boot->record, OVERLAY_RECORD_PROOFS,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		overlay_record_clean(boot->record);
		overlay_record_clean(floors);
	}
	waiting = overlay_change_set_waiting(boot->store);
	if (waiting)
		boot_tell(boot, LOG_LEVEL_WARNING, "store: %s (%s)", waiting->message,
			  verity_code_hint(waiting->code));
	else if (boot->record >= 0 &&
		 overlay_store_is_there(boot->store, OVERLAY_ORDINARY) &&
		 overlay_store_is_there(boot->store, OVERLAY_PERSISTENT))
		forget_step(boot);
	return 0;
}

/*
 * A file system can be made so that its mount does not end. The next boot does not try,
 * and makes a new one, if the device itself answers.
 */
static void postpone(struct boot *boot, struct factory_journal *journal)
{
	struct verity_error why;

	log_line(LOG_LEVEL_WARNING,
		 "factory reset: not in this boot: DATA does not answer");
	if (boot->mode != BOOT_DOES || boot->record < 0)
		return;
	journal->tries = FACTORY_TRIES;
	if (factory_journal_store(boot->record, journal, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "persist: %s", why.message);
}

/* Return: the step that the time from now on belongs to. */
static enum overlay_step reset(struct boot *boot)
{
	struct factory_journal journal;
	bool due = reset_is_due(boot, &journal);

	if (due) {
		overlay_span_end(&boot->steps[OVERLAY_STEP_VOLUMES]);
		overlay_span_begin(&boot->steps[OVERLAY_STEP_RESET]);
	}
	if (boot->late && due) {
		postpone(boot, &journal);
	} else if (boot->mode == BOOT_DOES) {
		reset_run(boot);
	} else if (due && !boot->records) {
		boot_tell(boot, LOG_LEVEL_WARNING,
			  "factory reset: requested, but refused: there is no "
			  "PERSIST to remember it on");
	} else if (due) {
		boot->resets = true;
		boot_tell(boot, LOG_LEVEL_WARNING,
			  "factory reset: requested, deletes all that is on DATA%s",
			  journal.purge ? " and PERSIST" : "");
		cleanup_fd_p(&boot->data);
		boot->data = -1;
		if (journal.purge) {
			cleanup_fd_p(&boot->persist);
			cleanup_fd_p(&boot->record);
			boot->persist = boot->record = -1;
		}
	}
	return due ? OVERLAY_STEP_RESET : OVERLAY_STEP_VOLUMES;
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

/* From here on, what is on DATA can end the boot. */
static void count(struct boot *boot)
{
	if (boot->mode != BOOT_DOES)
		return;
	hints_load(boot->record, boot->config.trials, &boot->hints);
	hints_begin(boot->record, boot->config.trials, &boot->hints);
}

/* Whether it answers: it is not mounted before its file system is a new one. */
static void look_at_data(struct boot *boot)
{
	char mountpoint[PATH_MAX], root[PATH_MAX];
	const struct overlay_volume volume = {boot->config.data, mountpoint, root, false};
	struct check_found found;
	struct verity_error why;

	snprintf(mountpoint, sizeof(mountpoint), "%s/data", boot->config.run);
	find_root(boot, root);
	if (open_in_time(boot, OVERLAY_ORDINARY, &volume, &found, NULL, &why) < 0)
		boot_tell(boot, LOG_LEVEL_WARNING, "data: %s", why.message);
}

/*
 * A reset counts the boot once it is done: it takes long, and empties DATA, so that a
 * check of it would be for nothing.
 */
static void open_data(struct boot *boot)
{
	struct factory_journal journal;
	bool due = reset_is_due(boot, &journal);

	if (!due)
		count(boot);
	if (due && boot->mode == BOOT_DOES &&
	    (journal.step == FACTORY_MAKE || journal.tries >= FACTORY_TRIES))
		look_at_data(boot);
	else if (due || boot->hints.caution < OVERLAY_CAUTION_DATA)
		boot->data = open_volume(boot, OVERLAY_ORDINARY, boot->config.data,
					 boot->mode == BOOT_DOES && !due);
}

int boot_open(struct boot *boot, struct verity_error *err)
{
	bool make = boot->mode == BOOT_DOES;
	struct overlay_state state;
	struct verity_error why;
	enum overlay_step step;
	char root[PATH_MAX];
	int r = 0;

	/* As the boot found it, or as it is read from the firmware's own root. */
	if (!boot->root && overlay_state_read(boot->config.run, &state, NULL) == 0) {
		boot->identity = state.identity;
		overlay_state_free(&state);
	} else {
		find_root(boot, root);
		overlay_identity_read(&boot->config, root, &boot->identity);
	}
	overlay_span_begin(&boot->steps[OVERLAY_STEP_VOLUMES]);
	boot->persist = open_volume(boot, OVERLAY_PERSISTENT, boot->config.persist, make);
	/* There are no records where PERSIST is missing. */
	if (boot->persist >= 0)
		r = overlay_record_open(boot->persist, make, &boot->record, &why);
	boot->records = boot->record >= 0 || (!make && r == -ENOENT);
	if (r < 0 && (make || r != -ENOENT))
		boot_tell(boot, LOG_LEVEL_WARNING, "persist: %s", why.message);
	open_data(boot);
	step = reset(boot);
	if (step == OVERLAY_STEP_RESET)
		count(boot);
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
	const struct verity_error *lost =
		boot->trust ? overlay_trust_lost(boot->trust) : NULL;
	int r = overlay_requirements_persist(config, boot->persist >= 0, read, lost, err);

	if (r == 0 && packages)
		r = overlay_requirements_packages(config, &packages->state, stacked, err);
	return r;
}
