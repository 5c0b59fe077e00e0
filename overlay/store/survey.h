/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What lies in a store, for programs that then read the files. A store is a folder that
 * others can write to: however many files it has, the list and the work to make it have
 * limits. No file is opened.
 */

#include "overlay/store/store.h"

#define OVERLAY_SURVEY_READ_MAX    1000000    /* directory entries that are read */
#define OVERLAY_SURVEY_FOLDER_MAX  (64 << 20) /* bytes of a folder with that many */
#define OVERLAY_SURVEY_LOOKED_MAX  16384 /* files whose length and type are asked for */
#define OVERLAY_SURVEY_ENTRIES_MAX 1024  /* files in the list, of each store */
#define OVERLAY_SURVEY_JUNK_MAX    64    /* of them, those that are no packages */
#define OVERLAY_SURVEY_BYTES_MIN   8192  /* a package has a preamble and an image */

/* The files of a store that are in no list. Plain data. */
struct overlay_unlisted {
	uint64_t junk;  /* no packages: by their name, their type, or what is in them */
	uint64_t links; /* further names of a file that is in the list */
	uint64_t over;  /* not looked at: over a limit */
};

struct overlay_survey {
	struct overlay_entry *entries; /* owned */
	size_t count;
	struct overlay_unlisted unlisted[2]; /* by enum overlay_store_kind */
};

/**
 * overlay_survey_add - add the files of one store
 * @first:  files that come first in line if they exist; others of these may be there
 * @survey: begun as { 0 }; changed on success only; overlay_survey_free()
 *
 * Those named in @first are added in that order, the others by name. A file with several
 * names is added once. Of files that cannot be packages, such as folders and those that
 * are too short, the first few are added, so that the reason can be shown; the others
 * are counted, as are files with names that no package has. Both stores may have a file
 * of one name.
 *
 * Return: 0, also where there is no such folder; -ENOMEM; -errno.
 */
int overlay_survey_add(const struct overlay_store *store, enum overlay_store_kind kind,
		       const struct overlay_entry *first, size_t first_count,
		       struct overlay_survey *survey,
		       struct verity_error *err) must_check;

void overlay_survey_free(struct overlay_survey *survey);
