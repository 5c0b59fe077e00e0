/* SPDX-License-Identifier: MIT */

/* Opening a package file and reading its preamble. */

#include "verity/package/preamble.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

size_t verity_preamble_bytes(const struct verity_head *head)
{
	return (size_t)verity_round_up_block(verity_head_end(head));
}

int verity_preamble_open(int dirfd, const char *name, int *ret, uint64_t *ret_bytes,
			 struct verity_error *err)
{
	int nofollow = dirfd == AT_FDCWD ? 0 : O_NOFOLLOW;
	struct verity_error why;
	struct stat st;
	int r = verity_io_open(dirfd, name, O_RDONLY | nofollow, ret, &st, &why);

	if (r < 0 && why.code == VERITY_E_NOT_A_FILE)
		return verity_fail(err, VERITY_E_NOT_A_FILE, "%s, not a file",
				   S_ISLNK(st.st_mode)   ? "a link"
				   : S_ISDIR(st.st_mode) ? "a folder"
							 : "a device or pipe");
	if (r < 0)
		return verity_fail_errno(err, -r, "cannot be opened");
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

int verity_preamble_read(int fd, uint64_t file_bytes, uint8_t *ret,
			 struct verity_head *ret_head, struct verity_error *reason)
{
	size_t first = file_bytes < VERITY_BLOCK ? (size_t)file_bytes : VERITY_BLOCK;
	int r;

	if (file_bytes == 0)
		return verity_fail(reason, VERITY_E_BAD_LENGTH, "the file is empty");
	if (file_bytes < VERITY_HEAD_BYTES)
		return verity_fail(reason, VERITY_E_BAD_LENGTH,
				   "the file has %" PRIu64
				   " bytes, too few for a package",
				   file_bytes);
	/* one block: all of the preamble of most packages */
	r = verity_io_read(fd, ret, first, 0, reason);
	if (r == 0)
		r = verity_head_decode(ret, ret_head, reason);
	if (r < 0)
		return r;
	if (file_bytes < verity_preamble_bytes(ret_head))
		return verity_fail(reason, VERITY_E_BAD_LENGTH,
				   "the file ends inside its header, at byte %" PRIu64,
				   file_bytes);
	return verity_io_read(fd, ret + first, verity_preamble_bytes(ret_head) - first,
			      first, reason);
}
