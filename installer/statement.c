/* SPDX-License-Identifier: MIT */
#include "installer/statement.h"

#include <errno.h>
#include <fcntl.h>

#include "verity/cleanup.h"
#include "verity/format.h"
#include "verity/io.h"
#include "verity/statement.h"

/* What is too long to be a statement still says by its head what it is. */
static int fail_too_long(const char *file, struct verity_error *err)
{
	cleanup_fd int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct verity_statement_parts parts;
	uint8_t head[VERITY_HEAD_BYTES];
	int r;

	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", file);
	r = verity_io_read(fd, head, sizeof(head), 0, err);
	if (r == 0)
		r = verity_statement_split(head, sizeof(head), &parts, err);
	if (r == 0)
		r = verity_fail(err, VERITY_E_BAD_STATEMENT,
				"it is longer than a signed statement");
	return verity_context(err, r, "%s", file);
}

int statement_load(const char *file, char **ret, size_t *ret_size,
		   struct verity_error *err)
{
	int r = verity_io_load(AT_FDCWD, file, VERITY_STATEMENT_FILE_MAX, ret, ret_size,
			       err);

	return r == -EFBIG ? fail_too_long(file, err) : r;
}

int statement_fail(const char *file, int r, struct verity_error *err)
{
	switch (err->code) {
	case VERITY_E_NO_SIGNATURE:
	case VERITY_E_UNTRUSTED_SIGNER:
	case VERITY_E_WEAK_KEY:
		err->code = VERITY_E_BAD_STATEMENT;
		break;
	default:
		break;
	}
	return verity_context(err, r, "%s", file);
}
