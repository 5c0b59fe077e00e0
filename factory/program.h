/* SPDX-License-Identifier: MIT */
#pragma once

/* Runs a program of the firmware: from a fixed path, without a shell or our environment.
 */

#include "verity/util/error.h"

#include <stdbool.h>

#define FACTORY_WORDS_MAX    16
#define FACTORY_PROGRAM_FILE "/proc/self/fd/3"

/* A program and its words; all borrowed. .words[0] is NULL where there is none. */
struct factory_program {
	const char *const *paths; /* where it may be, NULL-ended */
	const char *words[FACTORY_WORDS_MAX];
	/* An open file that the program finds at FACTORY_PROGRAM_FILE; 0: none. Borrowed.
	 */
	int file;
	/* BusyBox's will do as well, and its work goes on when our process ends. */
	bool common;
};

/**
 * factory_program_there - whether this device has it
 */
bool factory_program_there(const struct factory_program *program);

/**
 * factory_program_run - run it to its end, without input
 *
 * Return: its exit status, 128 and more where a signal ended it, then with the last line
 * of its output in @err; -ENOENT where this device does not have it; -errno.
 */
int factory_program_run(const struct factory_program *program,
			struct verity_error *err) must_check;
