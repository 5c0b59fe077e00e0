/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What may come next in a line, for Tab and `?` of the shell and for bash: made of the
 * command table, and of what is installed, plugged in, or lies in a folder.
 */

#include "installer/shell/command.h"

#include <stdio.h>

struct candidate {
	char *text; /* owned */
	bool more;  /* a folder: the word goes on behind it */
};

struct candidates {
	struct candidate *items; /* owned; sorted, each once */
	size_t count;
};

/* Where in a line something is asked for. */
struct complete_place {
	const char *config; /* of the device; NULL: its own */
	unsigned place;     /* command_place */
	char *const *words; /* those before it */
	int count;
	const char *begin; /* what is there of the word itself */
};

/**
 * complete_find - the words that may stand there
 * @ret: set on success alone; candidates_free()
 *
 * Words of people's own (an address, a password) have no candidates. What cannot be
 * found out has none either.
 *
 * Return: 0, also where there is none; -ENOMEM.
 */
int complete_find(const struct complete_place *place, struct candidates *ret,
		  struct verity_error *err) must_check;

/**
 * complete_paths - the files and folders whose paths begin so
 * @ret: as of complete_find()
 */
int complete_paths(const char *begin, struct candidates *ret,
		   struct verity_error *err) must_check;

void candidates_free(struct candidates *candidates);

/**
 * candidates_common - how many bytes all of them begin with
 */
size_t candidates_common(const struct candidates *candidates);

/**
 * complete_explain - print a line for each word that may stand there, and what it means
 */
void complete_explain(const struct complete_place *place, FILE *out);

/**
 * complete_is_secret - whether a password stands there
 */
bool complete_is_secret(const struct complete_place *place);
