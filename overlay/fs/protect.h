/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a package may not bring: the engine's own configuration and programs. `create`
 * refuses a tree that holds one of these, the boot puts the firmware's own back over the
 * stack. Paths are relative to the root of the file system, without a leading slash.
 */

#include <stdbool.h>
#include <stddef.h>

#define OVERLAY_PROTECTED_LINKS 16 /* on the way to one protected path */

/**
 * overlay_protected_path - whether @path is a protected path or lies below one
 * @path: as in the tree; slashes in front are passed over
 */
bool overlay_protected_path(const char *path);

/**
 * overlay_protected_parent - whether a protected path lies below @path
 *
 * Such a path has to stay a folder that shows the firmware's own below it.
 */
bool overlay_protected_parent(const char *path);

/**
 * overlay_protected_at - the protected path number @index
 *
 * Return: a constant string; NULL after the last.
 */
const char *overlay_protected_at(size_t index);
