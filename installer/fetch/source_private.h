/* SPDX-License-Identifier: MIT */
#pragma once

/* The insides of a source, for the files that know one kind each. */

#include "installer/fetch/source.h"

/* Each kind's struct begins with one. */
struct source {
	const struct source_kind *kind;
	char *where; /* owned */
	char name[VERITY_NAME_MAX + 1];
};

struct source_kind {
	int64_t (*bytes)(const struct source *source);
	int (*pull)(struct source *source, const struct source_sink *sink,
		    struct verity_error *err);
	void (*free)(struct source *source); /* takes all but @where */
};

int source_file_open(const char *path, struct source **ret,
		     struct verity_error *err) must_check;

/**
 * source_attempts_open - a file on a server, which may be asked by more than one protocol
 */
int source_attempts_open(const struct source_request *request, struct source **ret,
			 struct verity_error *err) must_check;
