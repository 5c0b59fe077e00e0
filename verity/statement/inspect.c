/* SPDX-License-Identifier: MIT */
/* Reads what a statement says, whoever signed it. */
#include "verity/statement/inspect.h"

#include <stdlib.h>

#include "verity/util/json.h"

int verity_statement_inspect(const struct verity_statement_parts *parts,
			     struct verity_statement_text *ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_statement_text text = {.type = VERITY_STATEMENT_UNLOCK};
	struct verity_error why = {VERITY_OK, ""};
	int r = verity_statement_decode(parts->text, parts->text_bytes, text.type,
					&object, &why);

	if (r == 0)
		r = verity_unlock_decode(object, &text.unlock, &why);
	if (r < 0 && why.code == VERITY_E_WRONG_TYPE) {
		text.type = VERITY_STATEMENT_DENYLIST;
		r = verity_statement_decode(parts->text, parts->text_bytes, text.type,
					    &object, &why);
		if (r == 0)
			r = verity_denylist_decode(object, &text.denylist, &why);
	}
	if (r == 0)
		r = verity_statement_digest(parts, text.digest, &why);
	if (r == 0)
		*ret = text;
	else if (err)
		*err = why;
	return r;
}

void verity_statement_text_free(struct verity_statement_text *text)
{
	free(text->denylist.entries);
	text->denylist.entries = NULL;
}
