/* SPDX-License-Identifier: MIT */
#pragma once

/* Ctrl-C and its kind, turned from an end on the spot into a question that is asked. */

#include "verity/util/error.h"

/**
 * signals_watch - from now on SIGINT, SIGTERM and SIGHUP are only remembered
 *
 * The second of a kind ends the program as ever. Signals that were ignored stay so, and
 * SIGPIPE is ignored: a reader that goes away does not end an installation half-way.
 */
void signals_watch(void);

/**
 * signals_forget - signals do again what they did before signals_watch()
 *
 * For who goes on afterwards, as the shell does: what has come counts no more.
 */
void signals_forget(void);

/**
 * signals_check - whether one of them has come
 *
 * Return: 0; -EINTR with a message that says that it was interrupted.
 */
int signals_check(struct verity_error *err) must_check;
