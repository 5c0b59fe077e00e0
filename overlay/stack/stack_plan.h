/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The layers of one overlayfs in order, and its mount options, as data. Pure.
 *
 * All layers lie in one folder under short names: packages as "1", "2", …, the firmware
 * as OVERLAY_STACK_ROOT, on top of them OVERLAY_STACK_ENGINE
 * (overlay/stack/engine_layer.h), and where the stack can be written OVERLAY_STACK_UPPER
 * and OVERLAY_STACK_WORK. Short, because a kernel before 6.7 takes them as one string of
 * less than a page.
 *
 * The options are fixed, whatever the kernel's own defaults are (Linux
 * Documentation/filesystems/overlayfs.rst): no layer can show a folder or a file of
 * another as its own (redirect_dir=nofollow, metacopy=off), and an upper stays usable
 * when other packages lie below it at the next boot, which the kernel promises only where
 * none of redirect_dir, metacopy, index and xino was used.
 */

#include "verity/util/error.h"

#define OVERLAY_STACK_MAX    500 /* lower folders of one overlay: the kernel's limit */
#define OVERLAY_STACK_ROOT   "root"
#define OVERLAY_STACK_ENGINE "engine"
#define OVERLAY_STACK_UPPER  "upper"
#define OVERLAY_STACK_WORK   "work"
#define OVERLAY_STACK_EMPTY  "empty" /* below what would be a stack of one layer */

/* Not packages: the engine's layer and the root. */
#define OVERLAY_STACK_PACKAGES_MAX (OVERLAY_STACK_MAX - 2)

#define OVERLAY_STACK_NAME_MAX 16 /* bytes of one name, with its ending 0 */

struct overlay_stack_plan {
	char (*names)[OVERLAY_STACK_NAME_MAX]; /* owned; the one on top first */
	size_t count;
	bool nosuid;
	bool writable;  /* with OVERLAY_STACK_UPPER on top of all */
	bool by_string; /* also where the kernel takes layers one at a time */
};

/* What there is to stack. */
struct overlay_stack_parts {
	bool engine;
	size_t packages;
	const bool *left_out; /* by number - 1: not stacked; borrowed; NULL: all are */
	bool root;            /* the firmware below all packages */
	bool nosuid;
	bool writable;
};

/**
 * overlay_stack_plan_make - plan a stack of these parts
 * @ret: filled on success only; overlay_stack_plan_free()
 *
 * Return: 0; -E2BIG (TOO_MANY); -ENOMEM.
 */
int overlay_stack_plan_make(const struct overlay_stack_parts *parts,
			    struct overlay_stack_plan *ret,
			    struct verity_error *err) must_check;

void overlay_stack_plan_free(struct overlay_stack_plan *plan);

struct overlay_stack_option {
	const char *key, *value;
};

/**
 * overlay_stack_option_at - option number @index of the plan, without the layers
 *
 * Return: a constant; NULL after the last.
 */
const struct overlay_stack_option *overlay_stack_option_at(
	const struct overlay_stack_plan *plan, size_t index);

/**
 * overlay_stack_options - the plan as one mount option string
 * @max: bytes the kernel takes, with the ending 0
 * @ret: set on success only; free()
 *
 * Return: 0; -E2BIG (TOO_MANY) where it does not fit; -ENOMEM.
 */
int overlay_stack_options(const struct overlay_stack_plan *plan, size_t max, char **ret,
			  struct verity_error *err) must_check;

/**
 * overlay_stack_compare - whether the options that the kernel shows are those of the plan
 * @options: the last field of a line of /proc/self/mountinfo
 *
 * The kernel shows all layers, and of the other options those that are not its defaults.
 *
 * Return: 0; -EIO (STACK) where they differ.
 */
int overlay_stack_compare(const struct overlay_stack_plan *plan, const char *options,
			  struct verity_error *err) must_check;
