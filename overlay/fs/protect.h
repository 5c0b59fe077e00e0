/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a package may not bring: the engine's own configuration and programs. `create`
 * refuses a tree that holds one of these, the boot puts the firmware's own back over the
 * stack, and what the firmware does not have there stays absent. Paths are relative to
 * the root of the file system, without a leading slash.
 *
 * A program is protected where this build installs it, and under its name in every folder
 * of the usual PATHs: another one there is found before the firmware's. Names are
 * compared byte by byte, as overlayfs does, which stacks no file system that ignores
 * case.
 */

#include <stdbool.h>
#include <stddef.h>

#define OVERLAY_PROTECT_MAX 16 /* paths that the configuration adds */
#define OVERLAY_PROTECTED_LINKS                                                          \
	40 /* links to one; the kernel follows as many                                   \
	    */

/* What the configuration of a device adds to the table. { 0 }: nothing. */
struct overlay_protect {
	const char *paths[OVERLAY_PROTECT_MAX + 1]; /* absolute; borrowed */
	size_t count;
	const char *const *libraries; /* that the programs need; borrowed */
	size_t libraries_count;
};

/**
 * overlay_protected_path - whether @path is in the table, or lies below a path of it
 * @path: as in the tree; slashes in front are passed over
 */
bool overlay_protected_path(const char *path);

/**
 * overlay_protected_parent - whether a path of the table lies below @path
 *
 * Such a path has to stay a folder that shows the firmware's own below it.
 */
bool overlay_protected_parent(const char *path);

/**
 * overlay_protected_alias - whether a link at @path only joins two folders of programs
 * @path:   without a leading slash
 * @target: of the link
 *
 * As `bin` -> `usr/bin` of a merged /usr: what lies in both is protected either way.
 */
bool overlay_protected_alias(const char *path, const char *target);

/**
 * overlay_protected_program - whether @path has the name of a program of the engine, in
 * a folder called bin or sbin anywhere
 */
bool overlay_protected_program(const char *path);

/**
 * overlay_protected_at - the protected path number @index, one of the table or of @own
 * @own: NULL: nothing
 *
 * The same place may come more than once, also by links of the firmware.
 *
 * Return: a string that lives as long as @own's; NULL after the last.
 */
const char *overlay_protected_at(const struct overlay_protect *own, size_t index);
