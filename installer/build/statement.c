/* SPDX-License-Identifier: MIT */
/* The files of wmopkg-build: what it reads with a check, and statements it writes. */
#include "installer/build/statement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "installer/build/output.h"
#include "installer/common/statement_file.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

int build_package_open(const char *path, const char *refused, struct verity_package **ret,
		       struct verity_error *err)
{
	const struct verity_policy policy = {0};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_judgement *judgement;
	int r = verity_package_open(AT_FDCWD, path, &policy, &package, err);

	if (r < 0)
		return verity_context(err, r, "%s", path);
	judgement = verity_package_judgement(package);
	if (judgement->verdict == VERITY_INVALID) {
		*err = judgement->reason;
		return verity_context(err, -EBADMSG, "%s: %s", path, refused);
	}
	*ret = steal_ptr(&package);
	return 0;
}

bool build_statement_at(const char *path)
{
	cleanup_fd int fd = -1;
	char magic[VERITY_MAGIC_BYTES];

	return verity_io_open(AT_FDCWD, path, O_RDONLY, &fd, NULL, NULL) == 0 &&
	       pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       verity_statement_is(magic, sizeof(magic));
}

int build_statement_load(const char *path, char **ret_bytes,
			 struct verity_statement_parts *ret, struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = statement_load(path, &bytes, &size, err);

	if (r < 0)
		return r;
	r = verity_statement_split(bytes, size, ret, err);
	if (r < 0)
		return verity_context(err, r, "%s", path);
	*ret_bytes = steal_ptr(&bytes);
	return 0;
}

int build_statement_name(const char *path, struct verity_error *err)
{
	size_t length = strlen(path), tail = strlen(VERITY_PACKAGE_SUFFIX);

	if (length < tail || strcmp(path + length - tail, VERITY_PACKAGE_SUFFIX) != 0)
		return 0;
	return verity_fail(err, VERITY_E_USAGE,
			   "%s: " VERITY_PACKAGE_SUFFIX
			   " is for packages (give the statement another name)",
			   path);
}

static int write_parts(const char *path, const struct verity_statement_parts *parts,
		       struct verity_error *err)
{
	cleanup_free uint8_t *file = NULL;
	size_t bytes;
	int r = verity_statement_join(parts, &file, &bytes, err);

	return r < 0 ? r : output_write(path, 0644, file, bytes, err);
}

int build_statement_write(const char *path, const char *text,
			  const struct build_signing *signing, struct verity_error *err)
{
	struct verity_statement_parts parts = {.text = (const uint8_t *)text,
					       .text_bytes = strlen(text)};
	cleanup_free uint8_t *signature = NULL;
	int r = build_signature_make(signing, text, parts.text_bytes, &signature,
				     &parts.signature_bytes, err);

	parts.signature = signature;
	return r < 0 ? r : write_parts(path, &parts, err);
}

int build_statement_sign(const char *in, const char *out,
			 const struct build_resigning *resigning,
			 struct verity_error *err)
{
	cleanup_with(verity_statement_text_free) struct verity_statement_text text = {0};
	struct build_resigning purposed = *resigning;
	struct verity_statement_parts parts;
	cleanup_free char *bytes = NULL;
	cleanup_free uint8_t *signature = NULL;
	int r = build_statement_name(out, err);

	if (r == 0)
		r = build_statement_load(in, &bytes, &parts, err);
	if (r < 0)
		return r;
	r = verity_statement_inspect(&parts, &text, err);
	if (r < 0)
		return verity_context(err, r, "%s: not signed", in);
	purposed.signing.use =
		text.type == VERITY_STATEMENT_UNLOCK ? BUILD_USE_UNLOCK : BUILD_USE_LIST;
	r = build_signature_renew(&purposed, parts.text, parts.text_bytes,
				  parts.signature, parts.signature_bytes, &signature,
				  &parts.signature_bytes, err);
	parts.signature = signature;
	return r < 0 ? r : write_parts(out, &parts, err);
}
