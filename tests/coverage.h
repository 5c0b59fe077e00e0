/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a build for tests/coverage.py includes into each file: a process that ends with
 * _exit() writes what it has counted, too. One that has given up its rights has no file
 * to write to.
 */

#include <string.h>
#include <unistd.h>

void __gcov_dump(void);

__attribute__((noreturn)) static inline void coverage_exit(const char *file, int status)
{
	if (!strstr(file, "/sandbox/") && !strstr(file, "/transfer/"))
		__gcov_dump();
	_exit(status);
}

#define _exit(status) coverage_exit(__FILE__, status)
