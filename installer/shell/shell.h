/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * wmopkg alone, on a terminal: the same commands, in two contexts, with Tab, `?` and
 * history (libedit). Ctrl-C drops a line, Ctrl-D goes one level up, Ctrl-Z to the top.
 */

#include "verity/util/error.h"

/**
 * shell_run - read commands until somebody leaves
 * @config: of the device; NULL: its own. Read anew by each command
 *
 * Return: STATUS_DONE; another one where the terminal cannot be used.
 */
enum exit_status shell_run(const char *config);
