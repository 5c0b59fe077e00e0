/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Carries out a factory reset: DATA is emptied, PERSIST stays, and the device forgets
 * trials and quarantine. Started again after a power cut it goes on where it was, and
 * ends as if there had been none.
 */

#include "factory/reset_run.h"

/**
 * factory_reset_run - begin a reset, or go on with it
 * @journal: as it was loaded, or { 0 } with .by_bootloader
 *
 * Nothing is wiped before the journal was written. Needs root, /proc and /sys, where DATA
 * is a file system of its own.
 *
 * Return: 0; -errno, and then .step says how far it came: FACTORY_ASKED is a refusal, and
 * nothing was changed.
 */
int factory_reset_run(struct factory_reset *reset, const struct factory_journal *journal,
		      struct verity_error *err) must_check;
