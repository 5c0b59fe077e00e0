/* SPDX-License-Identifier: MIT */
#pragma once

/* A folder with an audit log, for tests of it. */

#include "overlay/record/audit.h"
#include "overlay/record/audit_files.h"
#include "tests/check.h"

#define AUDITS_BYTES                                                                     \
	4096 /* of one file of changes: less than a device takes, for speed */
#define AUDITS_TIME 1700000000

/**
 * audits_set_up, audits_tear_down - an empty folder for one test; *@state becomes a
 * pointer to its descriptor
 */
int audits_set_up(void **state);
int audits_tear_down(void **state);

/**
 * audits_empty - delete all that is in the folder
 */
void audits_empty(int record);

struct overlay_audit *audits_open(int record);

/**
 * audits_boot - a boot without packages, from begin to end
 */
void audits_boot(struct overlay_audit *audit);

/**
 * audits_append - @count installations, each in an append of its own
 */
void audits_append(int record, size_t count);

/**
 * audits_append_one - one, with what is to stand as its detail
 *
 * Return: as overlay_audit_append().
 */
int audits_append_one(int record, const char *detail, struct verity_error *err);

/**
 * audits_check - the log is whole, from @first to @last
 */
void audits_check(int record, uint64_t first, uint64_t last);

int audits_verify(int record, struct verity_error *err);

/**
 * audits_load - a file; free()
 * @ret_size: SIZE_MAX where it is not there, and then NULL is returned
 */
char *audits_load(int record, const char *name, size_t *ret_size);

/**
 * audits_store - a file with these bytes; NULL: none
 */
void audits_store(int record, const char *name, const char *bytes, size_t size);

/* All files of a log. */
struct audits_copy {
	char *bytes[20]; /* NULL: not there */
	size_t size[20];
};

/**
 * audits_save, audits_restore, audits_drop - what is in the folder, and nothing else
 */
void audits_save(int record, struct audits_copy *ret);
void audits_restore(int record, const struct audits_copy *copy);
void audits_drop(struct audits_copy *copy);
