/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The history of the shell: lines of this shell and of earlier ones of the same user,
 * kept in .wmopkg_history in the home directory. Where the home cannot be written, or
 * belongs to another user, nothing is read or kept.
 */

#include "verity/util/error.h"

#include <histedit.h>

#define SHELL_HISTORY_LINES      500
#define SHELL_HISTORY_LINE_BYTES 1024 /* longer lines are not kept */

struct shell_history;

/**
 * shell_history_new - load the history
 * @home:      home directory; borrowed; NULL: nothing is read or written
 * @ret:       set on success only; shell_history_free() writes the file
 * @ret_lines: for libedit; borrowed from @ret
 */
int shell_history_new(const char *home, struct shell_history **ret, HistoryW **ret_lines,
		      struct verity_error *err) must_check;

void shell_history_free(struct shell_history *kept);

/**
 * shell_history_add - add a line, unless it is too long, or the same as the last
 * @text: with or without its end of line
 */
void shell_history_add(struct shell_history *kept, const char *text);
