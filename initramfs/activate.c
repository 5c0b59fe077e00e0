/* SPDX-License-Identifier: MIT */
#include "initramfs/activate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#include "initramfs/audit.h"
#include "initramfs/boot_context.h"
#include "initramfs/log.h"
#include "initramfs/mount_stack.h"
#include "initramfs/packages.h"
#include "initramfs/seed.h"
#include "initramfs/supervisor_pipe.h"
#include "initramfs/trials.h"
#include "overlay/fs/mkdir.h"
#include "overlay/stack/stack.h"
#include "verity/util/cleanup.h"

static void packages_free_p(struct packages *packages)
{
	packages_free(packages);
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

static void forget_state(const struct boot *boot)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_STATE_FILE, boot->config.run);
	(void)unlink(path);
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
static void try_packages(struct boot *boot, const struct packages_judge *judge,
			 struct packages *packages)
{
	const struct trying trying = {
		.judge = *judge,
		.record_fd = boot->record,
		.listed = {boot->listed[0], boot->listed[1]},
		.limit = boot->config.trials,
	};

	overlay_span_begin(&boot->steps[OVERLAY_STEP_TRY]);
	trying_begin(&trying, packages);
	overlay_span_end(&boot->steps[OVERLAY_STEP_TRY]);
}

static int judge_packages(struct boot *boot, struct packages *packages,
			  struct verity_error *err)
{
	const struct verity_policy policy = boot_policy(boot);
	const struct packages_judge judge = {boot->store, &policy, &boot->patience};
	int r;

	overlay_span_begin(&boot->steps[OVERLAY_STEP_JUDGE]);
	r = packages_load(&judge, &boot->conf, packages, err);
	overlay_span_end(&boot->steps[OVERLAY_STEP_JUDGE]);
	if (r == 0)
		try_packages(boot, &judge, packages);
	return r;
}

static int judge_and_stack(struct boot *boot, struct packages *packages,
			   struct verity_error *err)
{
	struct overlay_span *steps = boot->steps;
	struct overlay_audit *audit = auditing_begin(
		boot->record, boot->config.audit_bytes, overlay_trust_time(boot->trust));
	int r;

	if (audit)
		boot->number = overlay_audit_boot(audit);
	overlay_span_end(&steps[OVERLAY_STEP_TRUST]);
	r = judge_packages(boot, packages, err);
	if (r == 0)
		r = stacking_run(packages, boot, err);
	overlay_span_begin(&steps[OVERLAY_STEP_RECORD]);
	if (r == 0)
		remember(boot, packages);
	auditing_end(audit, packages);
	overlay_span_end(&steps[OVERLAY_STEP_RECORD]);
	return r;
}

static void write_state(const struct boot *boot, const struct packages *packages)
{
	struct verity_error why;

	if (overlay_state_write(boot->config.run, &packages->state, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "state: %s", why.message);
}

static void report(const struct boot *boot, const struct packages *packages)
{
	for (size_t i = 0; i < packages->state.count; i++)
		log_entry(&packages->state.entries[i]);
	write_state(boot, packages);
}

/*
 * The state is there before this begins, so that whatever becomes of it the stack is
 * known as ours; it is written once more where there is something to tell of.
 */
static void seed(struct boot *boot, struct packages *packages)
{
	struct overlay_span span;
	bool tried;

	overlay_span_begin(&span);
	tried = seeding_run(&boot->config, boot->root, boot->data);
	overlay_span_end(&span);
	if (!tried)
		return;
	packages->state.steps[OVERLAY_STEP_SEED] = span;
	write_state(boot, packages);
}

static int activate(struct boot *boot, struct verity_error *err)
{
	cleanup_with(packages_free_p) struct packages packages = {0};
	struct verity_error why = {0};
	int r;

	r = stacking_check(boot, &why);
	if (r == -EBUSY) {
		*err = why;
		return r;
	}
	forget_state(boot);
	if (r == 0)
		r = stacking_clean(boot->layers, &why);
	overlay_span_end(&boot->steps[OVERLAY_STEP_PREPARE]);
	if (r == 0)
		r = boot_open(boot, &why);
	if (r == 0)
		r = judge_and_stack(boot, &packages, &why);
	boot_describe(boot, &packages.state);
	if (r < 0) {
		packages.state.stack = why;
		log_line(LOG_LEVEL_WARNING, "no package is active: %s: %s",
			 verity_code_name(why.code), why.message);
	}
	report(boot, &packages);
	if (r == 0) {
		supervised_tell(boot->patience.line, SUPERVISED_ACTIVE, 0);
		seed(boot, &packages);
	} else
		*err = why;
	return r;
}

/* What a thread that never came back may still look at stays, as long as the process. */
static void boot_free_p(struct boot *boot)
{
	if (boot->patience.stuck == 0)
		boot_free(boot);
}

/*
 * One at a time: the process of a run that was killed may still be on its way out, with a
 * mount or a device under way. Held until the process ends, or there is nothing left to
 * do for a thread of it that never will.
 */
static int lock(const struct boot *boot, int *ret, struct verity_error *err)
{
	cleanup_fd int fd = open(boot->config.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		int r = overlay_folder_make(boot->config.run, 0755, err);

		if (r < 0)
			return r;
		fd = open(boot->config.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return verity_fail_errno(err, errno, "%s", boot->config.run);
	*ret = steal_fd(&fd);
	return 0;
}

int activate_run(const char *config_path, const char *root, int line, size_t *ret_stuck,
		 struct verity_error *err)
{
	cleanup_with(boot_free_p) struct boot boot;
	cleanup_fd int locked = -1;
	int r = boot_begin(config_path, root, BOOT_DOES, &boot, err);

	if (r < 0)
		return r;
	boot.patience.line = line;
	supervised_tell(line, SUPERVISED_LIMIT, boot.patience.boot_seconds);
	r = lock(&boot, &locked, err);
	if (r == 0)
		r = activate(&boot, err);
	*ret_stuck = boot.patience.stuck;
	return r;
}
