/* SPDX-License-Identifier: MIT */
#pragma once

/* System-critical paths that a package changes. */

#include "installer/device/changes.h"

/**
 * critical_check - warn on stderr of changed paths without which the device does not boot
 * @name:     installed name of the package, now or later
 * @verified: borrowed for the call; see verity_stream_verified()
 *
 * @force:    also where it hides a part of the firmware
 *
 * A few lines at most. Compares with the firmware only, not with other packages. An image
 * that cannot be listed is only a warning too: the next boot reports it.
 *
 * Return: 0; -EEXIST (HIDES_FIRMWARE) without @force.
 */
int critical_check(struct device *device, const char *name,
		   const struct verity_verified *verified, bool force,
		   struct verity_error *err) must_check;

#define CRITICAL_LINES_MAX 8

/* The critical changes of one package; those for the same reason are one line. { 0 }:
 * none. */
struct critical_lines {
	struct {
		const char *what;
		char change[160]; /* the first one: "replaces /etc/passwd" */
		size_t count;
	} lines[CRITICAL_LINES_MAX];
	size_t used;
	size_t more; /* changes for other reasons than these */
	/*
	 * The first of what has another type than what the firmware has there, and hides
	 * all that is in that folder, or that the link leads to; "": nothing.
	 */
	char hides[256];
};

/**
 * critical_find - what a package changes, and what of that is critical
 * @alone: compare with the firmware only, not with the other installed packages
 * @lines: collects
 */
int critical_find(struct device *device, const char *name,
		  const struct verity_verified *verified, bool alone,
		  struct critical_lines *lines, struct changes_count *ret,
		  struct verity_error *err) must_check;

/**
 * critical_lines_check - whether a package may be installed that does this
 *
 * Return: 0; -EEXIST (HIDES_FIRMWARE).
 */
int critical_lines_check(const struct critical_lines *lines,
			 struct verity_error *err) must_check;

/**
 * critical_lines_warn - print what was collected
 */
void critical_lines_warn(const struct critical_lines *lines, const char *name);
