/* SPDX-License-Identifier: MIT */

/* Opening a package file and reading its preamble. */

#include "verity/package/preamble.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

size_t verity_preamble_bytes(const struct verity_head *head)
{
	uint64_t blocks = (verity_head_end(head) + VERITY_BLOCK - 1) / VERITY_BLOCK;

	return (size_t)blocks * VERITY_BLOCK;
}

/* O_NONBLOCK: a FIFO must not make the boot wait for a writer. */
int verity_preamble_open(int dirfd, const char *name, int *ret, uint64_t *ret_bytes,
			 struct verity_error *err)
{
	int nofollow = dirfd == AT_FDCWD ? 0 : O_NOFOLLOW;
	cleanup_fd int fd = openat(
		dirfd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | nofollow);
	struct stat st;

	if (fd < 0 && errno == ELOOP)
		return verity_fail(err, VERITY_E_NOT_A_FILE, "a link, not a file");
	if (fd < 0 || fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "cannot be opened");
	if (!S_ISREG(st.st_mode))
		return verity_fail(err, VERITY_E_NOT_A_FILE, "%s, not a file",
				   S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
	*ret = steal_fd(&fd);
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

int verity_preamble_read(int fd, uint64_t file_bytes, uint8_t *ret,
			 struct verity_head *ret_head, struct verity_error *reason)
{
	int r;

	if (file_bytes == 0)
		return verity_fail(reason, VERITY_E_BAD_LENGTH, "the file is empty");
	if (file_bytes < VERITY_HEAD_BYTES)
		return verity_fail(reason, VERITY_E_BAD_LENGTH,
				   "the file has %" PRIu64
				   " bytes, too few for a package",
				   file_bytes);
	r = verity_io_read(fd, ret, VERITY_HEAD_BYTES, 0, reason);
	if (r == 0)
		r = verity_head_decode(ret, ret_head, reason);
	if (r < 0)
		return r;
	if (file_bytes < verity_preamble_bytes(ret_head))
		return verity_fail(reason, VERITY_E_BAD_LENGTH,
				   "the file ends inside its header, at byte %" PRIu64,
				   file_bytes);
	return verity_io_read(fd, ret, verity_preamble_bytes(ret_head), 0, reason);
}
