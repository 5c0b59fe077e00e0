/* SPDX-License-Identifier: MIT */
#pragma once

/* The same work on many numbered items, by several threads. */

#include "verity/util/error.h"

#include <stddef.h>
#include <stdint.h>

struct verity_crew {
	void *context; /* borrowed; shared by all threads, so read-only to them */

	/* Memory of each thread for itself (buffers, a hasher), not initialised. */
	size_t worker_bytes;
	int (*begin)(void *context, void *worker, struct verity_error *err);
	int (*item)(void *context, void *worker, uint64_t item, struct verity_error *err);
	void (*end)(void *worker); /* only where @begin succeeded */
};

/**
 * verity_parallel - do items 0 .. @items - 1
 * @threads: how many at most, 1 or more; the calling thread is one of them
 *
 * Stops at the first failure; where several fail, the error is that of the lowest item,
 * whatever the number of threads.
 *
 * Return: 0; what @begin or @item returned; -ENOMEM.
 */
int verity_parallel(const struct verity_crew *crew, uint64_t items, unsigned threads,
		    struct verity_error *err) must_check;

/**
 * verity_parallel_threads - @wanted, or one for each processor where it is 0
 */
unsigned verity_parallel_threads(unsigned wanted);
