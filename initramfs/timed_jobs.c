/* SPDX-License-Identifier: MIT */
/* Runs jobs on threads, and abandons those that miss their deadline. */
#include "initramfs/timed_jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STACK_BYTES (1U << 20) /* address space; a thread uses a few pages of it */

/*
 * Shared by timed_jobs_run() and its threads, and freed by the last of them: a thread
 * that comes back late finds it as it was.
 */
struct timed_crew {
	pthread_mutex_t lock; /* of all that follows, and of our members of a job */
	pthread_cond_t changed;
	struct timed_slot *slots; /* the caller's; not used once @next is @count */
	size_t count;
	size_t next;
	size_t abandoned;
	unsigned threads; /* with a job that is not abandoned, or about to take one */
	unsigned users;   /* threads, and timed_jobs_run() */
	uint64_t until_us;
	uint64_t armed_us; /* when timed_jobs_run() will check the deadlines */
};

uint64_t timed_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t timed_after(uint64_t start_us, uint64_t us)
{
	uint64_t end;

	return __builtin_add_overflow(start_us, us, &end) ? TIMED_NO_LIMIT : end;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct timed_crew *crew_new(struct timed_slot *slots, size_t count,
				   uint64_t until_us)
{
	struct timed_crew *crew = calloc(1, sizeof(*crew));
	pthread_condattr_t monotonic;

	if (!crew)
		return NULL;
	crew->slots = slots;
	crew->count = count;
	crew->users = 1;
	crew->until_us = until_us;
	crew->armed_us = TIMED_NO_LIMIT;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&crew->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return crew;
}

/* Called with the lock held, which is gone after. */
static void crew_leave(struct timed_crew *crew)
{
	bool last = --crew->users == 0;

	pthread_mutex_unlock(&crew->lock);
	if (!last)
		return;
	pthread_cond_destroy(&crew->changed);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

/* NULL where no job is left, or no time to begin one. */
static struct timed_slot *take(struct timed_crew *crew)
{
	uint64_t now = timed_now();
	struct timed_slot *slot;
	struct timed_job *job;

	if (crew->next == crew->count || now >= crew->until_us)
		return NULL;
	slot = &crew->slots[crew->next++];
	slot->begun_us = now;
	job = slot->job;
	job->crew = crew;
	job->slot = slot;
	job->end_us = timed_after(now, job->limit_us);
	if (earlier(job->end_us, crew->until_us) < crew->armed_us)
		pthread_cond_signal(&crew->changed);
	return slot;
}

static void *serve(void *argument)
{
	struct timed_crew *crew = argument;
	struct timed_slot *slot;

	pthread_mutex_lock(&crew->lock);
	while ((slot = take(crew))) {
		struct timed_job *job = slot->job;

		pthread_mutex_unlock(&crew->lock);
		job->run(job);
		pthread_mutex_lock(&crew->lock);
		if (job->abandoned) {
			crew_leave(crew);
			job->discard(job);
			return NULL;
		}
		slot->ended_us = timed_now();
	}
	crew->threads--;
	pthread_cond_signal(&crew->changed);
	crew_leave(crew);
	return NULL;
}

static bool add_thread(struct timed_crew *crew)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int r;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	crew->users++;
	r = pthread_create(&thread, &attributes, serve, crew);
	pthread_attr_destroy(&attributes);
	if (r != 0) {
		crew->users--;
		return false;
	}
	crew->threads++;
	return true;
}

/* Abandons what is late; returns the next deadline of those that run. */
static uint64_t abandon_late(struct timed_crew *crew)
{
	uint64_t now = timed_now();
	uint64_t next = TIMED_NO_LIMIT;

	for (size_t i = 0; i < crew->next; i++) {
		struct timed_slot *slot = &crew->slots[i];
		uint64_t end;

		if (slot->ended_us > 0)
			continue;
		end = earlier(slot->job->end_us, crew->until_us);
		if (now < end) {
			next = earlier(next, end);
			continue;
		}
		slot->job->abandoned = true;
		slot->job = NULL;
		slot->ended_us = now;
		crew->threads--;
		crew->abandoned++;
	}
	return next;
}

/* Return: whether there is anything left to wait for. */
static bool carry_on(struct timed_crew *crew, unsigned most)
{
	uint64_t next = abandon_late(crew);
	bool more = crew->next < crew->count && timed_now() < crew->until_us;
	struct timespec end = {
		.tv_sec = (time_t)(next / 1000000),
		.tv_nsec = (long)(next % 1000000) * 1000,
	};

	while (more && crew->threads < most && crew->threads < crew->count - crew->next &&
	       add_thread(crew))
		;
	if (crew->threads > 0) {
		crew->armed_us = next;
		if (next == TIMED_NO_LIMIT)
			pthread_cond_wait(&crew->changed, &crew->lock);
		else
			pthread_cond_timedwait(&crew->changed, &crew->lock, &end);
		return true;
	}
	if (!more)
		return false;
	/*
	 * Without any thread the jobs are done here, and have no deadline: a device that
	 * is short of memory still comes up.
	 */
	crew->users++;
	crew->threads++;
	pthread_mutex_unlock(&crew->lock);
	serve(crew);
	pthread_mutex_lock(&crew->lock);
	return true;
}

size_t timed_jobs_run(struct timed_slot *slots, size_t count, unsigned most,
		      uint64_t *until_us)
{
	struct timed_crew *crew = count ? crew_new(slots, count, *until_us) : NULL;
	size_t abandoned;

	for (size_t i = 0; i < count; i++)
		slots[i] =
			(struct timed_slot){.job = slots[i].job, .index = slots[i].index};
	if (!crew)
		return 0;
	pthread_mutex_lock(&crew->lock);
	while (carry_on(crew, most))
		;
	abandoned = crew->abandoned;
	*until_us = crew->until_us;
	crew->count = crew->next; /* from now on nothing of the caller's is used */
	crew_leave(crew);
	return abandoned;
}

void timed_job_extend(struct timed_job *job, uint64_t us)
{
	struct timed_crew *crew = job->crew;

	pthread_mutex_lock(&crew->lock);
	if (!job->abandoned) {
		job->end_us = timed_after(job->end_us, us);
		job->slot->extended_us = timed_after(job->slot->extended_us, us);
		crew->until_us = timed_after(crew->until_us, us);
	}
	pthread_mutex_unlock(&crew->lock);
}

/* The slot is the caller's, who is still there as long as the job is not abandoned. */
void timed_job_note(struct timed_job *job, const uint64_t notes[static TIMED_NOTES])
{
	pthread_mutex_lock(&job->crew->lock);
	if (!job->abandoned)
		memcpy(job->slot->notes, notes, sizeof(job->slot->notes));
	pthread_mutex_unlock(&job->crew->lock);
}

uint64_t timed_job_left_us(const struct timed_slot *slot, uint64_t limit_us)
{
	uint64_t used = slot->ended_us - slot->begun_us;
	uint64_t given = timed_after(limit_us, slot->extended_us);
	uint64_t left = used < given ? given - used : 0;

	return limit_us == TIMED_NO_LIMIT ? limit_us : earlier(left, limit_us);
}
