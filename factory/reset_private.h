/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files that carry out a reset share. */

#include "factory/reset.h"
#include "factory/volume.h"

#include <limits.h>

struct factory_run {
	struct factory_reset *reset; /* borrowed */
	struct factory_journal journal;
	struct factory_means means;
	char mountpoint[PATH_MAX]; /* where DATA is mounted, if it is a file system */
	char *device;              /* owned; NULL: DATA is a folder */
	struct factory_volume volume;
	uint64_t told_us; /* when a person was last told how far it is */
};

/**
 * factory_say - tell who watches, and the kernel log
 */
void factory_say(const struct factory_run *run, bool warning, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * factory_data_find - where DATA is, what it is called, and what can be done about it
 *
 * Return: 0; -ENOENT (NOT_FOUND); -EINVAL (CONFIG) where it holds what is to be kept.
 */
int factory_data_find(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_data_unmount - unmount the file system of DATA, wherever it is mounted
 */
int factory_data_unmount(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_data_mount - mount it, unless it is
 */
int factory_data_mount(struct factory_run *run, struct verity_error *err) must_check;

/* The steps; each can be done again from its start. */
int factory_data_erase(struct factory_run *run, struct verity_error *err) must_check;
int factory_data_repair(struct factory_run *run, struct verity_error *err) must_check;
int factory_data_make(struct factory_run *run, struct verity_error *err) must_check;
int factory_data_discard(struct factory_run *run, struct verity_error *err) must_check;
int factory_record_trials(struct factory_run *run, struct verity_error *err) must_check;
int factory_record_note(struct factory_run *run, struct verity_error *err) must_check;
int factory_record_obey(struct factory_run *run, struct verity_error *err) must_check;
int factory_record_close(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_record_line - number of the last line of the audit log; 0: none;
 * FACTORY_LINE_UNKNOWN
 */
int64_t factory_record_line(const struct factory_run *run);
