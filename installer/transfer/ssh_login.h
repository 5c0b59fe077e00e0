/* SPDX-License-Identifier: MIT */
#pragma once

/* Login by ssh: with the keys of the user that runs this, then with a password. */

#include "installer/transfer/transfer.h"

#define SSH_LOGIN_METHODS_MAX 128

/* Of one transfer; { 0 } at first. */
struct ssh_login {
	bool accepted;                       /* in this try */
	size_t key;                          /* of the job: one is tried in each try */
	char methods[SSH_LOGIN_METHODS_MAX]; /* that the server takes; "": not known yet
					      */
};

/**
 * ssh_login_prepare - have them tried, then a password if there is one
 */
int ssh_login_prepare(struct ssh_login *login, struct transfer *transfer,
		      struct verity_error *err) must_check;

/**
 * ssh_login_explain - the error for a login that was denied
 *
 * Return: -ECOMM (LOGIN).
 */
int ssh_login_explain(const struct ssh_login *login, struct transfer *transfer,
		      struct verity_error *err) must_check;
