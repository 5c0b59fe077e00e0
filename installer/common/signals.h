/* SPDX-License-Identifier: MIT */
#pragma once

/* Ctrl-C and similar signals: remembered, and checked where the program can end. */

#include "verity/util/error.h"

/**
 * signals_watch - from now on remember SIGINT, SIGTERM and SIGHUP
 *
 * The second of a kind ends the program. Signals that were ignored stay ignored, and so
 * does SIGPIPE: a reader that disappears does not interrupt an installation.
 */
void signals_watch(void);

/**
 * signals_check - whether one of them has come
 *
 * Return: 0; -EINTR with a message that says that it was interrupted.
 */
int signals_check(struct verity_error *err) must_check;
