/* SPDX-License-Identifier: MIT */
#pragma once

/* Who logs in: as given, or else the logged-in user, with a password typed when asked. */

#include "installer/fetch/url.h"

/* Of one attempt. */
struct login_state {
	bool has_password; /* given with the command */
	bool has_user;     /* likewise */
	unsigned asks;     /* times that the person was asked */
};

/**
 * login_begin - set user and password of @transfer, as far as they are known
 * @login:  may get a user; borrowed as long as @transfer
 * @is_url: the source was given as a URL
 *
 * Return: 0; -EINVAL (USAGE) if a user is needed and none is known.
 */
int login_begin(struct transfer *transfer, struct login *login, bool is_url,
		struct login_state *ret, struct verity_error *err) must_check;

/**
 * login_amend - find out whether another login may help, after a try that failed
 * @err: why it failed; gets a hint on what to do if nobody can be asked
 *
 * Asks at the terminal, at most three times.
 *
 * Return: 1 if another try is useful; 0 if @err stands; -errno with a new @err.
 */
int login_amend(struct transfer *transfer, struct login *login, struct login_state *state,
		struct verity_error *err) must_check;
