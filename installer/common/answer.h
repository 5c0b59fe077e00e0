/* SPDX-License-Identifier: MIT */
#pragma once

/* What a person answers to a question that ends in (y/N)?, which was printed before. */

enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_NOBODY, /* there is no terminal, and no answer */
};

/**
 * answer_read - read a line of standard input; the line of the question ends with it
 *
 * Return: ANSWER_YES for "y" and "yes", in any case.
 */
enum answer answer_read(void);
