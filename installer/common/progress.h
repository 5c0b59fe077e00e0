/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The bar that shows how far a transfer has come: under its scale, never longer than it,
 * and only ever added to, so that it looks the same on a serial line and in a log.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Plain data. */
struct progress {
	FILE *out;      /* borrowed */
	bool live;      /* grows as bytes come; else it is printed once, when complete */
	bool open;      /* begun and neither ended nor broken off */
	uint64_t total; /* bytes */
	unsigned shown; /* columns of the bar already on the screen */
};

/**
 * progress_begin - print what is coming and the scale
 * @title: file name
 * @total: bytes, 1 or more
 */
void progress_begin(struct progress *progress, FILE *out, bool live, const char *title,
		    uint64_t total);

/**
 * progress_advance - @done bytes of the total are there
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
 * progress_break - end the line of a bar that will not be completed; does nothing where
 * none was begun
 */
void progress_break(struct progress *progress);
