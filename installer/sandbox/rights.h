/* SPDX-License-Identifier: MIT */
#pragma once

/* What a process that reads a stranger's bytes may do. Plain data. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SANDBOX_FILES_MAX 4
#define SANDBOX_KEEP_MAX  4
#define SANDBOX_PATH_MAX  32

/* The pieces of the protection, each a bit. Every piece holds without the others. */
enum sandbox_piece {
	SANDBOX_USER = 1 << 0,       /* another user, without groups and capabilities */
	SANDBOX_PRIVILEGES = 1 << 1, /* no new privileges, by no program */
	SANDBOX_LIMITS = 1 << 2,     /* of memory, files and processes */
	SANDBOX_ROOT = 1 << 3,       /* a root folder of its own, with only its files */
	SANDBOX_LANDLOCK = 1 << 4,   /* rights on files, TCP ports and signals */
	SANDBOX_SYSCALLS = 1 << 5,   /* a filter of system calls: seccomp */
};

#define SANDBOX_PIECES_ALL ((1U << 6) - 1)

/* A file for libraries that take only the path of one. All borrowed. */
struct sandbox_file {
	const char *name;  /* of its own; without a slash */
	const void *bytes; /* NULL: @size bytes of 0 */
	size_t size;
	bool writable; /* mapped for writing, with its @size */
};

/* All borrowed. */
struct sandbox_rules {
	uid_t uid; /* if it is started by root */
	gid_t gid;
	struct sandbox_file files[SANDBOX_FILES_MAX];
	size_t file_count;
	int keep[SANDBOX_KEEP_MAX]; /* open descriptors that it needs */
	size_t keep_count;
	bool has_network;  /* TCP, UDP, and names of hosts */
	bool any_port;     /* TCP to every port; else to @port and to DNS */
	uint16_t port;     /* 0: none */
	const char *agent; /* path of the socket of an ssh agent that it may ask; NULL:
			      none */
	bool has_threads;
	size_t memory_bytes; /* of address space, besides what it begins with */
	unsigned without;    /* pieces that are left out; for tests */
};
