/* SPDX-License-Identifier: MIT */
/* Makes the plan of a boot, and answers questions about it. */
#include "initramfs/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "factory/seed.h"
#include "initramfs/attach.h"
#include "initramfs/boot_open.h"
#include "initramfs/trials.h"
#include "overlay/stack/memory.h"

void plan_free(struct plan *plan)
{
	if (!plan || plan->boot.budget.stuck > 0)
		return;
	free(plan->options);
	overlay_stack_plan_free(&plan->stack);
	overlay_trials_free(&plan->trials);
	packages_free(&plan->packages);
	boot_free(&plan->boot);
	free(plan);
}

const struct overlay_trial *plan_trial(const struct plan *plan,
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

void plan_device(const struct overlay_entry *entry, char *ret, size_t size)
{
	char name[ATTACH_NAME_BYTES];

	attach_device_name(entry, "*", name);
	snprintf(ret, size, "%s", name);
}

const struct overlay_seed *plan_seed_at(const struct plan *plan, size_t index)
{
	static const struct overlay_seed first = {"/" FACTORY_SEED_SOURCE,
						  FACTORY_SEED_TARGET};
	const struct overlay_config *config = &plan->boot.config;

	if (index == 0)
		return &first;
	return index - 1 < config->seeds_count ? &config->seeds[index - 1] : NULL;
}

bool plan_seeds(const struct plan *plan, const struct overlay_seed *seed)
{
	struct stat st;

	if (plan->boot.resets)
		return true;
	return plan->boot.data >= 0 &&
	       fstatat(plan->boot.data, seed->target, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	       errno == ENOENT;
}

bool plan_stacks(const struct plan *plan)
{
	return plan->failed.code == VERITY_OK &&
	       (plan->packages.order_count > 0 ||
		plan->boot.config.upper != OVERLAY_UPPER_NONE);
}

const struct overlay_order_item *plan_package_at(const struct plan *plan, size_t index)
{
	if (index == 0 || index > plan->parts.packages)
		return NULL;
	return &plan->packages.order[index - 1];
}

static int load_packages(struct plan *plan, struct verity_error *err)
{
	struct boot *boot = &plan->boot;
	cleanup_with(hints_free) struct hints hints;
	const struct trials_context trials = {
		.verify = {boot->store, &plan->policy, &boot->budget, &hints},
		.record_fd = boot->resets ? -1 : boot->record,
		.limit = boot->records ? boot->config.trials : 0,
		.config = &boot->config,
	};
	/* What a boot finds is not known; on a running system less is available. */
	const struct packages_memory memory = {
		.bytes = overlay_memory_read("MemTotal") / 100 *
			 boot->config.memory_percent,
		.percent = boot->config.memory_percent,
	};
	int r;

	hints_load(trials.record_fd, trials.limit, &hints);

	plan->policy = boot_policy(boot);
	/* It forgets trials and quarantine. */
	if (boot->resets)
		plan->policy.quarantine = NULL;
	r = packages_load(&trials.verify, &boot->conf, &plan->packages, err);
	if (r == 0) {
		packages_sum_up(&plan->packages);
		packages_limit(&plan->packages, &memory);
		r = packages_relate(&plan->packages, err);
	}
	return r < 0 ? r : trials_plan(&trials, &plan->packages, &plan->trials, err);
}

/*
 * Checks that the kernel takes one more overlay over the root, and over each hierarchy.
 * One of ours that is mounted now belongs to the boot before the one that is planned.
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
	int r = plan_stacks(plan) ? check_depth(plan, err) : 0;

	plan->parts.engine = plan->parts.root = true;
	plan->parts.writable = plan->boot.config.upper != OVERLAY_UPPER_NONE;
	plan->parts.packages = packages->order_count;
	for (size_t i = 0; i < packages->order_count; i++)
		plan->parts.nosuid |= !verity_verified_signed(
			verity_package_verified(packages_at(packages, i)->verified));
	if (r == 0)
		r = overlay_stack_plan_make(&plan->parts, &plan->stack, err);
	/* If they do not fit, the kernel must accept one layer after the other. */
	if (r == 0 && plan->boot.config.hierarchies_count == 0)
		(void)!overlay_stack_options(&plan->stack, (size_t)sysconf(_SC_PAGESIZE),
					     &plan->options, NULL);
	return r;
}

int plan_make(const char *config_path, const char *root, struct plan **ret,
	      struct verity_error *err)
{
	cleanup_with(plan_free_p) struct plan *plan = calloc(1, sizeof(*plan));
	bool stacks;
	int r;

	if (!plan)
		return verity_no_memory(err);
	r = boot_begin(config_path, root, BOOT_PLANS, &plan->boot, err);
	if (r == 0)
		r = boot_open(&plan->boot, err);
	if (r == 0)
		r = load_packages(plan, err);
	if (r < 0)
		return r;
	stacks = boot_check_required(&plan->boot, &plan->packages, false,
				     &plan->failed) == 0 &&
		 plan_stack(plan, &plan->failed) == 0;
	/* As if all of them could be mounted. */
	for (size_t i = 0; i < plan->packages.state.count; i++) {
		struct boot_package *package = &plan->packages.items[i];

		package->state->active = package->verified && stacks;
		if (package->verified && !stacks)
			package->state->reason = plan->failed;
	}
	if (!stacks)
		plan->packages.order_count = 0;
	boot_describe(&plan->boot, &plan->packages.state);
	*ret = steal_ptr(&plan);
	return 0;
}
