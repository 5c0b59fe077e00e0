/* SPDX-License-Identifier: MIT */

/* Threads that take numbered items in order. */

#include "verity/util/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define THREADS_MAX 64
#define STACK_BYTES (1U << 20) /* address space; the default of musl is 128 KiB */

struct run {
	const struct verity_crew *crew;
	uint64_t items;
	atomic_uint_fast64_t next;

	pthread_mutex_t lock; /* of what follows */
	uint64_t failed_item;
	int failure;
	struct verity_error error;
};

static void *work(void *argument)
{
	struct run *run = argument;
	struct verity_error error = {0};
	cleanup_free void *worker = malloc(run->crew->worker_bytes);
	int r = worker ? run->crew->begin(run->crew->context, worker, &error)
		       : verity_no_memory(&error);
	bool begun = r == 0;
	uint64_t item = 0;

	while (r == 0 && (item = atomic_fetch_add(&run->next, 1)) < run->items)
		r = run->crew->item(run->crew->context, worker, item, &error);
	if (r < 0) {
		pthread_mutex_lock(&run->lock);
		if (run->failure == 0 || item < run->failed_item) {
			run->failure = r;
			run->failed_item = item;
			run->error = error;
		}
		pthread_mutex_unlock(&run->lock);
		/* Items are taken in order: all below a failed one still get their turn.
		 */
		atomic_store(&run->next, run->items);
	}
	if (begun)
		run->crew->end(worker);
	return NULL;
}

int verity_parallel(const struct verity_crew *crew, uint64_t items, unsigned threads,
		    struct verity_error *err)
{
	struct run run = {
		.crew = crew, .items = items, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_attr_t attributes;
	pthread_t others[THREADS_MAX];
	unsigned started = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* Without a thread that cannot be started it only takes longer. */
	while (started + 1 < threads && started + 1 < items && started < THREADS_MAX &&
	       pthread_create(&others[started], &attributes, work, &run) == 0)
		started++;
	pthread_attr_destroy(&attributes);
	work(&run);
	for (unsigned i = 0; i < started; i++)
		pthread_join(others[i], NULL);
	if (run.failure < 0 && err)
		*err = run.error;
	return run.failure;
}

unsigned verity_parallel_threads(unsigned wanted)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted)
		return wanted;
	return online > 0 ? (unsigned)online : 1;
}
