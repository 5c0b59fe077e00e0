/* SPDX-License-Identifier: MIT */
#pragma once

/* One package, judged in a box of time. */

#include "initramfs/timed_jobs.h"
#include "overlay/record/state.h"
#include "verity/package/package.h"

/*
 * The image of a package file above this many bytes is worth the threads of all
 * processors; smaller ones are judged beside each other, each on one.
 */
#define JUDGING_LARGE_BYTES (UINT64_C(8) << 20)

/* A job of boxes_run(). What it borrows must stay for as long as the process. */
struct judging {
	struct box box;
	size_t index; /* of the package; for the caller */
	int folder;   /* borrowed: where the file is */
	struct verity_policy policy;
	int line;      /* to the supervisor; -1: there is none */
	bool may_wait; /* a large one is left to a second run */

	/* What came of it. */
	bool waits;                       /* it is large: nothing else was done */
	struct overlay_state_entry entry; /* .entry as it was given */
	struct verity_package *package;   /* owned; NULL: not accepted */
	uint8_t id[VERITY_DIGEST_BYTES];
};

/**
 * judging_new - a job for a package
 * @ret: the rest of what is not a result is the caller's to fill; judging_free()
 *
 * Return: 0; -ENOMEM.
 */
int judging_new(const struct overlay_entry *entry, struct judging **ret,
		struct verity_error *err) must_check;

/**
 * judging_noted - which file a job that was abandoned had before it
 */
void judging_noted(const struct box_slot *slot, struct overlay_file_id *ret);

void judging_free(struct judging *judging);
