/* SPDX-License-Identifier: MIT */
/* The activation, step by step. */
#include "initramfs/activate.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "initramfs/audit.h"
#include "initramfs/boot_open.h"
#include "initramfs/mount_stack.h"
#include "initramfs/seed.h"
#include "initramfs/supervisor_pipe.h"
#include "initramfs/trials.h"
#include "overlay/fs/lock.h"
#include "overlay/record/requirements.h"
#include "overlay/stack/layers_dir.h"
#include "overlay/stack/memory.h"
#include "verity/util/cleanup.h"

#define REFUSED_LINES 128
#define LOCK_WAIT_MS  30000

static void log_unlisted(const char *store, const struct overlay_unlisted *unlisted)
{
	if (unlisted->junk + unlisted->links + unlisted->over == 0)
		return;
	log_line(LOG_LEVEL_WARNING,
		 "%s: not listed: %" PRIu64 " files that are not packages, %" PRIu64
		 " more hard links to packages, %" PRIu64 " files over the limit of %d",
		 store, unlisted->junk, unlisted->links, unlisted->over,
		 OVERLAY_SURVEY_ENTRIES_MAX);
}

/* The kernel log keeps some thousand lines, and those of others matter, too. */
static void log_packages(const struct overlay_state *state)
{
	size_t refused = 0;

	for (size_t i = 0; i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];
		const struct verity_error *why = &entry->reason;
		bool plain = why->code == VERITY_OK;

		if (!entry->active && ++refused > REFUSED_LINES)
			continue;
		log_line(entry->active && plain ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
			 "%s%s%s: %s, %s%s%s%s%s", entry->entry.name,
			 entry->version[0] ? " " : "", entry->version,
			 verity_verdict_name(entry->verdict),
			 entry->active ? "active" : "not active", plain ? "" : ": ",
			 plain ? "" : verity_code_name(why->code), plain ? "" : ": ",
			 plain ? "" : why->message);
	}
	if (refused > REFUSED_LINES)
		log_line(
			LOG_LEVEL_WARNING,
			"%zu more packages are not active: the state file has the reasons",
			refused - REFUSED_LINES);
	log_unlisted("data", &state->unlisted[OVERLAY_ORDINARY]);
	log_unlisted("persist", &state->unlisted[OVERLAY_PERSISTENT]);
}

/*
 * The boot is counted twice: in boot_open() as one that may end before the packages are
 * verified, for which none of them is to blame; here for each that will be mounted.
 */
static int verify_packages(struct boot *boot, struct packages *packages,
			   struct verity_error *err)
{
	struct packages_memory memory = {.percent = boot->config.memory_percent};
	const struct verity_policy policy = boot_policy(boot);
	const struct trials_context trials = {
		.verify = {boot->store, &policy, &boot->budget, &boot->hints},
		.record_fd = boot->record,
		.limit = boot->config.trials,
		.config = &boot->config,
	};
	struct verity_error why;
	int r;

	overlay_span_begin(&boot->steps[OVERLAY_STEP_JUDGE]);
	r = packages_load(&trials.verify, &boot->conf, packages, err);
	/* What a power cut left of a move, now that the persistent one is known to be
	 * good. */
	for (size_t i = 0; r == 0 && i < packages->state.count; i++)
		if (packages->items[i].moved &&
		    overlay_store_clear_moved(
			    boot->store, packages->items[i].state->entry.name, &why) < 0)
			log_line(LOG_LEVEL_WARNING, "store: %s", why.message);
	if (r == 0) {
		packages_sum_up(packages);
		memory.bytes = overlay_memory_read("MemAvailable");
		if (memory.bytes != UINT64_MAX)
			memory.bytes = memory.bytes / 100 * memory.percent;
		packages_limit(packages, &memory);
		r = packages_relate(packages, err);
	}
	overlay_span_end(&boot->steps[OVERLAY_STEP_JUDGE]);
	if (r < 0)
		return r;
	r = boot_check_required(boot, packages, false, err);
	if (r < 0)
		packages_refuse_all(packages, err);
	/* From here on the packages are those that will be mounted. */
	overlay_span_begin(&boot->steps[OVERLAY_STEP_TRY]);
	if (r == 0)
		trials_begin(&trials, packages);
	hints_end(boot->record, boot->config.trials, &boot->hints);
	overlay_span_end(&boot->steps[OVERLAY_STEP_TRY]);
	return r;
}

/* Trials and mounting may have left some out since. */
static int check_stack(const struct boot *boot, struct packages *packages,
		       struct verity_error *err)
{
	struct verity_error why;
	int r = boot_check_required(boot, packages, true, err);

	if (r == 0)
		return 0;
	packages_refuse_all(packages, err);
	if (stack_take_down(&boot->config, boot->root, &why) < 0 ||
	    overlay_layers_clean(boot->layers, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", why.message);
	return r;
}

static int verify_and_stack(struct boot *boot, struct packages *packages,
			    struct verity_error *err)
{
	struct overlay_span *steps = boot->steps;
	struct overlay_audit *audit = audit_begin(boot->record, boot->config.audit_bytes,
						  overlay_trust_time(boot->trust));
	struct verity_error why;
	int r;

	if (audit)
		boot->number = overlay_audit_boot(audit);
	overlay_span_end(&steps[OVERLAY_STEP_TRUST]);
	r = boot_check_required(boot, NULL, false, err);
	if (r < 0) {
		/* No package had its turn, and none is to have it less for that. */
		hints_end(boot->record, boot->config.trials, &boot->hints);
		audit_end(audit, packages, err);
		return r;
	}
	r = verify_packages(boot, packages, err);
	if (r == 0)
		r = stack_run(packages, boot, err);
	if (r == 0)
		r = check_stack(boot, packages, err);
	overlay_span_begin(&steps[OVERLAY_STEP_RECORD]);
	/* What the packages prove becomes a floor when the boot is completed. */
	if (r == 0 && overlay_trust_keep(boot->trust, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", why.message);
	audit_end(audit, packages, NULL);
	overlay_span_end(&steps[OVERLAY_STEP_RECORD]);
	return r;
}

static void write_state(const struct boot *boot, const struct packages *packages)
{
	struct verity_error why;

	if (overlay_state_write(boot->config.run, &packages->state, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "state: %s", why.message);
}

static int activate(struct boot *boot, struct verity_error *err)
{
	cleanup_with(packages_free) struct packages packages = {.order_count = 0};
	struct overlay_span seeding;
	struct verity_error why;
	char path[PATH_MAX];
	int r = stack_check(boot, err);

	if (r == -EBUSY)
		return r;
	snprintf(path, sizeof(path), "%s/" OVERLAY_STATE_FILE, boot->config.run);
	(void)unlink(path);
	if (r == 0)
		r = stack_clean(boot->layers, err);
	overlay_span_end(&boot->steps[OVERLAY_STEP_PREPARE]);
	if (r == 0)
		r = boot_open(boot, err);
	if (r == 0)
		r = verify_and_stack(boot, &packages, err);
	boot_describe(boot, &packages.state);
	if (r < 0) {
		/* Whatever it was, it left a requirement unmet. */
		if (boot_check_required(boot, &packages, true, &why) < 0)
			err->code = VERITY_E_REQUIRED;
		packages.state.stack = *err;
		log_line(LOG_LEVEL_WARNING, "no package is active: %s: %s",
			 verity_code_name(err->code), err->message);
	}
	log_packages(&packages.state);
	/* Before the seeding, so that the stack is known as ours whatever happens then.
	 */
	write_state(boot, &packages);
	if (r == 0)
		supervisor_tell(boot->budget.line, SUPERVISOR_ACTIVE, 0);
	/* Whoever writes to DATA could make this take time: nothing waits for it now. */
	if (boot->store)
		boot_clean_store(boot, OVERLAY_ORDINARY);
	if (r < 0)
		return r;
	overlay_span_begin(&seeding);
	if (seed_run(&boot->config, boot->root, boot->data)) {
		overlay_span_end(&seeding);
		packages.state.steps[OVERLAY_STEP_SEED] = seeding;
		write_state(boot, &packages);
	}
	return 0;
}

/* What a thread that never came back may still use stays, as long as the process. */
static void boot_free_p(struct boot *boot)
{
	if (boot->budget.stuck == 0)
		boot_free(boot);
}

/*
 * One at a time: the process of a run that was killed may still be about to end, in the
 * middle of a mount or a device. Held until the process ends, or only threads that never
 * will are left of it.
 */
static int lock(const struct boot *boot, int *ret, struct verity_error *err)
{
	cleanup_fd int locks = -1;
	int r = overlay_lock_folder_open(boot->config.run, &locks, err);

	return r < 0 ? r
		     : overlay_lock_take(locks, OVERLAY_LOCK_BOOT,
					 "another activation is under way", false,
					 LOCK_WAIT_MS, ret, err);
}

int activate_run(const char *config_path, const char *root, int line, size_t *ret_stuck,
		 struct verity_error *err)
{
	cleanup_with(boot_free_p) struct boot boot;
	cleanup_fd int locked = -1;
	int r = boot_begin(config_path, root, BOOT_DOES, &boot, err);

	if (r < 0)
		return r;
	boot.budget.line = line;
	if (overlay_requirements_exist(&boot.config))
		supervisor_tell(line, SUPERVISOR_REQUIRES, 1);
	supervisor_tell(line, SUPERVISOR_LIMIT, boot.budget.boot_seconds);
	r = lock(&boot, &locked, err);
	if (r == 0)
		r = activate(&boot, err);
	*ret_stuck = boot.budget.stuck;
	return r;
}
