/* SPDX-License-Identifier: MIT */
/*
 * A library for LD_PRELOAD that counts the allocations of a program and lets one fail;
 * see memory.h.
 */
#include "memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define DEPTH     64
#define INNERMOST 6 /* with this shim */

static struct {
	struct memory *shared;
	unsigned long fails; /* or MEMORY_LIST, MEMORY_COUNT */
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *old, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
} state;

/* Not while it looks at the way that led to it. */
static __thread bool inside;

static void start(void)
{
	void *words[1];
	const char *number = getenv(MEMORY_VARIABLE);

	inside = true;
	state.malloc = (void *(*)(size_t))(uintptr_t)dlsym(RTLD_NEXT, "malloc");
	state.calloc = (void *(*)(size_t, size_t))(uintptr_t)dlsym(RTLD_NEXT, "calloc");
	state.realloc = (void *(*)(void *, size_t))(uintptr_t)dlsym(RTLD_NEXT, "realloc");
	state.memalign =
		(void *(*)(size_t, size_t))(uintptr_t)dlsym(RTLD_NEXT, "memalign");
	state.shared = mmap((void *)(uintptr_t)MEMORY_ADDRESS, sizeof(*state.shared),
			    PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (!number || !state.memalign || state.shared == MAP_FAILED)
		abort();
	state.fails = strtoul(number, NULL, 10);
	if (state.fails != MEMORY_COUNT) /* loads a library */
		(void)backtrace(words, 1);
	inside = false;
}

static bool is_program(const void *address)
{
	return (uintptr_t)address - PROGRAM_ADDRESS < PROGRAM_BYTES;
}

/* Notes the way where it is a new one. */
static void note_way(unsigned long number)
{
	struct memory *memory = state.shared;
	void *calls[DEPTH];
	int depth = backtrace(calls, DEPTH);
	uint32_t hash = 2166136261U;
	int used = 0;

	for (int i = 0; i < depth && used < PROGRAM_CALLS; i++) {
		used += is_program(calls[i]);
		for (int j = 0; (i < INNERMOST || is_program(calls[i])) && j < 48; j += 8)
			hash = (hash ^ (uint8_t)((uintptr_t)calls[i] >> j)) * 16777619U;
	}
	for (unsigned long i = 0; i < memory->ways; i++)
		if (memory->hash[i] == hash)
			return;
	if (memory->ways == MEMORY_WAYS)
		abort();
	memory->hash[memory->ways] = hash;
	memory->first[memory->ways++] = (unsigned)number;
}

static bool fails(void)
{
	unsigned long number;

	if (inside)
		return false;
	if (!state.shared)
		start();
	number = __atomic_add_fetch(&state.shared->count, 1, __ATOMIC_RELAXED);
	if (state.fails == MEMORY_LIST) {
		inside = true;
		note_way(number);
		inside = false;
	}
	if (number != state.fails)
		return false;
	inside = true;
	(void)backtrace(state.shared->failed, MEMORY_DEPTH);
	inside = false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : state.malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : state.calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : state.realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : state.memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *made = memalign(alignment, size);

	if (!made)
		return ENOMEM;
	*ret = made;
	return 0;
}
