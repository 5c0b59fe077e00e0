/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a device does not come up without, or not as its owner knows it: paths that a
 * package had better have a good reason to change. Paths are relative to the root,
 * without a leading slash.
 */

#include <stdbool.h>

struct overlay_critical {
	const char *pattern; /* name by name, as verity/util/glob.h; what lies below
				counts too */
	const char *what;    /* in a few words */
	bool added; /* also where the firmware has nothing there: it is looked for */
};

/* What the firmware's own lies on top of; also where only a device knows it. */
extern const struct overlay_critical overlay_critical_engine;

/* Likewise, of the libraries that its programs need. */
extern const struct overlay_critical overlay_critical_library;

/* A standard folder (overlay/fs/standard_folders.h) that is not as it is in the firmware.
 */
extern const struct overlay_critical overlay_critical_standard;

/* What a device's first program and its login need, in the tree of that device. */
extern const struct overlay_critical overlay_critical_needed;

/**
 * overlay_critical_find - what is critical about @path or a folder that it lies in
 *
 * Return: a constant; NULL where nothing is.
 */
const struct overlay_critical *overlay_critical_find(const char *path);

/**
 * overlay_critical_below - what is critical below @path, the first of it
 */
const struct overlay_critical *overlay_critical_below(const char *path);
