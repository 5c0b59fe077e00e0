/* SPDX-License-Identifier: MIT */
/* Reads what a statement says, whoever signed it. */
#include "verity/statement/inspect.h"

#include <errno.h>
#include <stdlib.h>

#include "verity/util/json.h"

static int decode(struct json_object *object, struct verity_statement_text *text,
		  struct verity_error *why)
{
	switch (text->type) {
	case VERITY_STATEMENT_UNLOCK:
		return verity_unlock_decode(object, &text->unlock, why);
	case VERITY_STATEMENT_DENYLIST:
		return verity_denylist_decode(object, &text->denylist, why);
	case VERITY_STATEMENT_CATALOG:
		return verity_catalog_decode(object, &text->catalog, why);
	case VERITY_STATEMENT_SET:
		return verity_package_set_decode_object(object, &text->set, why);
	}
	return -EINVAL;
}

int verity_statement_inspect(const struct verity_statement_parts *parts,
			     struct verity_statement_text *ret, struct verity_error *err)
{
	static const enum verity_statement_type types[] = {
		VERITY_STATEMENT_SET, VERITY_STATEMENT_CATALOG, VERITY_STATEMENT_UNLOCK,
		VERITY_STATEMENT_DENYLIST};
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_statement_text text = {.type = VERITY_STATEMENT_UNLOCK};
	struct verity_error why = {VERITY_OK, ""};
	int r = -EBADMSG;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		text.type = types[i];
		r = verity_statement_decode(parts->text, parts->text_bytes, text.type,
					    &object, &why);
		if (r == 0 || why.code != VERITY_E_WRONG_TYPE)
			break;
	}
	if (r == 0)
		r = decode(object, &text, &why);
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
	verity_catalog_text_free(&text->catalog);
	verity_package_set_free(&text->set);
}
