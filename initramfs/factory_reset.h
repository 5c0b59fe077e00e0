/* SPDX-License-Identifier: MIT */
#pragma once

/* The factory reset at a boot; see factory/reset.h. */

#include "factory/journal.h"
#include "initramfs/boot_context.h"

/**
 * reset_is_due - whether this boot has to carry out a reset: one was requested, or one
 * was cut off
 * @ret: the request; { 0 } with .by_bootloader where there is no file
 */
bool reset_is_due(const struct boot *boot, struct factory_journal *ret);

/**
 * reset_run - carry out the reset that is due, if one is
 * @boot: its volumes and PERSIST/wmopkg are open, and nothing else; .data becomes -1
 *        where DATA could not be emptied, so that nothing of it is used
 *
 * Otherwise it records where DATA is, for a later reset.
 */
void reset_run(struct boot *boot);
