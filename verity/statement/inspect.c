/* SPDX-License-Identifier: MIT */
#include "verity/statement/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verity/statement/denylist_private.h"
#include "verity/statement/field.h"
#include "verity/statement/unlock_private.h"
#include "verity/util/json.h"

void verity_statement_peek_free(struct verity_statement_peek *peek)
{
	free(peek->entries);
	peek->entries = NULL;
}

static int peek_unlock(const struct verity_statement_parts *parts,
		       struct verity_statement_peek *ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_unlock_text text;
	int r = verity_statement_decode(parts->text, parts->text_bytes,
					VERITY_STATEMENT_UNLOCK, &object, err);

	if (r == 0)
		r = verity_unlock_take(object, &text, err);
	if (r < 0)
		return r;
	*ret = (struct verity_statement_peek){
		.type = VERITY_STATEMENT_UNLOCK,
		.allows = text.allows,
		.not_after = text.not_after,
	};
	memcpy(ret->serial, text.serial, sizeof(ret->serial));
	return 0;
}

static int peek_denylist(const struct verity_statement_parts *parts,
			 struct verity_statement_peek *ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_denylist denylist;
	int r = verity_statement_decode(parts->text, parts->text_bytes,
					VERITY_STATEMENT_DENYLIST, &object, err);

	if (r == 0)
		r = verity_denylist_take(object, &denylist, err);
	if (r < 0)
		return r;
	*ret = (struct verity_statement_peek){
		.type = VERITY_STATEMENT_DENYLIST,
		.number = denylist.number,
		.entries = denylist.entries,
		.count = denylist.count,
	};
	return 0;
}

int verity_statement_peek(const struct verity_statement_parts *parts,
			  struct verity_statement_peek *ret, struct verity_error *err)
{
	struct verity_error why = {VERITY_OK, ""};
	int r = peek_unlock(parts, ret, &why);

	if (r < 0 && why.code == VERITY_E_WRONG_TYPE)
		r = peek_denylist(parts, ret, &why);
	if (r < 0 && err)
		*err = why;
	return r;
}
