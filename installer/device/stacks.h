/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What lies on what on this device: the stack that runs now, and the one that the next
 * boot makes of what is installed. Nothing is mounted: contents are read from the package
 * files, the firmware is looked at where the boot left it.
 */

#include "installer/device/device.h"
#include "overlay/contents/firmware.h"
#include "overlay/contents/lookup.h"

/* A package whose contents are known. */
struct layering_package {
	struct overlay_entry entry;
	char identity[VERITY_NAME_MAX + 1];
	char version[VERITY_VERSION_MAX + 1];
	int priority;
	bool now, next; /* in which stack it is */
	struct overlay_contents contents;
};

/* One that is in a stack, and of which nobody can tell any more, or yet, what it has. */
struct layering_unknown {
	char name[VERITY_NAME_MAX + 1];
	char version[VERITY_VERSION_MAX + 1];
	bool now, next;
	struct verity_error why; /* "removed, and active until the next boot", … */
};

struct layering_stack {
	struct overlay_lookup shadow;
	const struct overlay_contents **layers; /* owned */
	/* beside it; NULL: the layer that keeps the engine's files the firmware's */
	const struct layering_package **packages; /* owned */
};

#define LAYERING_DEPTH 16 /* folders in one another that are remembered */

/* What the firmware has at the path that was looked at last, of those of its depth. */
struct layering_memo {
	char *path; /* owned; NULL: nothing yet */
	int result; /* 0 or -ENOENT */
	enum overlay_contents_kind kind;
};

struct layering {
	struct layering_package *packages; /* owned */
	size_t count;
	struct layering_unknown *unknown; /* owned */
	size_t unknown_count;
	struct overlay_firmware firmware; /* its descriptors are owned */
	struct overlay_firmware_part parts[OVERLAY_HIERARCHIES_MAX];
	const char *hierarchies[OVERLAY_HIERARCHIES_MAX]; /* those the firmware has */
	bool limited; /* packages show in hierarchies alone */
	struct layering_memo memos[LAYERING_DEPTH]; /* by depth */
	bool stacked;                               /* this boot has stacked something */
	struct overlay_contents engine;
	struct layering_stack now, next;
};

/* A package that is about to be installed. */
struct layering_candidate {
	const struct overlay_entry *entry;
	const struct verity_verified *verified;
};

/**
 * layering_load - read what is installed
 * @candidate: NULL, or what lies in the next stack in place of a package of its name
 * @alone:     leave out all that is installed: the candidate over the firmware
 * @ret:       set on success alone; layering_free()
 *
 * Reads every installed package whole, as the boot does, unless @alone; an image that
 * cannot be listed is among the unknown. Of the candidate's it is a failure.
 */
int layering_load(struct device *device, const struct layering_candidate *candidate,
		  bool alone, struct layering **ret, struct verity_error *err) must_check;

void layering_free(struct layering *layering);

/**
 * layering_owner - the package that a layer of a stack is; NULL: the firmware
 */
const struct layering_package *layering_owner(const struct layering_stack *stack,
					      size_t layer);

/**
 * layering_find - the number of a package's layer
 *
 * Return: false where it is not in the stack.
 */
bool layering_find(const struct layering_stack *stack,
		   const struct layering_package *package, size_t *ret);

/**
 * layering_target - where a link of the firmware points
 */
int layering_target(const struct layering *layering, const char *path,
		    char ret[static PATH_MAX], struct verity_error *err) must_check;
