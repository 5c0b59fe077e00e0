/* SPDX-License-Identifier: MIT */
#pragma once

/* Questions to the person at the terminal. */

#include "verity/util/error.h"

enum prompt_answer {
	PROMPT_NO,
	PROMPT_YES,
	PROMPT_NOBODY, /* there is no terminal, and no answer */
};

/**
 * prompt_answer - read the answer to a question "(y/N)?", which was printed on stdout
 *
 * Reads a line of standard input, and ends the line of the question. An empty line that
 * was typed before the question does not answer it.
 *
 * Return: PROMPT_YES for "y" and "yes", in any case.
 */
enum prompt_answer prompt_answer(void);

/**
 * prompt_secret - print a prompt on standard error, read a line without echo
 * @prompt: what is not printable in it is printed as '?'
 * @ret:    0-terminated, without its end of line; to be wiped
 * @size:   bytes of @ret
 *
 * The echo is off before the prompt is visible, and on again in all cases: a signal that
 * ends the program takes effect after that. Standard input must be a terminal.
 *
 * Return: 0; -EINVAL (PIN) if nothing was typed, or too much; -errno.
 */
int prompt_secret(const char *prompt, char *ret, size_t size,
		  struct verity_error *err) must_check;

/**
 * prompt_yes - print a question on standard error, read a line
 *
 * Return: whether it is "y" or "yes", in any case; false after a signal, which has taken
 * effect then, and if standard input is no terminal.
 */
bool prompt_yes(const char *question);
