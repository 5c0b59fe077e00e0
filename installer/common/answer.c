/* SPDX-License-Identifier: MIT */
#include "installer/common/answer.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ANSWER_BYTES 16

enum answer answer_read(void)
{
	char answer[ANSWER_BYTES] = "";
	bool there, whole;

	fflush(stdout);
	there = fgets(answer, sizeof(answer), stdin);
	whole = strchr(answer, '\n');
	if (!whole || !isatty(STDIN_FILENO))
		putchar('\n');
	if (!there && !isatty(STDIN_FILENO))
		return ANSWER_NOBODY;
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0 ? ANSWER_YES
									      : ANSWER_NO;
}
