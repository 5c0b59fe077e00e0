/* SPDX-License-Identifier: MIT */
#pragma once

/* The question before a factory reset is requested, by a file or by the boot key. */

#include "installer/device/device.h"

/**
 * reset_question - say what a reset deletes and keeps, and ask
 * @command: for messages
 * @yes:     do not ask
 * @purge:   whether a purge is wanted; set, with a warning, where one is requested
 *           already: the stronger request stays until it is cancelled
 *
 * Return: 1 for yes; 0 for no; -errno, as of confirm().
 */
int reset_question(struct device *device, const char *command, bool yes, bool *purge,
		   struct verity_error *err) must_check;
