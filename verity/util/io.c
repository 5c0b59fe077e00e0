/* SPDX-License-Identifier: MIT */
#include "verity/util/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verity/util/cleanup.h"

#define LOAD_FIRST 4096 /* bytes of memory for a small file */

int verity_io_read(int fd, void *bytes, size_t count, uint64_t place,
		   struct verity_error *err)
{
	char *next = bytes;

	while (count) {
		ssize_t n = pread(fd, next, count, (off_t)place);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return verity_fail_errno(err, errno, "reading at byte %" PRIu64,
						 place);
		if (n == 0)
			return verity_fail_errno(err, EIO,
						 "the file ends at byte %" PRIu64, place);
		next += n;
		place += (uint64_t)n;
		count -= (size_t)n;
	}
	return 0;
}

int verity_io_write(int fd, const void *bytes, size_t count, uint64_t place,
		    struct verity_error *err)
{
	const char *next = bytes;

	while (count) {
		ssize_t n = pwrite(fd, next, count, (off_t)place);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return verity_fail_errno(err, errno, "writing at byte %" PRIu64,
						 place);
		next += n;
		place += (uint64_t)n;
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

/* Room for more, twice as much each time, up to one byte past what may be taken. */
static bool grow(char **text, size_t *room, size_t max)
{
	size_t more = *room ? *room * 2 : LOAD_FIRST;
	char *grown;

	if (more > max + 1)
		more = max + 1;
	grown = realloc(*text, more);
	if (!grown)
		return false;
	*text = grown;
	*room = more;
	return true;
}

/* Files of /proc tell no size: read until the end, or until there is too much. */
int verity_io_load_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_size,
		      struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		ssize_t n;

		if (size == room && !grow(&text, &room, max))
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
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

int verity_io_load(int dirfd, const char *name, size_t max, char **ret, size_t *ret_size,
		   struct verity_error *err)
{
	cleanup_fd int fd =
		openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	if (!S_ISREG(st.st_mode))
		return verity_fail(err, VERITY_E_NOT_A_FILE, "%s: not a file", name);
	return verity_io_load_fd(fd, name, max, ret, ret_size, err);
}
