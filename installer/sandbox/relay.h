/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The ssh agent of root, for a process that is not root's: the agent talks only to its
 * own user, and its socket is not in the root folder of the process. A second process,
 * with no more rights than the first, has a connection to it, and passes on what a login
 * needs: the list of keys, and signatures.
 */

#include <stdbool.h>

#define SANDBOX_RELAY_PATH "/agent"

/* { -1, -1, -1 } is none. */
struct sandbox_relay {
	int agent;  /* connection to it */
	int listen; /* at SANDBOX_RELAY_PATH */
	int worker; /* pipe whose other end only the first process holds, and never uses
		     */
};

/**
 * sandbox_relay_connect - connect to the agent at @path
 *
 * Return: a descriptor; -errno.
 */
int sandbox_relay_connect(const char *path);

/**
 * sandbox_relay_listen - listen at SANDBOX_RELAY_PATH, for every user
 *
 * Return: a descriptor; -errno.
 */
int sandbox_relay_listen(void);

/**
 * sandbox_relay_run - pass on what comes; ends with the agent, with the first process, or
 * with a request that is not passed on
 */
void sandbox_relay_run(const struct sandbox_relay *relay);
