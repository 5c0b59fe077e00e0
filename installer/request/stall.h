/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * When a server is too slow to wait for: nobody else can install while a transfer goes
 * on, so none may go on without an end. Pure: the time is given, in ms of any clock that
 * never goes back.
 */

#include "verity/util/error.h"

#include <stdint.h>

#define STALL_SILENCE_S  30           /* longest time without a line or a byte */
#define STALL_WINDOW_S   600          /* in this time */
#define STALL_WINDOW_MIN (64LL << 10) /* bytes of the file must come: 900 bit/s */

struct stall {
	int64_t heard_ms;  /* when the server was last heard of */
	int64_t window_ms; /* when the present window began */
	int64_t bytes;     /* of the file, in this window */
};

void stall_begin(struct stall *stall, int64_t now_ms);

/**
 * stall_hear - the server has sent something
 * @bytes: of the file; 0 for everything else
 */
void stall_hear(struct stall *stall, int64_t now_ms, int64_t bytes);

/**
 * stall_skip - for some time the server was asked for nothing: it does not count
 */
void stall_skip(struct stall *stall, int64_t ms);

/**
 * stall_check - whether to go on waiting
 *
 * Return: 0; -ECOMM (LOST).
 */
int stall_check(struct stall *stall, int64_t now_ms, struct verity_error *err) must_check;
