/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The process that answers for the one that does the work. A thread that waits inside the
 * kernel for storage keeps its process from ending, by a kill as well; so the work is
 * done by a child, the worker, and whoever started us is told as soon as that is done, or
 * its time is over, whether it can end or not.
 */

#include <stddef.h>

struct supervisor_work {
	const char *config; /* NULL: the default */
	const char *root;
	/* In the worker; @line is for supervised_tell(). Returns an exit status. */
	int (*run)(const struct supervisor_work *work, int line, size_t *ret_stuck);
};

/**
 * supervisor_run - have the work done
 *
 * SIGHUP, SIGINT and SIGTERM are passed on to the worker, which ends when its supervisor
 * does. Where it ends before it is done, or is killed because its time is over, the
 * kernel log and the state file say so, and a stack that it had begun is taken down.
 *
 * Return: the exit status of the worker; EXIT_SUCCESS too where all that it left undone
 * is what comes after the state file; EXIT_FAILURE where the root is as it was.
 */
int supervisor_run(const struct supervisor_work *work);
