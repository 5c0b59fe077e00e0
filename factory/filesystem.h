/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The programs that repair a file system and make one anew, and what they are told. They
 * are the firmware's, found at fixed places, and run without a shell.
 */

#include "verity/util/error.h"

#include <stdbool.h>
#include <stdint.h>

#define FACTORY_TYPE_MAX  31  /* bytes: "ext4" */
#define FACTORY_LABEL_MAX 255 /* bytes */
#define FACTORY_UUID_MAX  63  /* bytes */

/* What a file system is called, as libblkid says. Plain data; "": not known, or none. */
struct factory_filesystem {
	char type[FACTORY_TYPE_MAX + 1];
	char label[FACTORY_LABEL_MAX + 1];
	char uuid[FACTORY_UUID_MAX + 1];
};

#define FACTORY_WORDS_MAX 16

/* A program and its words; all borrowed. .words[0] is NULL where there is none. */
struct factory_program {
	const char *const *paths; /* where it may be, NULL-ended */
	const char *words[FACTORY_WORDS_MAX];
	/* One of BusyBox will do as well, and what it does goes on when we end. */
	bool common;
};

/**
 * factory_filesystem_repair - what repairs it
 * @device: path of the block device; borrowed like @filesystem
 */
struct factory_program factory_filesystem_repair(
	const struct factory_filesystem *filesystem, const char *device);

/**
 * factory_filesystem_make - what makes it anew, with the same type, label and UUID
 * @discard: whether to tell the device that all of its blocks are free
 */
struct factory_program factory_filesystem_make(
	const struct factory_filesystem *filesystem, const char *device, bool discard);

/**
 * factory_filesystem_kept - the folder that a new one has, and that is to stay; NULL:
 * none
 */
const char *factory_filesystem_kept(const struct factory_filesystem *filesystem);

/**
 * factory_program_there - whether it is on this device
 */
bool factory_program_there(const struct factory_program *program);

/**
 * factory_program_run - run it to its end, without input
 *
 * Return: its exit status, 128 and more where a signal ended it, then with the last line
 * of what it said in @err; -ENOENT where it is not there; -errno.
 */
int factory_program_run(const struct factory_program *program,
			struct verity_error *err) must_check;
