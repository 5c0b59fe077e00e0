/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The progress bar of a transfer, below its scale. Characters are only added, never
 * replaced, so that it looks the same on a serial line and in a log.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Plain data. */
struct progress {
	FILE *out;      /* borrowed */
	bool live;      /* grows as bytes come; else it is printed once, when complete */
	bool open;      /* begun, and neither ended nor broken off */
	uint64_t total; /* bytes */
	unsigned shown; /* columns of the bar already on the screen */
};

/**
 * progress_begin - print the title and the scale
 * @title: file name
 * @total: bytes, 1 or more
 */
void progress_begin(struct progress *progress, FILE *out, bool live, const char *title,
		    uint64_t total);

/**
 * progress_advance - @done bytes of the total have come
 *
 * The last column is left to progress_end().
 */
void progress_advance(struct progress *progress, uint64_t done);

/**
 * progress_end - complete the bar and its line
 */
void progress_end(struct progress *progress);

/**
 * progress_pause - end the line, for other lines that must be printed; the next
 * progress_advance() begins the bar again below them
 */
void progress_pause(struct progress *progress);

/**
 * progress_break - end the line of a bar that will not be completed; does nothing if
 * none was begun
 */
void progress_break(struct progress *progress);
