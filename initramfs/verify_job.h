/* SPDX-License-Identifier: MIT */
#pragma once

/* A timed job that verifies one package. */

#include "initramfs/timed_jobs.h"
#include "overlay/record/state.h"
#include "verity/package/package.h"

/*
 * The image of a package file above this many bytes is worth the threads of all
 * processors; smaller ones are verified side by side, each on one.
 */
#define VERIFY_JOB_LARGE_BYTES (UINT64_C(8) << 20)

/* What it borrows must stay for the lifetime of the process. */
struct verify_job {
	struct timed_job timed;
	int folder; /* borrowed: where the file is */
	struct verity_policy policy;
	int line;      /* to the supervisor; -1: there is none */
	bool may_wait; /* a large one is left to a second run */

	/* The result. */
	bool waits;                       /* it is large: nothing else was done */
	struct overlay_state_entry entry; /* .entry as it was given */
	struct verity_package *package;   /* owned; NULL: not accepted */
	uint8_t id[VERITY_DIGEST_BYTES];
};

/**
 * verify_job_new - a job for a package
 * @ret: the caller fills the rest of what is not a result; verify_job_free()
 *
 * Return: 0; -ENOMEM.
 */
int verify_job_new(const struct overlay_entry *entry, struct verify_job **ret,
		   struct verity_error *err) must_check;

/**
 * verify_job_noted - which file a job that was abandoned was verifying
 */
void verify_job_noted(const struct timed_slot *slot, struct overlay_file_id *ret);

void verify_job_free(struct verify_job *job);
