/* SPDX-License-Identifier: MIT */
#include "installer/common/describe_statement.h"

#include <inttypes.h>

#include "installer/common/describe.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

void describe_print_deny(const struct verity_deny *deny)
{
	char hex[2 * VERITY_DIGEST_BYTES + 1];

	verity_hex_encode(deny->digest, sizeof(deny->digest), hex);
	switch (deny->kind) {
	case VERITY_DENY_KEY:
		describe_line("Denied key", "%s", hex);
		break;
	case VERITY_DENY_ROOT_HASH:
		describe_line("Denied hash", "%s", hex);
		break;
	case VERITY_DENY_NAME:
		describe_line("Denied name", "%s below epoch %" PRIu32, deny->name,
			      deny->epoch_below);
		break;
	}
}

void describe_print_statement(const struct verity_statement_peek *peek)
{
	char words[VERITY_UNLOCK_WORDS_MAX], until[32];

	describe_line("Type", "%s", verity_statement_type_name(peek->type));
	if (peek->type == VERITY_STATEMENT_DENYLIST) {
		describe_line("Number", "%" PRIu32, peek->number);
		for (size_t i = 0; i < peek->count; i++)
			describe_print_deny(&peek->entries[i]);
		return;
	}
	verity_unlock_words(peek->allows, words);
	describe_format_time(peek->not_after, until);
	describe_line("Serial", "%s", peek->serial);
	describe_line("Allows", "%s", words);
	describe_line("Until", "%s", until);
}

struct json_object *describe_deny(const struct verity_deny *deny)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	char hex[2 * VERITY_DIGEST_BYTES + 1];
	bool whole;

	verity_hex_encode(deny->digest, sizeof(deny->digest), hex);
	if (!object)
		return NULL;
	if (deny->kind == VERITY_DENY_NAME)
		whole = verity_json_put(object, "name",
					json_object_new_string(deny->name)) &&
			verity_json_put(object, "epoch_below",
					json_object_new_int64(deny->epoch_below));
	else
		whole = verity_json_put(
			object, deny->kind == VERITY_DENY_KEY ? "key" : "root_hash",
			json_object_new_string(hex));
	return whole ? steal_ptr(&object) : NULL;
}

static bool put_denylist(struct json_object *object,
			 const struct verity_statement_peek *peek)
{
	struct json_object *list;

	if (!verity_json_put(object, "number", json_object_new_int64(peek->number)))
		return false;
	list = json_object_new_array();
	if (!verity_json_put(object, "deny", list))
		return false;
	for (size_t i = 0; i < peek->count; i++)
		if (!verity_json_append(list, describe_deny(&peek->entries[i])))
			return false;
	return true;
}

bool describe_put_allowed(struct json_object *object, unsigned allows)
{
	static const unsigned bits[] = {VERITY_ALLOW_UNTRUSTED, VERITY_ALLOW_DOWNGRADE};
	struct json_object *list = json_object_new_array();
	char word[VERITY_UNLOCK_WORDS_MAX];

	if (!verity_json_put(object, "allow", list))
		return false;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(allows & bits[i]))
			continue;
		verity_unlock_words(bits[i], word);
		if (!verity_json_append(list, json_object_new_string(word)))
			return false;
	}
	return true;
}

static bool put_unlock(struct json_object *object,
		       const struct verity_statement_peek *peek)
{
	return describe_put_allowed(object, peek->allows) &&
	       verity_json_put(object, "serial", json_object_new_string(peek->serial)) &&
	       verity_json_put(object, "not_after",
			       json_object_new_int64(peek->not_after));
}

bool describe_put_statement(struct json_object *object,
			    const struct verity_statement_peek *peek)
{
	const char *type = verity_statement_type_name(peek->type);

	return verity_json_put(object, "type", json_object_new_string(type)) &&
	       (peek->type == VERITY_STATEMENT_DENYLIST ? put_denylist(object, peek)
							: put_unlock(object, peek));
}
