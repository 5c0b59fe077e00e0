/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Jobs side by side on threads, each in a box of time. A thread that waits for storage
 * which never answers cannot be ended, so a job that is not done when its box is over is
 * abandoned: from then on it belongs to its thread, and whoever asked for it goes on
 * without.
 *
 * All times are microseconds, points in time those of CLOCK_MONOTONIC.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOXES_NO_LIMIT UINT64_MAX

struct boxes_crew;

/* One job; the first member of a larger struct on the heap. */
struct box {
	/* Set by the owner. */
	void (*run)(struct box *box);     /* on a thread */
	void (*discard)(struct box *box); /* undo what @run did, and free the job */
	uint64_t limit_us;                /* how long it may take, or BOXES_NO_LIMIT */

	/* Of boxes.c, under its lock. */
	struct boxes_crew *crew;
	struct box_slot *slot;
	uint64_t end_us; /* of the box */
	bool abandoned;
};

#define BOX_NOTES 3

/* What became of a job. */
struct box_slot {
	struct box *box;           /* NULL once it was abandoned */
	uint64_t begun_us;         /* 0: it never was */
	uint64_t ended_us;         /* done, or abandoned */
	uint64_t extended_us;      /* by box_extend() */
	uint64_t notes[BOX_NOTES]; /* of box_note(); all 0: none */
};

/**
 * boxes_now - the time
 */
uint64_t boxes_now(void);

/**
 * boxes_after - the point in time @us after @start_us, where BOXES_NO_LIMIT is never
 */
uint64_t boxes_after(uint64_t start_us, uint64_t us);

/**
 * boxes_run - do all jobs
 * @slots: with the jobs, in the order in which they begin; all else is set
 * @most:  how many are under way at most, 1 or more, the abandoned ones not counted
 * @until_us: the point in time at which no job begins any more, and those under way are
 *         abandoned, or BOXES_NO_LIMIT; raised by box_extend()
 *
 * Takes no longer than the boxes do. What @run of an abandoned job looks at must stay
 * for as long as the process; if it ever comes back, @discard is called on its thread.
 * Every other job is the caller's still: done, or never begun.
 *
 * Return: how many were abandoned.
 */
size_t boxes_run(struct box_slot *slots, size_t count, unsigned most, uint64_t *until_us);

/**
 * box_extend - give a job more time, from within its @run
 *
 * That of boxes_run() as a whole is extended by as much.
 */
void box_extend(struct box *box, uint64_t us);

/**
 * box_note - leave word, from within @run, for the case that the job is abandoned
 */
void box_note(struct box *box, const uint64_t notes[static BOX_NOTES]);

/**
 * box_left_us - what a job leaves of a box of @limit_us, for another one to take
 *
 * What it used beyond that, because it was given more, is not held against the other.
 */
uint64_t box_left_us(const struct box_slot *slot, uint64_t limit_us);
