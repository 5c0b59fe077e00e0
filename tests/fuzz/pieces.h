/* SPDX-License-Identifier: MIT */
#pragma once

/* One input as several: pieces that a zero byte ends; and a folder to lay them out in. */

#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pieces {
	const uint8_t *data;
	size_t size;
};

/* The next piece, without its zero byte; empty after the last. */
static inline const uint8_t *pieces_next(struct pieces *pieces, size_t *ret_size)
{
	const uint8_t *piece = pieces->data;
	const uint8_t *end = pieces->size ? memchr(piece, '\0', pieces->size) : NULL;

	*ret_size = end ? (size_t)(end - piece) : pieces->size;
	pieces->data += *ret_size + (end != NULL);
	pieces->size -= *ret_size + (end != NULL);
	return piece;
}

/* The same as a string; free() it. */
static inline char *pieces_text(struct pieces *pieces)
{
	size_t size;
	const uint8_t *piece = pieces_next(pieces, &size);
	char *text = calloc(1, size + 1);

	require(text);
	if (size > 0)
		memcpy(text, piece, size);
	return text;
}

static char fuzz_folder[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(fuzz_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A folder in memory for the life of the program, with @count folders in it, in order. */
static inline int pieces_folder(const char *const folders[], size_t count)
{
	int fd;

	snprintf(fuzz_folder, sizeof(fuzz_folder), "%s/wmopkg-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	require(mkdtemp(fuzz_folder));
	atexit(remove_folder);
	fd = open(fuzz_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	require(fd >= 0);
	for (size_t i = 0; i < count; i++)
		require(mkdirat(fd, folders[i], 0755) == 0);
	return fd;
}

/* Writes the next piece into a file of the folder. */
static inline void pieces_file(struct pieces *pieces, int folder, const char *path)
{
	size_t size;
	const uint8_t *piece = pieces_next(pieces, &size);
	int fd = openat(folder, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && write(fd, piece, size) == (ssize_t)size);
	close(fd);
}
