/* SPDX-License-Identifier: MIT */
#pragma once

/* An empty folder to work in, made before the tests of a program and deleted after. */

/**
 * scratch_enter, scratch_leave - set-up and tear-down of a group of tests
 */
int scratch_enter(void **state);
int scratch_leave(void **state);

/**
 * scratch_write - a file with a text, in the current folder
 */
void scratch_write(const char *path, const char *text);
