/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a device needs so that it starts and somebody can log in: its first program, what
 * asks for a login, and the libraries of both. Read from its tree.
 */

#include "overlay/libraries/closure.h"

/**
 * overlay_essential_find - the programs, PAM modules and libraries of a tree
 * @cmdline: file of the kernel command line, whose init= names the first program; one
 *           that cannot be read names none. May be NULL
 * @ret:     added to
 *
 * Programs that the tree does not have are passed over.
 */
int overlay_essential_find(const struct overlay_closure_tree *tree, const char *cmdline,
			   struct overlay_closure *ret,
			   struct verity_error *err) must_check;
