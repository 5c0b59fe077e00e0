/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a boot would do, found out without doing it, also on a running system: nothing is
 * mounted, written, counted or logged (the kernel logs a line of its own where the root
 * is two overlays deep).
 */

#include "initramfs/boot_context.h"
#include "initramfs/packages.h"
#include "overlay/record/trials.h"
#include "overlay/stack/stack.h"
#include "verity/util/cleanup.h"

/* Plain data; plan_free(). */
struct plan {
	struct boot boot;
	struct verity_policy policy;  /* that packages are verified with */
	struct packages packages;     /* .active: would be part of the stack */
	struct overlay_trials trials; /* as the boot would leave them */
	struct overlay_stack_parts parts;
	struct overlay_stack_plan stack; /* of the whole root */
	char *options; /* of the stack; NULL: they do not fit in one string, or depend on
			  what each package has in the hierarchies */
	struct verity_error failed; /* why there could be no stack; VERITY_OK: it could */
};

/**
 * plan_make - find out what a boot would do
 * @config_path: NULL for the default
 * @root:        where the firmware's root is mounted; NULL: the system that runs
 * @ret:         set on success only; plan_free()
 *
 * Return: 0, also where there could be no stack, which is in .failed; -errno.
 */
int plan_make(const char *config_path, const char *root, struct plan **ret,
	      struct verity_error *err) must_check;

/**
 * plan_stacks - whether there would be a stack
 */
bool plan_stacks(const struct plan *plan);

/**
 * plan_package_at - the package that layer @index of the stack would be; NULL: none
 */
const struct overlay_order_item *plan_package_at(const struct plan *plan, size_t index);

/**
 * plan_trial - the trial of an installed package; NULL: there is none
 */
const struct overlay_trial *plan_trial(const struct plan *plan,
				       const struct overlay_state_entry *entry);

/**
 * plan_device - the name of the device-mapper device of a package, with '*' for the id of
 * the boot
 */
void plan_device(const struct overlay_entry *entry, char *ret, size_t size);

/**
 * plan_seeds - whether a folder of DATA would be seeded, if there is a source
 */
bool plan_seeds(const struct plan *plan, const struct overlay_seed *seed);

/**
 * plan_seed_at - pair number @index that a boot seeds; NULL after the last
 */
const struct overlay_seed *plan_seed_at(const struct plan *plan, size_t index);

/**
 * plan_free - what a thread that never came back may still use stays
 */
void plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan, plan_free);
