/* SPDX-License-Identifier: MIT */
#pragma once

/* What is on a medium, for people: names of packages and folders. */

#include "installer/device/device.h"
#include "installer/media/choose.h"

/* Both bound the work that a medium can cause. */
#define MEDIA_FOUND_MAX   512  /* names that are kept */
#define MEDIA_DEPTH_MAX   4    /* folders below each other that are looked into */
#define MEDIA_ENTRIES_MAX 8192 /* of all folders together that are read */

struct media_found {
	char *path; /* from the root of the medium; owned */
	bool folder;
};

/* Plain data. */
struct media_browse {
	int root_fd; /* of the medium, mounted for this process */
	char description[MEDIA_DESCRIPTION_MAX];
	struct media_found items[MEDIA_FOUND_MAX];
	size_t count;
	bool cut; /* there is more, by a limit */
};

/**
 * media_browse_new - mount the medium that a label selects, and list what is in a folder
 * @folder:   "" for the root
 * @depth:    1: what is in it; more: in its folders, too
 * @packages: of the files only packages
 * @ret:      set on success only; free with media_browse_free()
 *
 * Names with characters that cannot be printed, and hidden ones, are left out. A folder
 * that cannot be read has nothing in it.
 *
 * Return: 0; as media_source_open().
 */
int media_browse_new(struct device *device, const char *label, const char *folder,
		     unsigned depth, bool packages, struct media_browse **ret,
		     struct verity_error *err) must_check;

void media_browse_free(struct media_browse *browse);
DEFINE_CLEANUP(struct media_browse, media_browse_free);

/**
 * media_browse_names - the names in a folder, found by another process, which ends when
 * the medium does not answer within @timeout_ms
 * @ret: each name ends with a newline, a folder with '/' before it; free()
 *
 * Return: bytes; 0 also where nothing can be read.
 */
size_t media_browse_names(struct device *device, const char *label, const char *folder,
			  bool packages, int timeout_ms, char **ret);
