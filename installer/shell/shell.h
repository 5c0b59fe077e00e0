/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The interactive shell: the same commands in two contexts, with Tab, `?` and a history
 * (libedit). Ctrl-C drops the line, Ctrl-D goes up one level, Ctrl-Z to the top level.
 */

#include "verity/util/error.h"

/**
 * shell_run - read and run commands until the user leaves
 * @config: of the device; NULL: the default. Read again by each command
 *
 * Return: STATUS_DONE; another one where the terminal cannot be used.
 */
enum exit_status shell_run(const char *config);

/**
 * shell_run_script - run the commands on standard input, which is no terminal
 * @config: as above
 *
 * Ends at the first command that fails, and says which line that is. What a command asks
 * is answered by the next line.
 *
 * Return: STATUS_DONE; the exit status of the command that failed; STATUS_USAGE where
 * there is no command.
 */
enum exit_status shell_run_script(const char *config);
