/* SPDX-License-Identifier: MIT */
#pragma once

/* Who asks a server for a file, and the password: from a person alone, never shown. */

#include "verity/util/error.h"

#include <stdbool.h>

/* What was taken out of the command line; see credentials_hide(). */
struct credentials_hidden {
	char **words; /* owned; NULL-ended */
};

/**
 * credentials_hide - take passwords out of what the list of processes shows of us
 * @argv: what main() got. The word after each word `password`, and each URL that holds a
 *        password, is overwritten where it stands, and its element points to a copy
 * @ret:  the copies; credentials_hidden_done(), when @argv is not needed any more
 *
 * To be called first of all: before, whoever looks can read them.
 *
 * Return: 0; -ENOMEM, and then nothing is hidden.
 */
int credentials_hide(int argc, char **argv, struct credentials_hidden *ret,
		     struct verity_error *err) must_check;

void credentials_hidden_done(struct credentials_hidden *hidden);

/**
 * credentials_login_name - who is logged in: at this terminal, else before sudo, else the
 * user that this program runs as
 * @ret: set on success alone; free()
 *
 * Return: 0; -EINVAL (USAGE) where nobody knows.
 */
int credentials_login_name(char **ret, struct verity_error *err) must_check;

/**
 * credentials_can_ask - whether there is somebody to be asked
 */
bool credentials_can_ask(void);

/**
 * credentials_ask_password - ask for the password of @user at @host, unechoed
 * @ret: set on success alone; to be wiped, and free()
 *
 * Return: 0; -ECOMM (LOGIN) where none was typed; -EINTR after a signal; -errno.
 */
int credentials_ask_password(const char *user, const char *host, char **ret,
			     struct verity_error *err) must_check;

/**
 * credentials_wipe - overwrite and free what credentials_ask_password() gave; may be NULL
 */
void credentials_wipe(char *password);
