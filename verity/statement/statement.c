/* SPDX-License-Identifier: MIT */
#include "verity/statement/statement.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/format/format.h"
#include "verity/statement/field.h"
#include "verity/util/json.h"

#define FORMAT 1

static const char *const type_names[] = {
	[VERITY_STATEMENT_UNLOCK] = "unlock",
	[VERITY_STATEMENT_DENYLIST] = "denylist",
};

/* As a person calls what a `type` stands for. */
static const struct {
	const char *type;
	const char *words;
} things[] = {
	{"package", "a package's manifest"},
	{"unlock", "an unlock statement"},
	{"denylist", "a deny list"},
};

const char *verity_statement_type_name(enum verity_statement_type type)
{
	return type_names[type];
}

static const char *words_for(const char *type)
{
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		if (strcmp(things[i].type, type) == 0)
			return things[i].words;
	return "something else";
}

bool verity_statement_is(const void *bytes, size_t size)
{
	return size >= VERITY_MAGIC_BYTES &&
	       memcmp(bytes, VERITY_STATEMENT_MAGIC, VERITY_MAGIC_BYTES) == 0;
}

static size_t get_u32(const uint8_t *bytes)
{
	return (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 |
	       (size_t)bytes[3] << 24;
}

static void put_u32(size_t value, uint8_t *ret)
{
	for (int i = 0; i < 4; i++)
		ret[i] = (uint8_t)(value >> 8 * i);
}

int verity_statement_split(const void *bytes, size_t size,
			   struct verity_statement_parts *ret, struct verity_error *err)
{
	const uint8_t *head = bytes;
	size_t text, signature;

	if (size >= VERITY_MAGIC_BYTES &&
	    memcmp(bytes, VERITY_MAGIC, VERITY_MAGIC_BYTES) == 0)
		return verity_fail(err, VERITY_E_WRONG_TYPE,
				   "it is a package, not a signed statement");
	if (!verity_statement_is(bytes, size))
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "it is not a signed statement");
	if (size < VERITY_HEAD_BYTES)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "the file ends within its head");
	text = get_u32(head + VERITY_MAGIC_BYTES);
	signature = get_u32(head + VERITY_MAGIC_BYTES + 4);
	if (text < VERITY_MANIFEST_MIN || text > VERITY_STATEMENT_MAX ||
	    signature > VERITY_SIGNATURE_MAX)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "the statement's sizes are out of their range");
	if (size != VERITY_HEAD_BYTES + text + signature)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "the file has %zu bytes where its head makes it %zu",
				   size, VERITY_HEAD_BYTES + text + signature);
	*ret = (struct verity_statement_parts){
		.text = head + VERITY_HEAD_BYTES,
		.text_bytes = text,
		.signature = head + VERITY_HEAD_BYTES + text,
		.signature_bytes = signature,
	};
	return 0;
}

int verity_statement_join(const struct verity_statement_parts *parts, uint8_t **ret,
			  size_t *ret_bytes, struct verity_error *err)
{
	size_t size = VERITY_HEAD_BYTES + parts->text_bytes + parts->signature_bytes;
	uint8_t *file;

	if (parts->text_bytes < VERITY_MANIFEST_MIN ||
	    parts->text_bytes > VERITY_STATEMENT_MAX ||
	    parts->signature_bytes > VERITY_SIGNATURE_MAX)
		return verity_fail(
			err, VERITY_E_BAD_STATEMENT,
			"the statement or its signature is too short or too long");
	file = malloc(size);
	if (!file)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	memcpy(file, VERITY_STATEMENT_MAGIC, VERITY_MAGIC_BYTES);
	put_u32(parts->text_bytes, file + VERITY_MAGIC_BYTES);
	put_u32(parts->signature_bytes, file + VERITY_MAGIC_BYTES + 4);
	memcpy(file + VERITY_HEAD_BYTES, parts->text, parts->text_bytes);
	if (parts->signature_bytes)
		memcpy(file + VERITY_HEAD_BYTES + parts->text_bytes, parts->signature,
		       parts->signature_bytes);
	*ret = file;
	*ret_bytes = size;
	return 0;
}

static int check_type(struct json_object *object, enum verity_statement_type type,
		      struct verity_error *err)
{
	struct json_object *value;
	const char *found = json_object_object_get_ex(object, "type", &value)
				    ? verity_statement_string(value)
				    : NULL;

	if (!found)
		return verity_statement_bad(err, "type", "missing, or not a string");
	if (strcmp(found, type_names[type]) != 0)
		return verity_fail(err, VERITY_E_WRONG_TYPE, "it is %s, not %s",
				   words_for(found), words_for(type_names[type]));
	return 0;
}

static int check_format(struct json_object *object, struct verity_error *err)
{
	int64_t format;
	int r = verity_statement_integer(object, "format", 1, INT64_MAX, &format, err);

	if (r == 0 && format != FORMAT)
		return verity_fail(err, VERITY_E_UNKNOWN_FEATURE,
				   "format: %" PRId64 " is newer than this program knows",
				   format);
	return r;
}

int verity_statement_decode(const void *text, size_t size,
			    enum verity_statement_type type, struct json_object **ret,
			    struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	int r = verity_json_parse(text, size, &object, err);

	if (r == -EBADMSG && err)
		err->code = VERITY_E_BAD_STATEMENT;
	if (r == 0)
		r = check_type(object, type, err);
	if (r == 0)
		r = check_format(object, err);
	if (r == 0)
		*ret = steal_ptr(&object);
	return r;
}

static int verify(const struct verity_statement_parts *parts, enum verity_purpose purpose,
		  const struct verity_keyring *keyring,
		  struct verity_signatures *ret_signatures, struct verity_error *err)
{
	return verity_cms_verify(parts->text, parts->text_bytes, parts->signature,
				 parts->signature_bytes, keyring, purpose, ret_signatures,
				 err);
}

/*
 * An unlock statement handed over as a deny list fails for its signer's purpose already.
 * That is no help to a person; but nothing that nobody vouches for is read, not even to
 * be of help.
 */
static int explain_purpose(const struct verity_statement_parts *parts,
			   enum verity_statement_type type, enum verity_purpose purpose,
			   const struct verity_keyring *keyring, struct verity_error *err)
{
	enum verity_purpose other = purpose == VERITY_PURPOSE_PACKAGE
					    ? VERITY_PURPOSE_UNLOCK
					    : VERITY_PURPOSE_PACKAGE;
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_signatures signatures;
	struct verity_error why;

	if (verify(parts, other, keyring, &signatures, NULL) < 0 ||
	    verity_statement_decode(parts->text, parts->text_bytes, type, &object,
				    &why) == 0 ||
	    why.code != VERITY_E_WRONG_TYPE)
		return -EKEYREJECTED;
	return verity_fail(err, why.code, "%s", why.message);
}

int verity_statement_verify(const void *bytes, size_t size,
			    enum verity_statement_type type, enum verity_purpose purpose,
			    const struct verity_keyring *keyring,
			    struct json_object **ret,
			    struct verity_signatures *ret_signatures,
			    struct verity_error *err)
{
	struct verity_statement_parts parts;
	int r = verity_statement_split(bytes, size, &parts, err);

	*ret_signatures = (struct verity_signatures){.count = 0};
	if (r < 0)
		return r;
	if (parts.signature_bytes == 0)
		return verity_fail(err, VERITY_E_NO_SIGNATURE,
				   "the statement has no signature");
	r = verify(&parts, purpose, keyring, ret_signatures, err);
	if (r == -EKEYREJECTED)
		return explain_purpose(&parts, type, purpose, keyring, err);
	return r < 0 ? r
		     : verity_statement_decode(parts.text, parts.text_bytes, type, ret,
					       err);
}
