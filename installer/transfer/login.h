/* SPDX-License-Identifier: MIT */
#pragma once

/* A password that the server wants, asked for between two tries. */

#include "installer/transfer/transfer.h"

/* Of one transfer; { 0 } at first. */
struct login_state {
	unsigned asks;  /* times that the person was asked */
	char *password; /* that was typed; owned */
};

void login_state_done(struct login_state *state);

/**
 * login_amend - find out whether another login may help, after a try that failed
 * @err: why it failed; gets a hint on what to do if nobody can be asked
 *
 * Asks at most LOGIN_ASKS_MAX times.
 *
 * Return: 1 if another try is useful; 0 if @err stands; -errno with a new @err.
 */
int login_amend(struct transfer *transfer, struct login_state *state,
		struct verity_error *err) must_check;
