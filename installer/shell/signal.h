/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What signals mean to the shell: news that it hears when it waits, and never an end on
 * the spot. They are blocked all the time but while it waits, so none is missed or comes
 * amiss.
 */

#include <stdbool.h>
#include <sys/types.h>

enum shell_event {
	SHELL_READY,       /* there is something to read, or an end of it */
	SHELL_INTERRUPTED, /* Ctrl-C, where it is no key like others */
	SHELL_SUSPENDED,   /* Ctrl-Z, likewise */
	SHELL_RESIZED,     /* the terminal is of another size */
	SHELL_RESUMED, /* the shell was stopped, and what ran since had the terminal */
	SHELL_ENDED,   /* SIGTERM or SIGHUP; stays so */
};

/**
 * shell_signal_begin - from now on signals are news; one shell a process
 */
void shell_signal_begin(void);

/**
 * shell_signal_end - signals do again what they did before, and the one that has ended
 * the shell does it now
 */
void shell_signal_end(void);

/**
 * shell_signal_forget - Ctrl-C and Ctrl-Z of before were meant for something else
 */
void shell_signal_forget(void);

/**
 * shell_signal_wait - wait until @fd can be read, or there is news
 */
enum shell_event shell_signal_wait(int fd);

/**
 * shell_signal_restore - in a child: signals do what they did before
 * shell_signal_begin(), but Ctrl-Z, which is nothing at all
 */
void shell_signal_restore(void);

/**
 * shell_signal_wait_child - wait until a child has ended
 *
 * What ends the shell is passed on to it first.
 *
 * Return: its status, as of waitpid(2).
 */
int shell_signal_wait_child(pid_t child);
