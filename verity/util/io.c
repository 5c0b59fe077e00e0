/* SPDX-License-Identifier: MIT */

/* Reading, writing, copying and replacing files. */

#include "verity/util/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define LOAD_FIRST 4096 /* bytes of memory for a small file */

int verity_io_read(int fd, void *bytes, size_t count, uint64_t offset,
		   struct verity_error *err)
{
	char *next = bytes;

	while (count) {
		ssize_t n = pread(fd, next, count, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return verity_fail_errno(err, errno, "reading at byte %" PRIu64,
						 offset);
		if (n == 0)
			return verity_fail_errno(
				err, EIO, "the file ends at byte %" PRIu64, offset);
		next += n;
		offset += (uint64_t)n;
		count -= (size_t)n;
	}
	return 0;
}

int verity_io_write(int fd, const void *bytes, size_t count, uint64_t offset,
		    struct verity_error *err)
{
	const char *next = bytes;

	while (count) {
		ssize_t n = pwrite(fd, next, count, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return verity_fail_errno(err, errno, "writing at byte %" PRIu64,
						 offset);
		next += n;
		offset += (uint64_t)n;
		count -= (size_t)n;
	}
	return 0;
}

static int copy_by_hand(int from_fd, uint64_t from, int to_fd, uint64_t to,
			uint64_t count, struct verity_error *err)
{
	char buffer[32768];

	while (count) {
		size_t n = count < sizeof(buffer) ? (size_t)count : sizeof(buffer);
		int r = verity_io_read(from_fd, buffer, n, from, err);

		if (r == 0)
			r = verity_io_write(to_fd, buffer, n, to, err);
		if (r < 0)
			return r;
		from += n;
		to += n;
		count -= n;
	}
	return 0;
}

int verity_io_copy(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t count,
		   struct verity_error *err)
{
	while (count) {
		off_t source = (off_t)from;
		off_t target = (off_t)to;
		size_t most = count < (1U << 30) ? (size_t)count : 1U << 30;
		ssize_t n = copy_file_range(from_fd, &source, to_fd, &target, most, 0);

		if (n < 0 && errno == ENOSPC)
			return verity_fail_errno(err, errno, "writing at byte %" PRIu64,
						 to);
		if (n <= 0) /* other file systems, older kernels */
			return copy_by_hand(from_fd, from, to_fd, to, count, err);
		from += (uint64_t)n;
		to += (uint64_t)n;
		count -= (uint64_t)n;
	}
	return 0;
}

/* Files of /proc have no size: it reads until the end, or until there is too much. */
int verity_io_load_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_size,
		      struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		ssize_t n;

		/* Twice as much each time, up to one byte more than may be read. */
		if (size == room) {
			char *grown;

			room = room ? room * 2 : LOAD_FIRST;
			if (room > max + 1)
				room = max + 1;
			grown = realloc(text, room);
			if (!grown)
				return verity_no_memory(err);
			text = grown;
		}
		n = read(fd, text + size, room - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return verity_fail_errno(err, errno, "%s", name);
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > max) {
			verity_fail(err, VERITY_E_IO, "%s: over %zu bytes", name, max);
			return -EFBIG;
		}
	}
	text[size] = '\0';
	*ret_size = size;
	*ret = steal_ptr(&text);
	return 0;
}

/*
 * Open what @at shows. Where /proc is not mounted it is opened by its name, and has to be
 * the same file.
 */
static int reopen(int at, const struct stat *st, int dirfd, const char *name, int flags)
{
	int more = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	cleanup_fd int fd = -1;
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(at)];
	struct stat found;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", at);
	fd = open(path, (flags & ~O_NOFOLLOW) | more);
	if (fd < 0 && errno == ENOENT)
		fd = openat(dirfd, name, flags | more);
	if (fd < 0 || fstat(fd, &found) < 0)
		return -errno;
	if (found.st_dev != st->st_dev || found.st_ino != st->st_ino)
		return -ESTALE;
	return steal_fd(&fd);
}

int verity_io_open(int dirfd, const char *name, int flags, int *ret, struct stat *ret_st,
		   struct verity_error *err)
{
	int existing = flags & ~O_CREAT;
	cleanup_fd int at =
		openat(dirfd, name, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW));
	cleanup_fd int fd = -1;
	struct stat st;

	if (at < 0 && errno == ENOENT && (flags & O_CREAT)) {
		fd = openat(dirfd, name, flags | O_EXCL | O_CLOEXEC, 0600);
		/* Another program was faster, or it is a link to nothing. */
		if (fd < 0 && errno == EEXIST)
			return verity_io_open(dirfd, name, existing, ret, ret_st, err);
		if (fd < 0 || fstat(fd, &st) < 0)
			return verity_fail_errno(err, errno, "%s", name);
	} else {
		if (at < 0 || fstat(at, &st) < 0)
			return verity_fail_errno(err, errno, "%s", name);
		if (ret_st)
			*ret_st = st;
		if (!S_ISREG(st.st_mode))
			return verity_fail(err, VERITY_E_NOT_A_FILE, "%s: not a file",
					   name);
		fd = reopen(at, &st, dirfd, name, existing);
		if (fd < 0)
			return verity_fail_errno(err, -fd, "%s", name);
	}
	if (ret_st)
		*ret_st = st;
	*ret = steal_fd(&fd);
	return 0;
}

int verity_io_load(int dirfd, const char *name, size_t max, char **ret, size_t *ret_size,
		   struct verity_error *err)
{
	cleanup_fd int fd = -1;
	int r = verity_io_open(dirfd, name, O_RDONLY, &fd, NULL, err);

	return r < 0 ? r : verity_io_load_fd(fd, name, max, ret, ret_size, err);
}

int verity_io_replace(int dirfd, const char *name, mode_t mode, const void *bytes,
		      size_t count, struct verity_error *err)
{
	char new_name[NAME_MAX + 1];
	cleanup_fd int fd = -1;
	int r;

	if (snprintf(new_name, sizeof(new_name), ".%s.new", name) > NAME_MAX)
		return verity_fail_errno(err, ENAMETOOLONG, "%s", name);
	/* What a run that was cut off has left. */
	if (unlinkat(dirfd, new_name, 0) < 0 && errno != ENOENT)
		return verity_fail_errno(err, errno, "%s", name);
	fd = openat(dirfd, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    mode);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", name);
	r = verity_io_write(fd, bytes, count, 0, err);
	if (r < 0)
		r = verity_context(err, r, "%s", name);
	else if (fsync(fd) < 0 || renameat(dirfd, new_name, dirfd, name) < 0)
		r = verity_fail_errno(err, errno, "%s", name);
	if (r < 0)
		(void)unlinkat(dirfd, new_name, 0);
	else if (fsync(dirfd) < 0)
		r = verity_fail_errno(err, errno, "%s", name);
	return r;
}
