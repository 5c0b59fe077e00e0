/* SPDX-License-Identifier: MIT */
#include "installer/build/statement.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "installer/build/output.h"
#include "installer/common/statement_file.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

DEFINE_CLEANUP(struct output, output_free);

bool build_statement_at(const char *path)
{
	/* Not to wait for the other end of a pipe. */
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[VERITY_MAGIC_BYTES];

	return fd >= 0 && pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       verity_statement_is(head, sizeof(head));
}

int build_statement_load(const char *path, struct build_statement *ret,
			 struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	struct verity_statement_parts parts;
	size_t size;
	int r = statement_load(path, &bytes, &size, err);

	if (r < 0)
		return r;
	r = verity_statement_split(bytes, size, &parts, err);
	if (r < 0)
		return verity_context(err, r, "%s", path);
	*ret = (struct build_statement){steal_ptr(&bytes), size, parts};
	return 0;
}

int build_statement_name(const char *path, struct verity_error *err)
{
	size_t length = strlen(path), tail = strlen(VERITY_PACKAGE_SUFFIX);

	if (length < tail || strcmp(path + length - tail, VERITY_PACKAGE_SUFFIX) != 0)
		return 0;
	return verity_fail(err, VERITY_E_USAGE,
			   "%s: " VERITY_PACKAGE_SUFFIX
			   " is for packages: give a statement another name",
			   path);
}

static int write_parts(const char *path, const struct verity_statement_parts *parts,
		       struct verity_error *err)
{
	cleanup_with(output_free_p) struct output *output = NULL;
	cleanup_free uint8_t *file = NULL;
	size_t bytes;
	int r = verity_statement_join(parts, &file, &bytes, err);

	if (r == 0)
		r = output_new(path, 0644, &output, err);
	if (r == 0)
		r = verity_io_write(output_fd(output), file, bytes, 0, err);
	return r < 0 ? r : output_commit(output, err);
}

int build_statement_write(const char *path, const char *text,
			  const struct build_signing *signing, struct verity_error *err)
{
	struct verity_statement_parts parts = {.text = (const uint8_t *)text,
					       .text_bytes = strlen(text)};
	cleanup_free uint8_t *signature = NULL;
	int r = build_sign_manifest(signing, text, parts.text_bytes, &signature,
				    &parts.signature_bytes, err);

	parts.signature = signature;
	return r < 0 ? r : write_parts(path, &parts, err);
}

int build_statement_sign(const char *in, const char *out,
			 const struct build_resigning *resigning,
			 struct verity_error *err)
{
	cleanup_with(verity_statement_text_free) struct verity_statement_text text = {0};
	struct build_resigning asked = *resigning;
	struct build_statement statement = {0};
	cleanup_free char *bytes = NULL;
	cleanup_free uint8_t *signature = NULL;
	size_t signature_bytes;
	int r = build_statement_load(in, &statement, err);

	if (r < 0)
		return r;
	bytes = statement.bytes;
	r = verity_statement_inspect(&statement.parts, &text, err);
	if (r < 0)
		return verity_context(err, r, "%s: it is not signed", in);
	asked.signing.use = text.type == VERITY_STATEMENT_UNLOCK ? BUILD_USE_UNLOCK
								 : BUILD_USE_DENYLIST;
	r = build_resign(&asked, statement.parts.text, statement.parts.text_bytes,
			 statement.parts.signature, statement.parts.signature_bytes,
			 &signature, &signature_bytes, err);
	if (r < 0)
		return r;
	statement.parts.signature = signature;
	statement.parts.signature_bytes = signature_bytes;
	return write_parts(out, &statement.parts, err);
}
