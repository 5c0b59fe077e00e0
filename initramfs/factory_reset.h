/* SPDX-License-Identifier: MIT */
#pragma once

/* The factory reset, as a boot sees it; see factory/reset.h. */

#include "initramfs/boot_context.h"

/**
 * resetting_is_due - whether this boot is to carry out a reset: somebody asked for it, or
 * one was cut off
 */
bool resetting_is_due(const struct boot *boot);

/**
 * resetting_run - carry out the reset that is due, if one is
 * @boot: its volumes and PERSIST/wmopkg are open, and nothing else; .data becomes -1
 *        where DATA could not be emptied, so that nothing of it is used
 *
 * Otherwise where DATA is, is remembered for the reset of another day.
 */
void resetting_run(struct boot *boot);
