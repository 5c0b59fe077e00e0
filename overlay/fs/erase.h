/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Deletes a file, or a folder with all that is in it: any names, any depth, any number of
 * files, in memory that does not grow with them.
 */

#include "verity/util/error.h"

#include <stdint.h>

/* How a folder is emptied. Plain data; { 0 } deletes what nothing protects. */
struct overlay_eraser {
	/*
	 * Remove what prevents it: immutable and append-only flags, read-only snapshots
	 * and other btrfs subvolumes; what is mounted in there is unmounted, and its own
	 * files stay. Needs root and /proc.
	 */
	bool force;
	const char *spare; /* what has this name stays as it is; NULL: none */
	const char *keep;  /* a folder of this name stays, emptied; NULL: none */
	uint64_t most;     /* deletions; then it is given up with -E2BIG. 0: no limit */
	/* Called now and then with the number of files and folders deleted; or NULL. */
	void (*progress)(void *context, uint64_t deleted);
	void *context;
};

/**
 * overlay_erase_tree - delete what is called @name, if anything is
 * @dir_fd: the folder it lies in, or AT_FDCWD
 * @name:   one name; links are deleted, never followed
 * @force:  remove what prevents it, as in struct overlay_eraser
 *
 * Nothing is synced. Without @force, what is mounted in there stays, and is a failure.
 *
 * Return: 0; -EBUSY or -EXDEV for a mount; -errno.
 */
int overlay_erase_tree(int dir_fd, const char *name, bool force) must_check;

/**
 * overlay_erase_some - overlay_erase_tree() with force, if it is no more than that
 * @most: files and folders
 *
 * Return: 0; -E2BIG where as many are deleted, and some are left; -errno.
 */
int overlay_erase_some(int dir_fd, const char *name, uint64_t most) must_check;

/**
 * overlay_erase_below - delete all that is in a folder, and sync its file system
 * @dir_fd: the folder, which stays; borrowed
 *
 * What cannot be deleted does not keep the rest. No other process may change what is in
 * there meanwhile. Needs Linux 5.6 (openat2).
 *
 * Return: 0; -errno, with the first name that is still there.
 */
int overlay_erase_below(int dir_fd, const struct overlay_eraser *eraser,
			struct verity_error *err) must_check;
