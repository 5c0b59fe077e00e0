/* SPDX-License-Identifier: MIT */
#pragma once

/* Asking a person at the terminal for what nobody else should see. */

#include "verity/util/error.h"

/**
 * prompt_secret - print a prompt on standard error, read a line without echo
 * @prompt: what is not printable in it is printed as '?'
 * @ret:    0-terminated, without its end of line; the caller's to wipe
 * @size:   bytes of @ret
 *
 * The echo is off before the prompt is seen, and on again whatever happens: a signal that
 * ends the program does so after that. Standard input must be a terminal.
 *
 * Return: 0; -EINVAL (PIN) where nothing was typed, or too much; -errno.
 */
int prompt_secret(const char *prompt, char *ret, size_t size,
		  struct verity_error *err) must_check;

/**
 * prompt_yes - print a question on standard error, read a line
 *
 * Return: whether it is "y" or "yes", in any case; false after a signal, which then has
 * done what it does, and where standard input is no terminal.
 */
bool prompt_yes(const char *question);
