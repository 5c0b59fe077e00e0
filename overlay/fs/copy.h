/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Copying files of one tree to the same place in another: content and look, which is
 * owner, mode, extended attributes and times. Links are copied and never followed. Set-id
 * bits and capabilities stay behind where the source is mounted nosuid.
 */

#include "verity/util/error.h"

#include <sys/stat.h>

#define OVERLAY_COPY_DEPTH_MAX 32 /* of folders */

/* What was left out, which is no failure. */
struct overlay_copy_left {
	size_t things;     /* neither files, folders nor links */
	size_t attributes; /* that the target's file system does not take */
	char first[256];   /* path of the first of both; cut where it is longer */
};

/**
 * overlay_copy_one - copy a file or link, or make a folder (without what is in it)
 * @path: relative, free of links but for its last part
 * @st:   its lstat()
 *
 * What is there already stays. Anything but files, folders and links is passed over. A
 * folder is for its owner alone until overlay_copy_look(), which its filling comes
 * before.
 *
 * Return: 0; -errno.
 */
int overlay_copy_one(int from_fd, int to_fd, const char *path,
		     const struct stat *st) must_check;

/**
 * overlay_copy_tree - the same with all that is below, and its look
 */
int overlay_copy_tree(int from_fd, int to_fd, const char *path) must_check;

/**
 * overlay_copy_below - all that is in one folder into another, and the folder's look
 * @ret_left: filled always; may be NULL
 *
 * Names are looked up one at a time, each in the open folder above it.
 *
 * Return: 0; -EIO over OVERLAY_COPY_DEPTH_MAX; -errno; @err names the path.
 */
int overlay_copy_below(int from_fd, int to_fd, struct overlay_copy_left *ret_left,
		       struct verity_error *err) must_check;

/**
 * overlay_copy_look - the look alone
 */
int overlay_copy_look(int from_fd, int to_fd, const char *path) must_check;

/**
 * overlay_copy_opaque - mark a folder so that nothing of lower layers shows in it
 */
int overlay_copy_opaque(int to_fd, const char *path) must_check;
