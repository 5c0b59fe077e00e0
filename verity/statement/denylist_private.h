/* SPDX-License-Identifier: MIT */
#pragma once

/* What a deny list is made of; for the files of verity/ that make and ask it. */

#include "verity/statement/denylist.h"

struct verity_denylist {
	uint32_t number;
	struct verity_deny *entries; /* owned */
	size_t count;
	struct verity_signer signer;
};

struct json_object;

/**
 * verity_denylist_take - read the JSON object of a deny list
 * @ret: number and entries are set on success alone, the signer is not
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT); -ENOMEM.
 */
int verity_denylist_take(struct json_object *object, struct verity_denylist *ret,
			 struct verity_error *err) must_check;
