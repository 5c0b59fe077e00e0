/* SPDX-License-Identifier: MIT */
#pragma once

/* System-critical paths that a package changes. */

#include "installer/layers/changes.h"

/**
 * critical_check - warn on stderr of paths without which the device does not boot, and
 * that the candidate changes
 * @stacks: with a candidate; borrowed
 * @force:  also where it hides a part of the firmware
 *
 * A few lines at most. Compares with the firmware only, not with other packages.
 *
 * Return: 0; -EEXIST (HIDES_FIRMWARE) without @force.
 */
int critical_check(const struct stacks *stacks, bool force,
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
 * critical_find - what the candidate of a stack changes in it, and what of that is
 * critical
 * @stack: the next one; the one of the candidate: then compared with the firmware only
 * @lines: collects
 */
int critical_find(const struct package_stack *stack, struct critical_lines *lines,
		  struct changes_count *ret, struct verity_error *err) must_check;

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
