/* SPDX-License-Identifier: MIT */
#pragma once

/* A reset that is being carried out: what it was given, and what is known so far. */

#include "factory/data_volume.h"
#include "factory/journal.h"
#include "overlay/config/config.h"

#include <limits.h>
#include <sys/types.h>

struct factory_reset {
	/* From the caller. All borrowed. */
	const struct overlay_config *config;
	int persist_fd;
	int record_fd;      /* PERSIST/wmopkg */
	const char *root;   /* where the firmware's root is mounted */
	bool by_bootloader; /* wmopkg.factory_reset=1 is set */
	bool in_uboot;      /* in the U-Boot environment, from where it can be deleted */
	int64_t now;        /* device time, seconds since 1970, for the audit log */
	/* Called at each step, and every few seconds during a long one. */
	void (*say)(void *context, bool warning, const char *text);
	void *context;

	/*
	 * DATA; -1 where it is not mounted. Closed and opened again when its file system
	 * is unmounted, so the caller takes it back from here.
	 */
	int data_fd;

	/* Where it ended: FACTORY_DONE, or the step that failed. */
	enum factory_step step;
};

/* What the steps share. */
struct factory_run {
	struct factory_reset *reset; /* borrowed */
	struct factory_journal journal;
	struct factory_means means;
	char mountpoint[PATH_MAX]; /* where DATA is mounted, if it is a file system */
	char *device;              /* owned, for messages; NULL: DATA is a folder */
	int device_fd;  /* owned: the one that was checked, and no other, is written to;
			   -1: DATA is a folder */
	dev_t number;   /* of the device */
	bool unmounted; /* it was mounted before */
	bool claimed;   /* it was unmounted, and in no other use */
	bool sealed;    /* its super block is refused: it can only be made anew */
	struct factory_volume volume;
	bool unpurged;        /* PERSIST cannot be emptied: that is given up */
	bool noted;           /* the audit log has the line on this reset already */
	uint64_t reported_us; /* time of the last progress message */
};

/**
 * factory_run_progress - tell the caller now and then how many files were deleted
 * @context: struct factory_run; for struct overlay_eraser
 */
void factory_run_progress(void *context, uint64_t deleted);

/**
 * factory_run_say - hand a message to the caller
 */
void factory_run_say(const struct factory_run *run, bool warning, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
