/* SPDX-License-Identifier: MIT */
#pragma once

/* Trees and tar archives to make images of, and what is in the images. */

#include "overlay/image/image.h"
#include "tests/check.h"
#include "verity/util/cleanup.h"

struct tree_entry {
	const char *path;
	char type;        /* d, f, l (link to text), h (hard link to text), c, p */
	const char *text; /* content or target; NULL for none */
	unsigned mode;
	unsigned owner;
	const char *xattr; /* NAME=VALUE; NULL for none; in archives alone */
	uint64_t bytes;    /* where more than the text: the rest is a hole */
};

/* A folder for one test, gone with all below it when the variable leaves its scope. */
struct tree_scratch {
	char path[64];
};

/* Make and remove the folder that all of them lie in. */
int tree_group_setup(void **state);
int tree_group_teardown(void **state);

void tree_scratch_make(struct tree_scratch *ret);
void tree_scratch_free(struct tree_scratch *scratch);

/* Makes the entries below @path, from the first to the last; parents have to come first.
 */
void tree_make(const char *path, const struct tree_entry *entries, size_t count);

/* Writes them into an archive: gnutar, pax or ustar; filter as libarchive calls it. */
void tree_archive(const char *path, const char *format, const char *filter,
		  const struct tree_entry *entries, size_t count);

/* overlay_image_write() into an unnamed file, which is returned. */
int tree_image(const char *source, const char *compressor, unsigned threads,
	       int *ret_result, struct verity_error *err);

/* The time of a file of the root in the image, in seconds since 1970; 0 where it is
 * missing. */
uint32_t tree_time(int fd, const char *name);

/*
 * One line an entry, sorted, the root first: "TYPE MODE UID LINKS SIZE PATH[ -> TARGET]".
 * Free with free().
 */
char *tree_list(int fd);
