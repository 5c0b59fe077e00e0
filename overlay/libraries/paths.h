/* SPDX-License-Identifier: MIT */
#pragma once

/* A list of paths without doubles, of limited length. */

#include "verity/util/error.h"

#include <stdbool.h>
#include <stddef.h>

#define OVERLAY_PATHS_MAX 4096

/* Begun as { 0 }. */
struct overlay_paths {
	char **items; /* owned */
	size_t count;
};

/**
 * overlay_paths_add - add a copy of @path
 *
 * Return: 0, also where it is there, or one too many; -ENOMEM.
 */
int overlay_paths_add(struct overlay_paths *paths, const char *path) must_check;

bool overlay_paths_has(const struct overlay_paths *paths, const char *path);

/**
 * overlay_paths_has_below - whether one of them lies below @path
 */
bool overlay_paths_has_below(const struct overlay_paths *paths, const char *path);

void overlay_paths_free(struct overlay_paths *paths);
