/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Boots in a row that began to verify packages and did not get to the end of it: by a
 * power cut, a watchdog or a fault of the kernel. None of their packages was used, so
 * this counts against none of them. Files of DATA that were not in use before may be the
 * cause, then all of DATA, then any package; and whatever the cause is, the device
 * starts.
 *
 * The number is in PERSIST/wmopkg/begun, a file of fixed length that is written in place:
 * at the begin of a boot, and where it is not 0, once the packages are verified.
 */

#include "verity/util/error.h"

#define OVERLAY_BEGUN_MAX 1000 /* as far as is counted */

/* What a boot leaves out, as far as it has reason to. */
enum overlay_caution {
	OVERLAY_CAUTION_NONE,
	OVERLAY_CAUTION_STRANGERS, /* files of DATA that the last good set does not have
				    */
	OVERLAY_CAUTION_DATA,      /* all that is on DATA */
	OVERLAY_CAUTION_ALL,
};

/**
 * overlay_begun_caution - how careful a boot is
 * @begun: boots in a row before this one
 * @limit: key `trials`; 0: never careful
 */
enum overlay_caution overlay_begun_caution(unsigned begun, unsigned limit);

/**
 * overlay_begun_after - the number that a boot leaves that has verified its packages
 *
 * After a careful one, the next boot verifies one step more again: a cause that is gone
 * does not keep anything out.
 */
unsigned overlay_begun_after(enum overlay_caution caution, unsigned limit);

/**
 * overlay_begun_decode - the number in the text of the file; 0 where it is none
 * @text: a 0 follows its @size bytes
 */
unsigned overlay_begun_decode(const char *text, size_t size);

/**
 * overlay_begun_load - the number; 0 where there is none that can be read
 * @record_fd: -1: no records
 */
unsigned overlay_begun_load(int record_fd);

/**
 * overlay_begun_store - write the number; it is durable when this returns 0
 */
int overlay_begun_store(int record_fd, unsigned begun,
			struct verity_error *err) must_check;
