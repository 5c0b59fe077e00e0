/* SPDX-License-Identifier: MIT */
#pragma once

/* What a boot takes how long: a clock, and stretches of time on it. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define OVERLAY_CLOCK_MAX (UINT64_C(1) << 53) /* us read from outside: 285 years */

/* Microseconds since the kernel started (CLOCK_BOOTTIME). { 0 }: did not take place. */
struct overlay_span {
	uint64_t start_us;
	uint64_t end_us;
};

/* The steps of an activation, in order; those of a package are in its own entry. */
enum overlay_step {
	OVERLAY_STEP_PREPARE, /* configuration, leftovers of a run that was cut off */
	OVERLAY_STEP_VOLUMES, /* DATA and PERSIST found and mounted, their stores cleaned
			       */
	OVERLAY_STEP_RESET,   /* factory reset, and the stores cleaned after it */
	OVERLAY_STEP_TRUST,   /* key ring, statements, floors, audit log opened */
	OVERLAY_STEP_JUDGE,   /* all packages */
	OVERLAY_STEP_TRY,     /* trials counted, and synced */
	OVERLAY_STEP_ATTACH,  /* all packages: loop, dm-verity, mount */
	OVERLAY_STEP_STACK,   /* overlayfs */
	OVERLAY_STEP_RECORD,  /* floors and audit log written */
	OVERLAY_STEP_SEED,    /* factory configuration */
	OVERLAY_STEPS,
};

/**
 * overlay_clock_us - now, on the clock above
 */
static inline uint64_t overlay_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static inline void overlay_span_begin(struct overlay_span *span)
{
	span->start_us = overlay_clock_us();
}

static inline void overlay_span_end(struct overlay_span *span)
{
	span->end_us = overlay_clock_us();
}

/**
 * overlay_span_took_place - whether it took place
 */
static inline bool overlay_span_took_place(const struct overlay_span *span)
{
	return span->end_us > 0;
}

/**
 * overlay_step_name - "prepare", …: as the state file has it
 */
const char *overlay_step_name(enum overlay_step step);
