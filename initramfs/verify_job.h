/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A timed job that verifies one package, in two parts: the head decides whether the
 * package is to be used, and costs little; the image is read only of those that are.
 */

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
	int line; /* to the supervisor; -1: there is none */

	/* Of the head. */
	int folder; /* borrowed: where the file is */
	struct verity_policy policy;

	/* Of the image. */
	unsigned threads;

	/* What is known; of the head also the result, and replaced by the image's. */
	struct overlay_state_entry entry; /* .entry as it was given */
	struct verity_package *package;   /* owned; NULL: not accepted */
	uint8_t id[VERITY_DIGEST_BYTES];
};

/**
 * verify_job_new_head - a job for all of a package but its image
 * @ret: the caller fills .timed.limit_us, .line, .folder and .policy; verify_job_free()
 *
 * Return: 0; -ENOMEM.
 */
int verify_job_new_head(const struct overlay_entry *entry, struct verify_job **ret,
			struct verity_error *err) must_check;

/**
 * verify_job_new_image - a job for the image of a package that was accepted
 * @entry: what is known of the package
 * @ret:   the caller fills .timed.limit_us, .line, .threads, .package and .id;
 *         verify_job_free()
 *
 * Gives itself more time where the file is large: slow storage is not failing storage.
 *
 * Return: 0; -ENOMEM.
 */
int verify_job_new_image(const struct overlay_state_entry *entry, struct verify_job **ret,
			 struct verity_error *err) must_check;

/**
 * verify_job_noted - which file a job that was abandoned was verifying
 */
void verify_job_noted(const struct timed_slot *slot, struct overlay_file_id *ret);

void verify_job_free(struct verify_job *job);
