/* SPDX-License-Identifier: MIT */
#pragma once

/* Names that no package may have, for nobody could name it to the commands. */

#include "verity/util/error.h"

/**
 * reserved_check - whether every command that takes a package's name reads @name as one
 *
 * Asked of the grammar itself: a keyword that comes there reserves itself.
 *
 * Return: 0; -EINVAL (BAD_NAME).
 */
int reserved_check(const char *name, struct verity_error *err) must_check;
