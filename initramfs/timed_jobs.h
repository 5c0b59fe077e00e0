/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Jobs side by side on threads, each with a deadline. A thread that waits for storage
 * which never answers cannot be ended, so a job that is not done at its deadline is
 * abandoned: from then on it belongs to its thread, and the caller goes on without it.
 *
 * All times are microseconds, points in time those of CLOCK_MONOTONIC.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMED_NO_LIMIT UINT64_MAX
#define TIMED_NOTES    3

struct timed_crew;

/* One job; the first member of a larger struct on the heap. */
struct timed_job {
	/* Set by the caller. */
	void (*run)(struct timed_job *job);     /* on a thread */
	void (*discard)(struct timed_job *job); /* undo what @run did, and free the job */
	uint64_t limit_us;                      /* how long it may take; TIMED_NO_LIMIT */

	/* Of timed_jobs.c, under its lock. */
	struct timed_crew *crew;
	struct timed_slot *slot;
	uint64_t end_us; /* the deadline */
	bool abandoned;
};

/* The result of a job. */
struct timed_slot {
	struct timed_job *job; /* set by the caller; NULL once it was abandoned */
	size_t index;          /* the caller's */

	uint64_t begun_us;           /* 0: never */
	uint64_t ended_us;           /* done, or abandoned */
	uint64_t extended_us;        /* by timed_job_extend() */
	uint64_t notes[TIMED_NOTES]; /* of timed_job_note(); all 0: none */
};

/**
 * timed_now - the time
 */
uint64_t timed_now(void);

/**
 * timed_after - the point in time @us after @start_us, where TIMED_NO_LIMIT is never
 */
uint64_t timed_after(uint64_t start_us, uint64_t us);

/**
 * timed_jobs_run - do all jobs
 * @slots:    with the jobs, in the order in which they begin; the rest is set
 * @most:     how many run at the same time, 1 or more; abandoned ones do not count
 * @until_us: the point in time at which no more job begins and those that run are
 *            abandoned, or TIMED_NO_LIMIT; raised by timed_job_extend()
 *
 * Takes no longer than the deadlines allow. What @run of an abandoned job uses must stay
 * for the lifetime of the process; if it ever returns, @discard is called on its thread.
 * Every other job still belongs to the caller: done, or never begun.
 *
 * Return: how many were abandoned.
 */
size_t timed_jobs_run(struct timed_slot *slots, size_t count, unsigned most,
		      uint64_t *until_us);

/**
 * timed_job_extend - give a job more time, from within its @run
 *
 * The time of timed_jobs_run() as a whole is extended by the same.
 */
void timed_job_extend(struct timed_job *job, uint64_t us);

/**
 * timed_job_note - store numbers for the caller in case the job is abandoned; from @run
 */
void timed_job_note(struct timed_job *job, const uint64_t notes[static TIMED_NOTES]);

/**
 * timed_job_left_us - what a job leaves of @limit_us, for another one to use
 *
 * The time that it was given in addition does not count.
 */
uint64_t timed_job_left_us(const struct timed_slot *slot, uint64_t limit_us);
