/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What may come next in a line, for Tab and `?` of the shell and for bash: read from the
 * command table, the installed packages, the media and the file system.
 */

#include "installer/shell/command.h"

#include <stdio.h>

struct candidate {
	char *text; /* owned */
	bool more;  /* a directory: the word continues after it */
	bool shown; /* only shown, never inserted: the line means something without it */
};

struct candidates {
	struct candidate *items; /* owned; sorted, no duplicates */
	size_t count;
};

/* The position in a line where something is completed. */
struct complete_at {
	const char *config; /* of the device; NULL: the default */
	unsigned context;   /* command_context */
	char *const *words; /* the words before it */
	int count;
	const char *begin; /* what is typed of the word itself */
	bool scripts;      /* offer words for scripts, too */
};

/**
 * complete_find - the words that may stand there
 * @ret: set on success only; candidates_free()
 *
 * Free values (an address, a password) have no candidates; nor has what cannot be read.
 *
 * Return: 0, also where there is none; -ENOMEM.
 */
int complete_find(const struct complete_at *at, struct candidates *ret,
		  struct verity_error *err) must_check;

/**
 * complete_paths - the files and directories whose paths begin with @begin
 * @ret: as of complete_find()
 */
int complete_paths(const char *begin, struct candidates *ret,
		   struct verity_error *err) must_check;

void candidates_free(struct candidates *candidates);

/**
 * candidates_insert - what may be inserted: how many candidates may, and the bytes that
 * these begin with
 * @ret_first: one of them; NULL: there is none
 * @ret_bytes: of it
 */
size_t candidates_insert(const struct candidates *candidates,
			 const struct candidate **ret_first, size_t *ret_bytes);

/**
 * complete_explain - print a line for each word that may stand there, with its meaning
 */
void complete_explain(const struct complete_at *at, FILE *out);

/**
 * complete_is_secret - whether a password stands there
 */
bool complete_is_secret(const struct complete_at *at);
