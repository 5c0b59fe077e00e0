/* SPDX-License-Identifier: MIT */
#pragma once

/* Completion of the command line of wmopkg, for the shells of the system. */

#include "verity/util/error.h"

/**
 * complete_once - print what the last word may be completed to, one per line
 * @argv: @argc words, without the name of the program, as they were typed, with their
 *        quotes; the last one may be incomplete, or ""
 *
 * Prints no errors, and uses no network.
 *
 * Return: STATUS_DONE; STATUS_FAILED.
 */
enum exit_status complete_once(int argc, char *const *argv);
