/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a boot would do, told without doing it, also on a running system: nothing is
 * mounted, written, counted or logged (the kernel logs a line of its own where the root
 * is two overlays deep).
 */

#include <stdio.h>

#include "initramfs/boot_context.h"
#include "initramfs/packages.h"
#include "overlay/record/trials.h"
#include "overlay/stack/stack.h"

/* Plain data; owned by planning_run(). */
struct plan {
	struct boot boot;
	struct verity_policy policy;  /* that packages are judged by */
	struct packages packages;     /* .active: what would be part of the stack */
	struct overlay_trials trials; /* as the boot would leave them */
	struct overlay_stack_parts parts;
	struct overlay_stack_plan stack; /* of the whole root */
	char *options; /* of the stack; NULL: they do not fit in one string, or depend on
			  what each package has in the hierarchies */
	struct verity_error failed; /* why there could be no stack; VERITY_OK: it could */
};

/**
 * planning_run - find out what a boot would do, and print it on stdout
 * @config_path: NULL for the default
 * @root:        where the firmware's root is mounted; NULL: the system that runs
 * @json:        as docs/schema/plan.json has it
 *
 * Return: 0 where a stack would be possible, also where packages would be left out, or
 * all; negative where not.
 */
int planning_run(const char *config_path, const char *root, bool json,
		 struct verity_error *err) must_check;

/**
 * planning_stacks - whether there would be a stack
 */
bool planning_stacks(const struct plan *plan);

/**
 * planning_package_at - the package that layer @index of the stack would be; NULL: none
 */
const struct overlay_order_item *planning_package_at(const struct plan *plan,
						     size_t index);

/**
 * planning_trial - what is known of an installed package's trial; NULL: nothing
 */
const struct overlay_trial *planning_trial(const struct plan *plan,
					   const struct overlay_state_entry *entry);

/**
 * planning_device - the name of the device-mapper device of a package, with '*' for what
 * is of the boot
 */
void planning_device(const struct overlay_entry *entry, char *ret, size_t size);

/**
 * planning_seeds - whether a folder of DATA would be seeded, were there a source
 */
bool planning_seeds(const struct plan *plan, const struct overlay_seed *seed);

/**
 * planning_seed_at - pair number @index that a boot looks at; NULL after the last
 */
const struct overlay_seed *planning_seed_at(const struct plan *plan, size_t index);

void planning_print(FILE *out, const struct plan *plan);

int planning_print_json(FILE *out, const struct plan *plan,
			struct verity_error *err) must_check;
