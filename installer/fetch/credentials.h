/* SPDX-License-Identifier: MIT */
#pragma once

/* User names and passwords: who is logged in, and what is never shown to others. */

#include "verity/util/error.h"

#include <stdbool.h>

/* Words taken out of the command line; see credentials_hide(). */
struct credentials_hidden {
	char **words; /* owned; NULL-ended */
};

/**
 * credentials_hide - remove passwords from the list of processes
 * @argv: of main(). The word after each word `password`, and each URL that has a
 * password, is overwritten where it is, and its element then points to a copy
 * @ret:  the copies; credentials_hidden_done() when @argv is not needed any more
 *
 * To be called first in main(): until then everybody can read them.
 *
 * Return: 0; -ENOMEM, and then nothing is hidden.
 */
int credentials_hide(int argc, char **argv, struct credentials_hidden *ret,
		     struct verity_error *err) must_check;

void credentials_hidden_done(struct credentials_hidden *hidden);

/**
 * credentials_login_name - who is logged in: at this terminal, else before sudo, else the
 * user that this program runs as
 * @ret: set on success only; free()
 *
 * Return: 0; -EINVAL (USAGE) if it is not known.
 */
int credentials_login_name(char **ret, struct verity_error *err) must_check;

/**
 * credentials_can_ask - whether there is a terminal to ask at
 */
bool credentials_can_ask(void);

/**
 * credentials_ask_password - ask for the password of @user at @host, without echo
 * @ret: set on success only; redact_wipe()
 *
 * Return: 0; -EINTR (INTERRUPTED) if none was typed, and after a signal; -errno.
 */
int credentials_ask_password(const char *user, const char *host, char **ret,
			     struct verity_error *err) must_check;
