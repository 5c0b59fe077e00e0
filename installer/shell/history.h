/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The lines that were typed before: of this shell, and of earlier ones by the same user,
 * whose home has them in .wmopkg_history. A home that cannot be written, or is somebody
 * else's, has none; what is typed is then forgotten with the shell.
 */

#include "verity/util/error.h"

#include <histedit.h>

#define SHELL_HISTORY_LINES      500
#define SHELL_HISTORY_LINE_BYTES 1024 /* longer ones are not kept */

struct shell_history;

/**
 * shell_history_new - begin with what earlier shells have left
 * @home: folder of the file; borrowed; NULL: nothing is read or written
 * @ret:  set on success alone; shell_history_free() writes the file
 */
int shell_history_new(const char *home, struct shell_history **ret,
		      struct verity_error *err) must_check;

void shell_history_free(struct shell_history *kept);

/**
 * shell_history_lines - for libedit; borrowed
 */
History *shell_history_lines(struct shell_history *kept);

/**
 * shell_history_add - keep a line, unless it is too long, or the same as the last
 * @text: ends with its end of line, or none
 */
void shell_history_add(struct shell_history *kept, const char *text);
