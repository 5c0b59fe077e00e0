/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "installer/build/statement.h"
#include "installer/common/describe.h"
#include "installer/common/describe_statement.h"
#include "installer/common/statement_file.h"
#include "verity/util/json.h"

/* All that there is to say of it. */
struct finding {
	enum verity_verdict verdict;
	struct verity_error reason; /* code VERITY_OK where it is Signed */
	struct verity_signatures signatures;
	bool read; /* whether the text is set */
	struct verity_statement_text text;
	size_t file_bytes;
};

static enum verity_verdict verdict_of(enum verity_code code)
{
	switch (code) {
	case VERITY_OK:
		return VERITY_SIGNED;
	case VERITY_E_NO_SIGNATURE:
		return VERITY_UNSIGNED;
	case VERITY_E_UNTRUSTED_SIGNER:
	case VERITY_E_WEAK_KEY:
		return VERITY_UNTRUSTED;
	case VERITY_E_REVOKED:
		return VERITY_REVOKED;
	default:
		return VERITY_INVALID;
	}
}

static int check_signature(const void *bytes, size_t size,
			   const struct build_statement_view *view,
			   struct finding *finding)
{
	enum verity_statement_type type = finding->text.type;
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	int r = verity_statement_verify(
		bytes, size, type,
		type == VERITY_STATEMENT_UNLOCK ? VERITY_PURPOSE_UNLOCK
						: VERITY_PURPOSE_PACKAGE,
		view->keyring, &object, &finding->signatures, &finding->reason);

	return r < 0 ? r
		     : verity_denylist_check_keys(view->denylist, &finding->signatures,
						  &finding->reason);
}

/* For which purpose it must be signed only its text tells. */
static int examine(const void *bytes, size_t size,
		   const struct build_statement_view *view, struct finding *ret,
		   struct verity_error *err)
{
	struct verity_statement_parts parts;
	int r = verity_statement_split(bytes, size, &parts, &ret->reason);

	ret->file_bytes = size;
	if (r == 0)
		r = verity_statement_inspect(&parts, &ret->text, &ret->reason);
	ret->read = r == 0;
	if (r == 0)
		r = check_signature(bytes, size, view, ret);
	if (r == -ENOMEM) {
		*err = ret->reason;
		return r;
	}
	ret->verdict = verdict_of(ret->reason.code);
	return 0;
}

static void print_text(const struct finding *finding)
{
	describe_print_verdict(finding->verdict, &finding->reason);
	describe_print_signers(&finding->signatures);
	if (finding->read)
		describe_print_statement(&finding->text);
	printf("File bytes: %zu\n", finding->file_bytes);
}

static int print_json(const struct finding *finding, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	describe_put_verdict(&json, finding->verdict, &finding->reason);
	describe_put_signers(&json, &finding->signatures);
	if (finding->read)
		describe_put_statement(&json, &finding->text);
	verity_json_uint(&json, "file_bytes", finding->file_bytes);
	return verity_json_print(&json, stdout, err);
}

static void finding_end(struct finding *finding)
{
	verity_statement_text_free(&finding->text);
}

int build_statement_inspect(const char *path, const struct build_statement_view *view,
			    enum verity_verdict *ret, struct verity_error *err)
{
	cleanup_with(finding_end) struct finding finding = {.read = false};
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = statement_load(path, &bytes, &size, err);

	if (r == 0)
		r = examine(bytes, size, view, &finding, err);
	if (r == 0 && view->json)
		r = print_json(&finding, err);
	else if (r == 0)
		print_text(&finding);
	if (r == 0)
		*ret = finding.verdict;
	return r;
}
