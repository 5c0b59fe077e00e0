/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The boot time budget: how long a boot waits for its packages, and what is left of it.
 * Of `boot_seconds`, one half is for verifying, a quarter for mounting, and a quarter for
 * what comes after the packages. So what takes long to verify never takes the time in
 * which the packages before it are mounted.
 */

#include "initramfs/timed_jobs.h"
#include "overlay/fs/clock.h"
#include "verity/util/error.h"

/*
 * Where whole images are read, a package gets one second more for each so many bytes of
 * its file, and the boot as a whole as well: slow storage is not failing storage.
 */
#define BOOT_BUDGET_BYTES_PER_SECOND (UINT64_C(4) << 20)

/*
 * How long a boot looks at files of DATA that turn out to be nothing for this device, and
 * were not in use before. No device has many of them, and whoever can write to DATA can
 * put any number there.
 */
#define BOOT_BUDGET_STRANGERS_US 5000000

enum boot_budget_part {
	BOOT_BUDGET_VERIFY,
	BOOT_BUDGET_ATTACH,
	BOOT_BUDGET_PARTS,
};

struct boot_budget {
	unsigned package_seconds; /* of the configuration; 0: no limit */
	unsigned boot_seconds;    /* likewise */
	/* For all packages together; see timed_jobs_run(). */
	uint64_t until_us[BOOT_BUDGET_PARTS];
	int line;     /* to the supervisor; -1: there is none */
	size_t stuck; /* jobs that were abandoned: their threads may still run */
};

/**
 * boot_budget_new - the budget of a boot that begins now
 */
struct boot_budget boot_budget_new(unsigned package_seconds, unsigned boot_seconds);

/**
 * boot_budget_package_us - the time of one package, to verify and attach it
 */
uint64_t boot_budget_package_us(const struct boot_budget *budget);

/**
 * boot_budget_run - timed_jobs_run() within a part of the budget
 */
void boot_budget_run(struct boot_budget *budget, enum boot_budget_part part,
		     struct timed_slot *slots, size_t count, unsigned most);

/**
 * boot_budget_run_one - boot_budget_run() of a single job
 * @job: with a discard() that frees it; owned by the caller again where it is done
 *
 * Return: whether it is done. Otherwise it is freed, now or when its thread comes back.
 */
bool boot_budget_run_one(struct boot_budget *budget, enum boot_budget_part part,
			 struct timed_job *job) __attribute__((warn_unused_result));

/**
 * boot_budget_late - how long a job took that was abandoned or never begun, and why its
 * package is left out
 * @part: what was not done with it
 * @span: set where the job was begun
 */
void boot_budget_late(const struct boot_budget *budget, enum boot_budget_part part,
		      const struct timed_slot *slot, struct overlay_span *span,
		      struct verity_error *ret);
