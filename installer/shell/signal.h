/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Signals as events of the shell. They are blocked except while the shell waits, so that
 * none is lost and none interrupts anything.
 */

#include <stdbool.h>
#include <sys/types.h>

enum shell_event {
	SHELL_READY,       /* input, or the end of it */
	SHELL_INTERRUPTED, /* Ctrl-C, where the terminal sends a signal for it */
	SHELL_SUSPENDED,   /* Ctrl-Z, likewise */
	SHELL_RESIZED,     /* the size of the terminal has changed */
	SHELL_RESUMED, /* the shell was stopped; others have used the terminal since */
	SHELL_ENDED,   /* SIGTERM or SIGHUP; reported again on each call */
};

/**
 * shell_signal_begin - from now on signals are events; once per process
 */
void shell_signal_begin(void);

/**
 * shell_signal_end - restore the actions of the signals, and let the one that ended the
 * shell take its effect
 */
void shell_signal_end(void);

/**
 * shell_signal_forget - drop a pending Ctrl-C and Ctrl-Z
 */
void shell_signal_forget(void);

/**
 * shell_signal_wait - wait until @fd is readable, or for an event
 */
enum shell_event shell_signal_wait(int fd);

/**
 * shell_signal_restore - in a child: restore the actions of the signals, except that
 * Ctrl-Z is ignored
 */
void shell_signal_restore(void);

/**
 * shell_signal_wait_child - wait for the end of a child
 *
 * A signal that ends the shell is sent to the child first.
 *
 * Return: its status, as of waitpid(2).
 */
int shell_signal_wait_child(pid_t child);
