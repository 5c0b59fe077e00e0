/* SPDX-License-Identifier: MIT */
/* Loading statement files, and reporting their errors. */
#include "installer/common/statement_file.h"

#include <errno.h>
#include <fcntl.h>

#include "verity/format/format.h"
#include "verity/statement/inspect.h"
#include "verity/statement/statement.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* The head of a file that is too long still says what it is. */
static int fail_too_long(const char *file, struct verity_error *err)
{
	cleanup_fd int fd = -1;
	struct verity_statement_parts parts;
	uint8_t head[VERITY_HEAD_BYTES];
	int r = verity_io_open(AT_FDCWD, file, O_RDONLY, &fd, NULL, err);

	if (r < 0)
		return r;
	r = verity_io_read(fd, head, sizeof(head), 0, err);
	if (r == 0)
		r = verity_statement_split(head, sizeof(head), &parts, err);
	if (r == 0)
		r = verity_fail(err, VERITY_E_BAD_STATEMENT,
				"longer than a signed statement can be");
	return verity_context(err, r, "%s", file);
}

int statement_load(const char *file, char **ret, size_t *ret_size,
		   struct verity_error *err)
{
	int r = verity_io_load(AT_FDCWD, file, VERITY_STATEMENT_FILE_MAX, ret, ret_size,
			       err);

	return r == -EFBIG ? fail_too_long(file, err) : r;
}

const char *statement_command(const char *file)
{
	struct verity_statement_text text = {.type = VERITY_STATEMENT_UNLOCK};
	struct verity_statement_parts parts;
	cleanup_free char *bytes = NULL;
	struct verity_error unused;
	size_t size;

	if (verity_io_load(AT_FDCWD, file, VERITY_STATEMENT_FILE_MAX, &bytes, &size,
			   &unused) < 0 ||
	    verity_statement_split(bytes, size, &parts, &unused) < 0 ||
	    verity_statement_inspect(&parts, &text, &unused) < 0)
		return NULL;
	verity_statement_text_free(&text);
	return verity_statement_type_name(text.type);
}

static const char *hint_for(enum verity_code code)
{
	switch (code) {
	case VERITY_E_NO_SIGNATURE:
		return "ask its vendor for a signed one";
	case VERITY_E_UNTRUSTED_SIGNER:
		return "ask for one that is signed for this device";
	case VERITY_E_REVOKED:
		return "ask for one that is signed with another key";
	case VERITY_E_UNKNOWN_FEATURE:
		return "update the firmware";
	default:
		return verity_code_hint(code);
	}
}

enum exit_status statement_report(const struct verity_error *err)
{
	return report_hinted(NULL, err, hint_for(err->code));
}
