/* SPDX-License-Identifier: MIT */
#pragma once

/* Completion of the command line of wmopkg itself, for the shells of the system. */

#include "verity/util/error.h"

/**
 * complete_once - print what the last word may become, a line each
 * @argv: @argc words, without the program's name, as they were typed: quotes and all; the
 *        last one is what there is of it, and may be ""
 *
 * Says nothing of what goes wrong, and asks nobody but this device.
 *
 * Return: STATUS_DONE; STATUS_FAILED.
 */
enum exit_status complete_once(int argc, char *const *argv);
