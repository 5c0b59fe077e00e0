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

int statement_load(const char *file, char **ret, size_t *ret_size,
		   struct verity_error *err)
{
	struct verity_statement_parts parts;
	uint8_t head[VERITY_HEAD_BYTES];
	cleanup_fd int fd = -1;
	int r = verity_io_load(AT_FDCWD, file, VERITY_STATEMENT_FILE_MAX, ret, ret_size,
			       err);

	if (r != -EFBIG)
		return r;
	/* The head of a file that is too long still says what it is. */
	r = verity_io_open(AT_FDCWD, file, O_RDONLY, &fd, NULL, err);
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
	switch (text.type) {
	case VERITY_STATEMENT_CATALOG: /* is for the configuration, not for a command */
		return NULL;
	case VERITY_STATEMENT_SET:
		return "apply";
	default:
		return verity_statement_type_name(text.type);
	}
}

enum exit_status statement_report(const struct verity_error *err)
{
	static const struct {
		enum verity_code code;
		const char *hint;
	} hints[] = {
		{VERITY_E_NO_SIGNATURE, "ask its vendor for a signed one"},
		{VERITY_E_UNTRUSTED_SIGNER, "ask for one that is signed for this device"},
		{VERITY_E_REVOKED, "ask for one that is signed with another key"},
		{VERITY_E_UNKNOWN_FEATURE, "update the firmware"},
	};
	const char *hint = verity_code_hint(err->code);

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].code == err->code)
			hint = hints[i].hint;
	return report_hinted(NULL, err, hint);
}
