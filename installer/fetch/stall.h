/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * When a server is too slow to be waited for: nobody else can install anything while a
 * transfer goes on, so none may go on for ever. Pure: the time is told, in ms of any
 * clock that goes forwards.
 */

#include "verity/util/error.h"

#include <stdint.h>

#define SOURCE_STALL_S  30  /* without a word or a byte */
#define SOURCE_WINDOW_S 600 /* in which there must be */
#define SOURCE_WINDOW_LEAST                                                              \
	(64LL << 10) /* bytes of the file: about 900 bits a second                       \
		      */

struct source_pace {
	int64_t heard_ms;  /* when the server was heard of last */
	int64_t window_ms; /* when the present window began */
	int64_t bytes;     /* of the file, in it */
};

void source_pace_begin(struct source_pace *pace, int64_t now_ms);

/**
 * source_pace_hear - the server has said something
 * @bytes: of the file; 0 for all else
 */
void source_pace_hear(struct source_pace *pace, int64_t now_ms, int64_t bytes);

/**
 * source_pace_check - whether it is worth to go on waiting
 *
 * Return: 0; -ECOMM (LOST).
 */
int source_pace_check(struct source_pace *pace, int64_t now_ms,
		      struct verity_error *err) must_check;
