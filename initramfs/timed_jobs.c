/* SPDX-License-Identifier: MIT */
#include "initramfs/timed_jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STACK_BYTES (1U << 20) /* address space; a thread uses a few pages of it */

/*
 * Shared by boxes_run() and its threads, and gone with the last of them: a thread that
 * comes back late finds it as it was.
 */
struct boxes_crew {
	pthread_mutex_t lock; /* of all that follows, and of what is ours in a box */
	pthread_cond_t changed;
	struct box_slot *slots; /* the caller's; no longer once @next is @count */
	size_t count;
	size_t next;
	unsigned threads; /* with a job that is not abandoned, or about to take one */
	unsigned users;   /* threads, and boxes_run() */
	uint64_t until_us;
	uint64_t armed_us; /* when boxes_run() will look after the boxes */
};

uint64_t boxes_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t boxes_after(uint64_t start_us, uint64_t us)
{
	uint64_t end;

	return __builtin_add_overflow(start_us, us, &end) ? BOXES_NO_LIMIT : end;
}

static struct boxes_crew *crew_new(struct box_slot *slots, size_t count,
				   uint64_t until_us)
{
	struct boxes_crew *crew = calloc(1, sizeof(*crew));
	pthread_condattr_t monotonic;

	if (!crew)
		return NULL;
	crew->slots = slots;
	crew->count = count;
	crew->users = 1;
	crew->until_us = until_us;
	crew->armed_us = BOXES_NO_LIMIT;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&crew->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return crew;
}

/* To be called with the lock held, which is gone after. */
static void crew_leave(struct boxes_crew *crew)
{
	bool last = --crew->users == 0;

	pthread_mutex_unlock(&crew->lock);
	if (!last)
		return;
	pthread_cond_destroy(&crew->changed);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* NULL where there is none left, or no time to begin it. */
static struct box_slot *take(struct boxes_crew *crew)
{
	uint64_t now = boxes_now();
	struct box_slot *slot;
	struct box *box;

	if (crew->next == crew->count || now >= crew->until_us)
		return NULL;
	slot = &crew->slots[crew->next++];
	slot->begun_us = now;
	box = slot->box;
	box->crew = crew;
	box->slot = slot;
	box->end_us = boxes_after(now, box->limit_us);
	if (earlier(box->end_us, crew->until_us) < crew->armed_us)
		pthread_cond_signal(&crew->changed);
	return slot;
}

static void *serve(void *argument)
{
	struct boxes_crew *crew = argument;
	struct box_slot *slot;

	pthread_mutex_lock(&crew->lock);
	while ((slot = take(crew))) {
		struct box *box = slot->box;

		pthread_mutex_unlock(&crew->lock);
		box->run(box);
		pthread_mutex_lock(&crew->lock);
		if (box->abandoned) {
			crew_leave(crew);
			box->discard(box);
			return NULL;
		}
		slot->ended_us = boxes_now();
	}
	crew->threads--;
	pthread_cond_signal(&crew->changed);
	crew_leave(crew);
	return NULL;
}

static bool add_thread(struct boxes_crew *crew)
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

/* As many as there may be and there is work for. */
static void add_threads(struct boxes_crew *crew, unsigned most)
{
	while (crew->threads < most && crew->threads < crew->count - crew->next)
		if (!add_thread(crew))
			return;
}

/* Abandons what is late; returns when the next of those under way will be. */
static uint64_t look_after(struct boxes_crew *crew)
{
	uint64_t now = boxes_now();
	uint64_t next = BOXES_NO_LIMIT;

	for (size_t i = 0; i < crew->next; i++) {
		struct box_slot *slot = &crew->slots[i];
		uint64_t end;

		if (slot->ended_us > 0)
			continue;
		end = earlier(slot->box->end_us, crew->until_us);
		if (now < end) {
			next = earlier(next, end);
			continue;
		}
		slot->box->abandoned = true;
		slot->box = NULL;
		slot->ended_us = now;
		crew->threads--;
	}
	return next;
}

static void wait_until(struct boxes_crew *crew, uint64_t end_us)
{
	struct timespec end = {
		.tv_sec = (time_t)(end_us / 1000000),
		.tv_nsec = (long)(end_us % 1000000) * 1000,
	};

	crew->armed_us = end_us;
	if (end_us == BOXES_NO_LIMIT)
		pthread_cond_wait(&crew->changed, &crew->lock);
	else
		pthread_cond_timedwait(&crew->changed, &crew->lock, &end);
}

/*
 * Where no thread can be had at all, the jobs are done here, and their boxes have no
 * walls: a device that is short of memory still comes up.
 */
static void serve_here(struct boxes_crew *crew)
{
	crew->users++;
	crew->threads++;
	pthread_mutex_unlock(&crew->lock);
	serve(crew);
	pthread_mutex_lock(&crew->lock);
}

static size_t abandoned(const struct boxes_crew *crew)
{
	size_t count = 0;

	for (size_t i = 0; i < crew->next; i++)
		count += crew->slots[i].box == NULL;
	return count;
}

/* Whether there is anything left to wait for. */
static bool carry_on(struct boxes_crew *crew, unsigned most)
{
	uint64_t next = look_after(crew);
	bool more = crew->next < crew->count && boxes_now() < crew->until_us;

	if (more)
		add_threads(crew, most);
	if (crew->threads > 0)
		wait_until(crew, next);
	else if (more)
		serve_here(crew);
	else
		return false;
	return true;
}

size_t boxes_run(struct box_slot *slots, size_t count, unsigned most, uint64_t *until_us)
{
	struct boxes_crew *crew = count ? crew_new(slots, count, *until_us) : NULL;
	size_t lost;

	for (size_t i = 0; i < count; i++)
		slots[i] = (struct box_slot){.box = slots[i].box};
	if (!crew)
		return 0;
	pthread_mutex_lock(&crew->lock);
	while (carry_on(crew, most))
		;
	lost = abandoned(crew);
	*until_us = crew->until_us;
	crew->count = crew->next; /* nothing of the caller's is looked at any more */
	crew_leave(crew);
	return lost;
}

void box_extend(struct box *box, uint64_t us)
{
	struct boxes_crew *crew = box->crew;

	pthread_mutex_lock(&crew->lock);
	if (!box->abandoned) {
		box->end_us = boxes_after(box->end_us, us);
		box->slot->extended_us = boxes_after(box->slot->extended_us, us);
		crew->until_us = boxes_after(crew->until_us, us);
	}
	pthread_mutex_unlock(&crew->lock);
}

/* The slot is the caller's, who is still there: it has not been abandoned. */
void box_note(struct box *box, const uint64_t notes[static BOX_NOTES])
{
	pthread_mutex_lock(&box->crew->lock);
	if (!box->abandoned)
		memcpy(box->slot->notes, notes, sizeof(box->slot->notes));
	pthread_mutex_unlock(&box->crew->lock);
}

uint64_t box_left_us(const struct box_slot *slot, uint64_t limit_us)
{
	uint64_t used = slot->ended_us - slot->begun_us;
	uint64_t room = boxes_after(limit_us, slot->extended_us);
	uint64_t left = used < room ? room - used : 0;

	if (limit_us == BOXES_NO_LIMIT)
		return limit_us;
	return earlier(left, limit_us);
}
