/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The progress bar of a transfer, below its scale. Its characters are only added, never
 * replaced, so that it looks the same on a serial line and in a log. On a terminal, a
 * transfer that takes long has a second line below it, with numbers, which is erased in
 * the end.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROGRESS_NUMBERS_BYTES 96
#define PROGRESS_SHARE_BYTES   64

/* How it is shown. */
enum progress_style {
	PROGRESS_ONCE,    /* printed when it is complete */
	PROGRESS_BAR,     /* grows as bytes come */
	PROGRESS_LATER,   /* with numbers below it, if the transfer takes over 3 s */
	PROGRESS_NUMBERS, /* with numbers from the start */
};

/* Plain data. */
struct progress {
	FILE *out; /* borrowed */
	enum progress_style style;
	bool open;           /* begun, and neither ended nor broken off */
	bool below;          /* there are numbers below the bar */
	uint64_t total;      /* bytes */
	unsigned columns;    /* of the whole bar */
	unsigned shown;      /* columns of the bar already on the screen */
	int64_t begun_ms;    /* the times are of the monotonic clock */
	int64_t numbered_ms; /* when the numbers were printed */
};

/**
 * progress_style_of - how it is to be shown on a file: what the terminal can do
 */
enum progress_style progress_style_of(int fd);

/**
 * progress_begin - print the title and the scale
 * @title: file name
 * @total: bytes, 1 or more
 *
 * While a bar grows, the terminal shows no keys.
 */
void progress_begin(struct progress *progress, FILE *out, enum progress_style style,
		    const char *title, uint64_t total);

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

/**
 * progress_format_share - "3.1 of 24.2 MiB"
 * @between: the numbers: " of "
 */
void progress_format_share(uint64_t some, uint64_t all, const char *between,
			   char ret[static PROGRESS_SHARE_BYTES]);

/**
 * progress_format - "3.1/24.2 MiB  410 kB/s  0:51 left"
 * @ms: that it took so far
 */
void progress_format(uint64_t done, uint64_t total, int64_t ms,
		     char ret[static PROGRESS_NUMBERS_BYTES]);
