/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A command of the shell in a process of its own: Ctrl-C ends the command and not the
 * shell, and the command leaves nothing behind in memory or on the terminal.
 */

#include "installer/shell/command.h"

/**
 * shell_child_run - run a command in a child process, and wait for it
 * @config: of the device; NULL: the default. Read by the child
 * @argv:   as of command_run()
 *
 * To be called between shell_signal_begin() and shell_signal_end(). Restores the settings
 * of the terminal on standard input. A child that was ended by a signal is reported.
 *
 * Return: the exit status of the command; STATUS_FAILED after a signal.
 */
enum exit_status shell_child_run(const char *config, const struct command *command,
				 int argc, char **argv) must_check;
