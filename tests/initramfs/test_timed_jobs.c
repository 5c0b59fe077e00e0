/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "initramfs/timed_jobs.h"
#include "tests/check.h"

#define JOBS     40
#define SHORT_US 100000     /* a deadline that is meant to pass */
#define LONG_US  3600000000 /* one that is not */

enum kind {
	QUICK,
	STUCK,    /* waits for a byte that nobody writes, until the test does */
	EXTENDED, /* gives itself an hour, then takes longer than its deadline */
};

/* Counts what a job does, from whatever thread; outlives all jobs. */
struct tally {
	atomic_uint under_way;
	atomic_uint most_under_way;
	atomic_uint run;
	atomic_uint discarded;
};

struct job {
	struct timed_job timed;
	enum kind kind;
	int wait_fd;
	struct tally *tally;
	unsigned *result; /* on the heap, so that a leak or a race would show */
};

static void note_under_way(struct tally *tally)
{
	unsigned now = atomic_fetch_add(&tally->under_way, 1) + 1;
	unsigned most = atomic_load(&tally->most_under_way);

	while (now > most &&
	       !atomic_compare_exchange_weak(&tally->most_under_way, &most, now))
		;
}

static void run(struct timed_job *timed)
{
	const struct timespec twice = {.tv_nsec = 2L * SHORT_US * 1000};
	struct job *job = (struct job *)timed;
	char byte;

	note_under_way(job->tally);
	timed_job_note(timed, (const uint64_t[]){1, 2, job->kind});
	if (job->kind == STUCK)
		(void)!read(job->wait_fd, &byte, 1);
	if (job->kind == EXTENDED) {
		timed_job_extend(timed, LONG_US);
		nanosleep(&twice, NULL);
	}
	job->result = malloc(sizeof(*job->result));
	*job->result = 7;
	atomic_fetch_sub(&job->tally->under_way, 1);
	atomic_fetch_add(&job->tally->run, 1);
}

static void job_free(struct job *job)
{
	if (!job)
		return;
	free(job->result);
	free(job);
}

static void discard(struct timed_job *timed)
{
	struct tally *tally = ((struct job *)timed)->tally;

	job_free((struct job *)timed);
	atomic_fetch_add(&tally->discarded, 1);
}

static struct timed_job *job_new(enum kind kind, int wait_fd, struct tally *tally,
				 uint64_t limit_us)
{
	struct job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	*job = (struct job){
		.timed = {.run = run, .discard = discard, .limit_us = limit_us},
		.kind = kind,
		.wait_fd = wait_fd,
		.tally = tally,
	};
	return &job->timed;
}

static bool is_done(const struct timed_slot *slot)
{
	const struct job *job = (const struct job *)slot->job;

	return job && slot->begun_us > 0 && slot->ended_us >= slot->begun_us &&
	       job->result && *job->result == 7;
}

static void slots_free(struct timed_slot *slots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		job_free((struct job *)slots[i].job);
}

/* Until the threads that were abandoned have come back, so that nothing is left. */
static void wait_for(const atomic_uint *number, unsigned wanted)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < 60000 && atomic_load(number) < wanted; i++)
		nanosleep(&pause, NULL);
	assert_int_equal(atomic_load(number), wanted);
}

static void test_all_are_done(void **state)
{
	(void)state;
	for (unsigned most = 1; most < 9; most++) {
		struct timed_slot slots[JOBS] = {0};
		struct tally tally = {0};
		uint64_t until = TIMED_NO_LIMIT;

		for (size_t i = 0; i < JOBS; i++)
			slots[i].job = job_new(QUICK, -1, &tally, LONG_US);
		assert_int_equal(timed_jobs_run(slots, JOBS, most, &until), 0);
		for (size_t i = 0; i < JOBS; i++)
			assert_true(is_done(&slots[i]));
		for (size_t i = 1; i < JOBS; i++)
			assert_true(slots[i].begun_us >= slots[i - 1].begun_us);
		assert_in_range(tally.most_under_way, 1, most);
		assert_true(until == TIMED_NO_LIMIT);
		slots_free(slots, JOBS);
	}
}

static void test_none(void **state)
{
	uint64_t until = 5;

	(void)state;
	assert_int_equal(timed_jobs_run(NULL, 0, 2, &until), 0);
}

/* As many are stuck as may be under way: the others get their turn all the same. */
static void test_stuck(void **state)
{
	struct timed_slot slots[JOBS] = {0};
	struct tally tally = {0};
	uint64_t until = TIMED_NO_LIMIT;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < JOBS; i++)
		slots[i].job = job_new(i < 3 || i == JOBS - 1 ? STUCK : QUICK, ends[0],
				       &tally, SHORT_US);
	assert_int_equal(timed_jobs_run(slots, JOBS, 3, &until), 4);
	for (size_t i = 0; i < JOBS; i++) {
		if (i >= 3 && i < JOBS - 1) {
			assert_true(is_done(&slots[i]));
			continue;
		}
		assert_null(slots[i].job);
		assert_int_equal(slots[i].notes[1], 2);
		assert_int_equal(slots[i].notes[2], STUCK);
		assert_true(slots[i].ended_us - slots[i].begun_us >= SHORT_US);
	}
	assert_int_equal(tally.run, JOBS - 4);
	assert_int_equal(tally.discarded, 0);
	/* they come back, long after they were given up: each cleans up after itself */
	assert_int_equal(write(ends[1], "1234", 4), 4);
	wait_for(&tally.discarded, 4);
	slots_free(slots, JOBS);
	close(ends[0]);
	close(ends[1]);
}

/* What the time was over for is never begun, and is the caller's. */
static void test_time_is_over(void **state)
{
	struct timed_slot slots[4] = {0};
	struct tally tally = {0};
	uint64_t until;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	for (size_t i = 0; i < 4; i++)
		slots[i].job = job_new(i ? QUICK : STUCK, ends[0], &tally, LONG_US);
	/* long enough for the first one to begin on a busy machine */
	until = timed_after(timed_now(), 10 * SHORT_US);
	assert_int_equal(timed_jobs_run(slots, 4, 1, &until), 1);
	assert_null(slots[0].job);
	for (size_t i = 1; i < 4; i++) {
		assert_non_null(slots[i].job);
		assert_int_equal(slots[i].begun_us, 0);
		assert_int_equal(slots[i].notes[0], 0);
	}
	assert_int_equal(write(ends[1], "1", 1), 1);
	wait_for(&tally.discarded, 1);
	assert_int_equal(tally.run, 1);
	slots_free(slots, 4);
	close(ends[0]);
	close(ends[1]);
}

static void test_extended(void **state)
{
	struct timed_slot slots[2] = {0};
	struct tally tally = {0};
	uint64_t before = timed_after(timed_now(), LONG_US);
	uint64_t until = before;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		slots[i].job = job_new(EXTENDED, -1, &tally, SHORT_US);
	assert_int_equal(timed_jobs_run(slots, 2, 2, &until), 0);
	assert_true(is_done(&slots[0]) && is_done(&slots[1]));
	assert_true(until == before + 2 * LONG_US);
	slots_free(slots, 2);
}

static void test_left(void **state)
{
	const struct timed_slot slot = {.begun_us = 100, .ended_us = 130};
	const struct timed_slot extended = {
		.begun_us = 100, .ended_us = 130, .extended_us = 25};
	const struct timed_slot unused = {
		.begun_us = 100, .ended_us = 130, .extended_us = 1000};

	(void)state;
	assert_int_equal(timed_job_left_us(&slot, 50), 20);
	assert_int_equal(timed_job_left_us(&slot, 30), 0);
	assert_int_equal(timed_job_left_us(&slot, 10), 0);
	assert_true(timed_job_left_us(&slot, TIMED_NO_LIMIT) == TIMED_NO_LIMIT);
	/* of what it used, what it was given beyond its limit comes first */
	assert_int_equal(timed_job_left_us(&extended, 10), 5);
	assert_int_equal(timed_job_left_us(&extended, 5), 0);
	assert_int_equal(timed_job_left_us(&unused, 10), 10);
	assert_true(timed_after(5, TIMED_NO_LIMIT) == TIMED_NO_LIMIT);
	assert_int_equal(timed_after(5, 6), 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_done), cmocka_unit_test(test_none),
		cmocka_unit_test(test_stuck),        cmocka_unit_test(test_time_is_over),
		cmocka_unit_test(test_extended),     cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
