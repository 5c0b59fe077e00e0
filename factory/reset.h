/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Carrying out a factory reset: DATA is emptied, PERSIST stays, and the device remembers
 * neither trials nor quarantine. Begun again after a power cut it goes on where it was,
 * and ends as if there had been none.
 */

#include "factory/journal.h"
#include "overlay/config/config.h"

struct factory_reset {
	/* What the caller knows. All borrowed. */
	const struct overlay_config *config;
	int persist_fd;
	int record_fd;      /* PERSIST/wmopkg */
	const char *root;   /* where the firmware's root is mounted */
	bool word;          /* the bootloader says wmopkg.factory_reset=1 */
	bool word_in_uboot; /* in the U-Boot environment, from where it can be deleted */
	int64_t now;        /* device time, seconds since 1970, for the audit log */
	/* Told of each step, and every few seconds while one goes on for long. */
	void (*say)(void *context, bool warning, const char *text);
	void *context;

	/*
	 * DATA; -1 where it is not mounted. Closed and opened anew where its file system
	 * is unmounted, so the caller takes it back from here.
	 */
	int data_fd;

	/* Where it ended: FACTORY_DONE, or the step that it is stuck in. */
	enum factory_step step;
};

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
