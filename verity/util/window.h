/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A part of a file in memory without a copy of it. What another process takes away from
 * the file meanwhile, or the medium does not give, is a result here and not a signal.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verity_window {
	const uint8_t *bytes; /* of the file, from the offset on */

	void *start; /* of the mapping */
	size_t size;
	volatile sig_atomic_t torn;
};

/**
 * verity_window_open - map a part of a file for reading
 * @fd: borrowed
 *
 * A thread has one window at a time, and only it may read the bytes. They may change at
 * any moment: a byte counts only where it was read once.
 *
 * Return: false where the file cannot be mapped; it is to be read then.
 */
bool verity_window_open(struct verity_window *window, int fd, uint64_t offset,
			size_t count);

/**
 * verity_window_close - unmap it
 *
 * Return: whether all that was read came from the file. If not, zeros were read in its
 * place, and reading the file tells what is wrong.
 */
bool verity_window_close(struct verity_window *window);
