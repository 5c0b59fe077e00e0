/* SPDX-License-Identifier: MIT */
#pragma once

/* How long a boot waits for its packages, and what came of it so far. */

#include "initramfs/timed_jobs.h"
#include "overlay/fs/clock.h"
#include "verity/util/error.h"

/*
 * Where whole images are read, a package gets a second more for each so many bytes of its
 * file, and the boot as a whole as well: slow storage is not failing storage.
 */
#define PATIENCE_BYTES_PER_SECOND (UINT64_C(4) << 20)

struct patience {
	unsigned package_seconds; /* of the configuration; 0: no limit */
	unsigned boot_seconds;    /* likewise */
	uint64_t until_us;        /* see boxes_run(); for all packages together */
	int line;                 /* to the supervisor; -1: there is none */
	size_t stuck; /* jobs that were abandoned: their threads may be there still */
};

/**
 * patience_new - the patience of a boot that begins now
 */
struct patience patience_new(unsigned package_seconds, unsigned boot_seconds);

/**
 * patience_box_us - the box of a package, for judging and attaching together
 */
uint64_t patience_box_us(const struct patience *patience);

/**
 * patience_run - boxes_run() until @patience is at its end, with one job per slot
 */
void patience_run(struct patience *patience, struct box_slot *slots, size_t count,
		  unsigned most);

/**
 * patience_reason - why a package whose job was abandoned, or never begun, is left out
 * @what: "verified": what it was not
 */
void patience_reason(const struct patience *patience, const char *what,
		     struct verity_error *ret);

/**
 * patience_span - how long an abandoned job was waited for
 */
void patience_span(const struct box_slot *slot, struct overlay_span *ret);
