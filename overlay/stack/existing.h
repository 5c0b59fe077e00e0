/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A root that is an overlay already, and not one of ours. Nothing is ever stacked on it:
 * its layers are taken over into the one stack, packages above its lower folders and
 * below its upper. They are bound into LAYERS as OVERLAY_STACK_ROOT "1", "2", …, and its
 * upper and work folder as those of the stack.
 *
 * An upper is never part of two mounts: the former one goes before ours comes. What it
 * was is kept in LAYERS/former, so that it can be put back, by another process, too.
 */

#include "overlay/stack/existing_options.h"

struct overlay_former {
	struct overlay_former_options options;
	char *source;        /* as the kernel escapes it */
	char *text;          /* its options, likewise */
	unsigned long flags; /* MS_* of the mount */
	int *lowers;         /* beside options.lowers; owned */
	int upper, work;     /* -1: none; owned */
};

/**
 * overlay_former_find - what an overlay is made of, and where that is now
 * @root: where it is mounted
 * @ret:  set on success alone; overlay_former_free()
 *
 * The kernel shows paths as they were when it was mounted. Each is looked for there, and
 * below @root, where an initramfs moves what it mounted elsewhere; what is found must
 * together show the names that the overlay shows.
 *
 * Return: 0; -EIO (STACK), and the message says why it cannot be taken over; -errno.
 */
int overlay_former_find(const char *root, struct overlay_former **ret,
			struct verity_error *err) must_check;

void overlay_former_free(struct overlay_former *former);

/**
 * overlay_former_bind - mount its folders in LAYERS, and all its lower ones together,
 * read-only, as OVERLAY_STACK_ROOT
 */
int overlay_former_bind(const struct overlay_former *former, const char *layers,
			struct verity_error *err) must_check;

/**
 * overlay_former_roots - how many layers of the firmware it is for
 * overlay/stack/stack_plan.h
 */
size_t overlay_former_roots(const struct overlay_former *former);

/**
 * overlay_former_remove - unmount it, so that its upper can be part of another mount
 *
 * What is mounted below it must be gone already.
 *
 * Return: 0; -errno, and then it is as it was.
 */
int overlay_former_remove(const struct overlay_former *former, const char *layers,
			  const char *root, struct verity_error *err) must_check;

/**
 * overlay_former_restore - put back what overlay_former_remove() took, where it did
 *
 * Return: 0, also where nothing was taken; -errno.
 */
int overlay_former_restore(const char *layers, const char *root,
			   struct verity_error *err) must_check;
