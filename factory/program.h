/* SPDX-License-Identifier: MIT */
#pragma once

/* Runs a program of the firmware: from a fixed path, without a shell or our environment.
 */

#include "verity/util/error.h"

#include <stdbool.h>

#define FACTORY_WORDS_MAX    16
#define FACTORY_PROGRAM_FILE "/proc/self/fd/3"
#define FACTORY_LOG_BYTES    16384

/* A program and its words; all borrowed. .words[0] is NULL where there is none. */
struct factory_program {
	const char *const *paths; /* where it may be, NULL-ended */
	const char *words[FACTORY_WORDS_MAX];
	/* An open file that the program finds at FACTORY_PROGRAM_FILE; 0: none. Borrowed.
	 */
	int file;
	/* BusyBox's will do as well, and its work goes on when our process ends. */
	bool common;
	/* Ended after so many seconds, with all that it started; 0: never. */
	unsigned limit_seconds;
	/* File that its output is added to, up to FACTORY_LOG_BYTES; NULL: none.
	 * Borrowed.
	 */
	const char *log;
	/* Its memory is limited to most of what is available, and it is the first that
	 * the kernel ends where there is none: what a disk says decides how much it
	 * takes.
	 */
	bool bounded;
	/* Called once, with .context, where it still runs after a second; NULL: nothing.
	 */
	void (*slow)(void *context);
	void *context;
};

/**
 * factory_program_there - whether this device has it
 */
bool factory_program_there(const struct factory_program *program);

/**
 * factory_program_run - run it to its end, without input
 *
 * A program that is over its limit gets SIGKILL and is waited for, but not for ever: one
 * that waits for storage which never answers cannot be ended.
 *
 * Return: its exit status, 128 and more where a signal ended it, then with the last line
 * of its output in @err; -ETIMEDOUT (TIMED_OUT) for one that was ended by us; -ENOENT
 * where this device does not have it; -errno.
 */
int factory_program_run(const struct factory_program *program,
			struct verity_error *err) must_check;
