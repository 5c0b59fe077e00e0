/* SPDX-License-Identifier: MIT */
/* A statement, as wmopkg-build inspect shows it. */
#include "installer/build/inspect_statement.h"

#include <errno.h>
#include <stdio.h>

#include "installer/common/describe.h"
#include "installer/common/describe_statement.h"
#include "installer/common/statement_file.h"
#include "verity/statement/inspect.h"
#include "verity/util/json.h"

struct finding {
	enum verity_verdict verdict;
	struct verity_error reason; /* code VERITY_OK for Signed */
	struct verity_signatures signatures;
	bool readable; /* @text is set */
	struct verity_statement_text text;
	size_t file_bytes;
};

static void finding_end(struct finding *finding)
{
	verity_statement_text_free(&finding->text);
}

static enum verity_verdict verdict_of(enum verity_code code)
{
	switch (code) {
	case VERITY_OK:
		return VERITY_SIGNED;
	case VERITY_E_NO_SIGNATURE:
		return VERITY_UNSIGNED;
	case VERITY_E_UNTRUSTED_SIGNER:
	case VERITY_E_WEAK_KEY:
	case VERITY_E_MISSING_TIMESTAMP:
		return VERITY_UNTRUSTED;
	case VERITY_E_REVOKED:
		return VERITY_REVOKED;
	default:
		return VERITY_INVALID;
	}
}

/* The purpose that the signer must have depends on the type, which only the text says. */
static int examine(const void *bytes, size_t size,
		   const struct build_statement_view *view, struct finding *ret,
		   struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_statement_parts parts;
	int r = verity_statement_split(bytes, size, &parts, &ret->reason);

	ret->file_bytes = size;
	if (r == 0)
		r = verity_statement_inspect(&parts, &ret->text, &ret->reason);
	ret->readable = r == 0;
	if (r == 0)
		r = verity_statement_verify(bytes, size, ret->text.type, view->keyring,
					    &object, &ret->signatures, &ret->reason);
	if (r == 0)
		r = verity_denylist_check_keys(view->denylist, &ret->signatures,
					       &ret->reason);
	if (r == 0 && ret->text.type == VERITY_STATEMENT_UNLOCK)
		r = verity_denylist_check_unlock(view->denylist, ret->text.digest,
						 &ret->reason);
	if (r == -ENOMEM) {
		*err = ret->reason;
		return r;
	}
	ret->verdict = verdict_of(ret->reason.code);
	return 0;
}

int build_statement_inspect(const char *path, const struct build_statement_view *view,
			    enum verity_verdict *ret, struct verity_error *err)
{
	cleanup_with(finding_end) struct finding finding = {.readable = false};
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = statement_load(path, &bytes, &size, err);

	if (r == 0)
		r = examine(bytes, size, view, &finding, err);
	if (r < 0)
		return r;
	*ret = finding.verdict;
	if (view->json) {
		cleanup_with(verity_json_end) struct verity_json_writer json = {0};

		describe_put_verdict(&json, finding.verdict, &finding.reason);
		describe_put_signers(&json, &finding.signatures);
		if (finding.readable)
			describe_put_statement(&json, &finding.text);
		verity_json_uint(&json, "file_bytes", finding.file_bytes);
		return verity_json_print(&json, stdout, err);
	}
	describe_print_verdict(finding.verdict, &finding.reason);
	describe_print_signers(&finding.signatures, true);
	if (finding.readable)
		describe_print_statement(&finding.text);
	printf("File bytes: %zu\n", finding.file_bytes);
	return 0;
}
