/* SPDX-License-Identifier: MIT */
#pragma once

/* The factory reset at a boot; see factory/reset.h. */

#include "initramfs/boot_context.h"

/**
 * reset_is_due - whether this boot has to carry out a reset: one was requested, or one
 * was cut off
 * @ret_purge: whether PERSIST is emptied, too
 */
bool reset_is_due(const struct boot *boot, bool *ret_purge);

/**
 * reset_run - carry out the reset that is due, if one is
 * @boot: its volumes and PERSIST/wmopkg are open, and nothing else; .data becomes -1
 *        where DATA could not be emptied, so that nothing of it is used
 *
 * Otherwise it records where DATA is, for a later reset.
 */
void reset_run(struct boot *boot);
