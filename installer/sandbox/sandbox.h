/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A child process that reads a stranger's bytes, and can do nothing else: what takes it
 * over has no file, no program, no other process, and no more than a pipe to this one.
 */

#include "installer/sandbox/rights.h"
#include "verity/util/error.h"

/* Descriptors of a program that sandbox_start_program() has started */
#define SANDBOX_IN  3 /* pipe from its parent */
#define SANDBOX_OUT 4 /* pipe to its parent */
#define SANDBOX_JOB 5 /* what the parent gave it */

/* A program that gives up its rights by itself. All borrowed. */
struct sandbox_program {
	int fd; /* of its file */
	const char *const *argv;
	const char *const *environment; /* names of variables that it gets; NULL-ended */
	int job;                        /* descriptor that it finds as SANDBOX_JOB */
};

/* The parent's side. { .from = -1, .to = -1 } is none. */
struct sandbox {
	pid_t pid;
	int from;        /* pipe from the child */
	int to;          /* pipe to the child */
	unsigned pieces; /* in force; see enum sandbox_piece */
};

/* What the child finds. Plain data, valid as long as the child runs. */
struct sandbox_inside {
	int in, out;
	unsigned pieces;
	struct sandbox_inside_file {
		char path[SANDBOX_PATH_MAX];
		char *bytes; /* mapped, if it is writable */
	} files[SANDBOX_FILES_MAX];
};

/**
 * sandbox_start - run @work in a child that has given up all rights but those of @rules
 * @work:    called in the child when all pieces are in force; its result is the exit
 * status
 * @context: for @work: a copy, as all memory of this process
 * @ret:     set on success only; sandbox_end()
 *
 * Of what a kernel lacks, the rest holds: verity_debug() prints which pieces are in
 * force. A piece that fails for want of memory or descriptors is not lacking. User, no
 * new privileges and limits, which every kernel has, are never missing. The child is
 * killed when this process ends, whatever ends it.
 *
 * Return: 0; -errno (IO).
 */
int sandbox_start(const struct sandbox_rules *rules,
		  int (*work)(void *context, const struct sandbox_inside *inside),
		  void *context, struct sandbox *ret,
		  struct verity_error *err) must_check;

/**
 * sandbox_start_program - start a program that calls sandbox_enter(), and wait for that
 * @ret: set on success only; sandbox_end()
 *
 * It has nothing of the memory of this process, and of its descriptors and environment
 * only what @program says. Its loader needs the files of the system: so it is the program
 * that gives them up, before it reads a byte of a stranger's.
 *
 * Return: 0; -errno (IO).
 */
int sandbox_start_program(const struct sandbox_program *program, struct sandbox *ret,
			  struct verity_error *err) must_check;

/**
 * sandbox_enter - in such a program: give up all rights but those of @rules
 * @parent: process that has started it
 * @ret:    set on success only
 *
 * Return: 0; -errno, and the parent knows why.
 */
int sandbox_enter(const struct sandbox_rules *rules, pid_t parent,
		  struct sandbox_inside *ret) must_check;

/**
 * sandbox_wait - wait for a child that has closed its pipe, then sandbox_end()
 *
 * Return: its own status, if it ended by itself.
 */
int sandbox_wait(struct sandbox *sandbox);

/**
 * sandbox_end - kill the child if it still runs, and wait for it
 *
 * Return: its status as of waitpid(), 0 if there was none.
 */
int sandbox_end(struct sandbox *sandbox);

static inline void sandbox_end_p(struct sandbox *sandbox)
{
	(void)sandbox_end(sandbox);
}

/**
 * sandbox_pieces_text - "user, limits, ..." of a mask of pieces
 */
void sandbox_pieces_text(unsigned pieces, char *ret, size_t size);
