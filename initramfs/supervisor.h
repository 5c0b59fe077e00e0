/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The process that supervises the one that does the work. A thread that waits inside the
 * kernel for storage keeps its process from ending, even when killed; so a child, the
 * worker, does the work, and our caller gets the result as soon as that is done, or its
 * time is over, whether the worker can end or not.
 */

#include <stddef.h>

struct supervisor_work {
	const char *config; /* NULL: the default */
	const char *root;
	/* In the worker; @line is for supervisor_tell(). Returns an exit status. */
	int (*run)(const struct supervisor_work *work, int line, size_t *ret_stuck);
};

/**
 * supervisor_run - have the work done
 *
 * SIGHUP, SIGINT and SIGTERM are passed on to the worker, which ends when its supervisor
 * does. If it ends before it is done, or is killed because its time is over, the kernel
 * log and the state file say so, and a stack that it had begun is unmounted.
 *
 * Return: the exit status of the worker; EXIT_SUCCESS too where only what comes after the
 * state file was not done; EXIT_FAILURE where the root is as it was, or STATUS_REFUSED
 * where the configuration requires something, too.
 */
int supervisor_run(const struct supervisor_work *work);
