/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The layers of this device: the stack that runs now, and the one that the next boot
 * makes of the installed packages. Nothing is mounted: contents are read from the package
 * files, and the firmware from where the boot left it.
 */

#include <limits.h>

#include "installer/device/device.h"
#include "overlay/contents/firmware.h"
#include "overlay/contents/lookup.h"
#include "overlay/libraries/closure.h"

/* A package whose contents are known. */
struct stacks_package {
	struct overlay_entry entry;
	char identity[VERITY_NAME_MAX + 1];
	char version[VERITY_VERSION_MAX + 1];
	int priority;
	bool now, next; /* in which stack it is */
	struct overlay_contents contents;
};

/* A package in a stack whose contents cannot be read, or no longer. */
struct stacks_unknown {
	char name[VERITY_NAME_MAX + 1];
	char version[VERITY_VERSION_MAX + 1];
	bool now, next;
	struct verity_error why; /* "removed, and active until the next boot", … */
};

struct stacks;

struct package_stack {
	const struct stacks *stacks; /* that it is part of */
	struct overlay_lookup lookup;
	const struct overlay_contents **layers; /* owned */
	/* of each layer; NULL: the layer on top, with the files of the engine */
	const struct stacks_package **packages; /* owned */
};

#define STACKS_DEPTH 16 /* nested directories that are cached */

/* Cache: what the firmware has at the path of this depth that was looked up last. */
struct stacks_memo {
	char *path; /* owned; NULL: nothing yet */
	int result; /* 0 or -ENOENT */
	struct overlay_contents_look look;
};

struct stacks {
	struct stacks_package *packages; /* owned */
	size_t count;
	struct stacks_unknown *unknown; /* owned */
	size_t unknown_count;
	struct overlay_firmware firmware; /* its descriptors are owned */
	struct overlay_firmware_part parts[OVERLAY_HIERARCHIES_MAX];
	const char *hierarchies[OVERLAY_HIERARCHIES_MAX]; /* those the firmware has */
	bool limited; /* packages are visible in hierarchies only */
	struct stacks_memo memos[STACKS_DEPTH]; /* by depth */
	bool stacked;                           /* this boot has stacked something */
	struct overlay_contents engine;
	struct overlay_closure libraries; /* that the engine's programs need */
	struct overlay_closure essential; /* without which it does not start */
	struct package_stack now, next;
	struct package_stack alone; /* the candidate over the firmware */
};

/* A package that may be installed. It is the last of the packages. */
struct stacks_candidate {
	const struct overlay_entry *entry;
	const struct verity_verified *verified;
	/* Which other packages leave with it; NULL: none does. */
	bool (*leaves)(void *context, const char *name);
	/*
	 * Which ones come with it, one for each @index from 0 on; NULL: none does.
	 * Return: false after the last one.
	 */
	bool (*beside)(void *context, size_t index, struct overlay_entry *ret,
		       const struct verity_verified **ret_verified);
	void *context;
};

/*
 * Of the installed packages together, where they are listed to say what a new one covers:
 * it is one line, and must not hold up an installation.
 */
#define STACKS_GLANCE_ENTRIES (1U << 18)
#define STACKS_GLANCE_BYTES   (32U << 20) /* of their paths and targets */
#define STACKS_GLANCE_READS   (1U << 14)  /* of each image: metadata of 64 MiB */
#define STACKS_GLANCE_LOOKUPS (1U << 24)  /* paths of the candidate, times packages */

/* How the installed packages are read. */
enum stacks_depth {
	STACKS_WHOLE, /* every image, as a boot does */
	/*
	 * Only their heads, folders and inodes, within limits: what they say is not
	 * verified further, and good enough for a message.
	 */
	STACKS_GLANCE,
};

/**
 * stacks_load - read what is installed
 * @candidate: NULL, or a package that replaces the one of its name in the next stack
 * @ret:       set on success only; stacks_free()
 *
 * A package whose image cannot be listed, or not within the limits, is among the unknown;
 * the candidate's is a failure.
 */
int stacks_load(struct device *device, const struct stacks_candidate *candidate,
		enum stacks_depth depth, struct stacks **ret,
		struct verity_error *err) must_check;

void stacks_free(struct stacks *stacks);
DEFINE_CLEANUP(struct stacks, stacks_free);

/**
 * stacks_link_target - where a link points that was found in a stack
 * @view: of the link at @path
 */
int stacks_link_target(const struct stacks *stacks,
		       const struct overlay_lookup_result *view, const char *path,
		       char ret[static PATH_MAX], struct verity_error *err) must_check;

/**
 * stacks_next_package - the packages of a stack, from the top
 * @layer: 0 at first; where the search goes on
 *
 * Return: NULL after the last one.
 */
const struct stacks_package *stacks_next_package(const struct package_stack *stack,
						 size_t *layer);

/**
 * stacks_owner_name - its name; "the firmware" for NULL
 */
const char *stacks_owner_name(const struct stacks_package *owner);

/**
 * stacks_owner - the package that a layer of a stack is; NULL: the firmware
 */
const struct stacks_package *stacks_owner(const struct package_stack *stack,
					  size_t layer);
