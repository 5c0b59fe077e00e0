/* SPDX-License-Identifier: MIT */
#pragma once

/* Who asks a server for a file: what was given, else who is logged in and a person types.
 */

#include "installer/fetch/transfer.h"
#include "installer/fetch/url.h"

/* Of one attempt. */
struct source_login_state {
	bool given;    /* a password was, with the words of the command */
	bool named;    /* likewise a user */
	unsigned asks; /* times that a person was asked */
};

/**
 * source_login_begin - say in @transfer who asks, as far as that is known
 * @login:  may get a user; borrowed as long as @transfer
 * @is_url: the place was given as one
 *
 * Return: 0; -EINVAL (USAGE) where a user is needed, and nobody knows one.
 */
int source_login_begin(struct source_transfer *transfer, struct source_login *login,
		       bool is_url, struct source_login_state *ret,
		       struct verity_error *err) must_check;

/**
 * source_login_amend - find out, after a try that failed, whether another login may help
 * @err: why it failed; what to do is added, where there is nobody to be asked
 *
 * Asks at the terminal, three times at most.
 *
 * Return: 1 where it is worth another try; 0 where @err stands; -errno with another @err.
 */
int source_login_amend(struct source_transfer *transfer, struct source_login *login,
		       struct source_login_state *state,
		       struct verity_error *err) must_check;
