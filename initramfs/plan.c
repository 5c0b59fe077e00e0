/* SPDX-License-Identifier: MIT */
#include "initramfs/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "factory/seed.h"
#include "initramfs/attach.h"
#include "initramfs/trials.h"
#include "verity/util/cleanup.h"

static void plan_free_p(struct plan **owned)
{
	struct plan *plan = *owned;

	/* What a thread that never came back may still look at stays. */
	if (!plan || plan->boot.patience.stuck > 0)
		return;
	free(plan->options);
	overlay_stack_plan_free(&plan->stack);
	overlay_trials_free(&plan->trials);
	packages_free(&plan->packages);
	boot_free(&plan->boot);
	free(plan);
}

const struct overlay_trial *planning_trial(const struct plan *plan,
					   const struct overlay_state_entry *entry)
{
	for (size_t i = 0; i < plan->trials.count; i++) {
		const struct overlay_trial *trial = &plan->trials.items[i];

		if (trial->entry.kind == entry->entry.kind &&
		    strcmp(trial->entry.name, entry->entry.name) == 0)
			return trial;
	}
	return NULL;
}

void planning_device(const struct overlay_entry *entry, char *ret, size_t size)
{
	char name[ATTACHING_NAME_BYTES];

	attaching_device_name(entry, "*", name);
	snprintf(ret, size, "%s", name);
}

const struct overlay_seed *planning_seed_at(const struct plan *plan, size_t index)
{
	static const struct overlay_seed first = {"/" FACTORY_SEED_SOURCE,
						  FACTORY_SEED_TARGET};
	const struct overlay_config *config = &plan->boot.config;

	if (index == 0)
		return &first;
	return index - 1 < config->seeds_count ? &config->seeds[index - 1] : NULL;
}

bool planning_seeds(const struct plan *plan, const struct overlay_seed *seed)
{
	struct stat st;

	if (plan->boot.resets)
		return true;
	return plan->boot.data >= 0 &&
	       fstatat(plan->boot.data, seed->target, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	       errno == ENOENT;
}

static int load_packages(struct plan *plan, struct verity_error *err)
{
	struct boot *boot = &plan->boot;
	const struct packages_judge judge = {boot->store, &plan->policy, &boot->patience};
	const struct trying trying = {
		.judge = judge,
		.record_fd = boot->resets ? -1 : boot->record,
		.listed = {boot->listed[0], boot->listed[1]},
		.limit = boot->records ? boot->config.trials : 0,
	};
	int r;

	plan->policy = boot_policy(boot);
	/* It forgets trials and quarantine. */
	if (boot->resets)
		plan->policy.quarantine = NULL;
	r = packages_load(&judge, &boot->conf, &plan->packages, err);
	if (r == 0)
		r = trying_plan(&trying, &plan->packages, &plan->trials, err);
	return r < 0 ? r : 0;
}

/*
 * Whether the kernel takes one more overlay over the root, and over each hierarchy. Where
 * one of ours is mounted now, it is that of the boot before the one that is planned.
 */
static int check_depth(const struct plan *plan, struct verity_error *err)
{
	const struct overlay_config *config = &plan->boot.config;
	const char *root = plan->boot.root ? plan->boot.root : "/";
	char target[PATH_MAX];
	size_t count = config->hierarchies_count;
	bool ours = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < (count ? count : 1); i++) {
		snprintf(target, sizeof(target), "%s%s", root,
			 count ? config->hierarchies[i] : "");
		if (count && access(target, F_OK) < 0)
			continue;
		r = overlay_stack_is_at(target, &ours, err);
		if (r == 0 && !ours)
			r = overlay_stack_check_depth(target, err);
	}
	return r;
}

static int plan_stack(struct plan *plan, struct verity_error *err)
{
	const struct packages *packages = &plan->packages;
	int r = planning_stacks(plan) ? check_depth(plan, err) : 0;

	plan->parts.engine = plan->parts.root = true;
	plan->parts.writable = plan->boot.config.upper != OVERLAY_UPPER_NONE;
	plan->parts.packages = packages->order_count;
	for (size_t i = 0; i < packages->order_count; i++)
		plan->parts.nosuid |= !verity_verified_signed(verity_package_verified(
			packages->judged[packages->order[i].index]));
	if (r == 0)
		r = overlay_stack_plan_make(&plan->parts, &plan->stack, err);
	/* Where they do not fit, it takes a kernel that is told layer by layer. */
	if (r == 0 && plan->boot.config.hierarchies_count == 0)
		(void)!overlay_stack_options(&plan->stack, (size_t)sysconf(_SC_PAGESIZE),
					     &plan->options, NULL);
	return r;
}

bool planning_stacks(const struct plan *plan)
{
	return plan->failed.code == VERITY_OK &&
	       (plan->packages.order_count > 0 ||
		plan->boot.config.upper != OVERLAY_UPPER_NONE);
}

const struct overlay_order_item *planning_package_at(const struct plan *plan,
						     size_t index)
{
	if (index == 0 || index > plan->parts.packages)
		return NULL;
	return &plan->packages.order[index - 1];
}

/* As a boot would mark them, were all of them to be mounted. */
static void mark(struct plan *plan, const struct verity_error *failed)
{
	struct packages *packages = &plan->packages;

	for (size_t i = 0; i < packages->state.count; i++) {
		struct overlay_state_entry *entry = &packages->state.entries[i];

		entry->active = packages->judged[i] && failed->code == VERITY_OK;
		if (packages->judged[i] && failed->code != VERITY_OK)
			entry->reason = *failed;
	}
	if (failed->code != VERITY_OK)
		packages->order_count = 0;
}

static int print(const struct plan *plan, bool json, struct verity_error *err)
{
	int r = 0;

	if (json)
		r = planning_print_json(stdout, plan, err);
	else
		planning_print(stdout, plan);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = verity_fail_errno(err, errno, "standard output");
	return r;
}

int planning_run(const char *config_path, const char *root, bool json,
		 struct verity_error *err)
{
	cleanup_with(plan_free_p) struct plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = boot_begin(config_path, root, BOOT_PLANS, &plan->boot, err);
	if (r == 0)
		r = boot_open(&plan->boot, err);
	if (r == 0)
		r = load_packages(plan, err);
	if (r < 0)
		return r;
	r = plan_stack(plan, &plan->failed);
	mark(plan, &plan->failed);
	boot_describe(&plan->boot, &plan->packages.state);
	if (print(plan, json, err) < 0)
		return -EIO;
	if (r < 0)
		*err = plan->failed;
	return r;
}
