/* SPDX-License-Identifier: MIT */
/* Takes statement files apart and puts them together, and verifies their signatures. */
#include "verity/statement/statement.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/format/format.h"
#include "verity/util/json_table.h"
#include "verity/util/le32.h"

#define FORMAT 1

static const struct {
	const char *name;            /* the value of `type` */
	const char *words;           /* in messages */
	enum verity_purpose purpose; /* what the signer's certificate must be for */
} types[] = {
	[VERITY_STATEMENT_UNLOCK] = {"unlock", "an unlock statement",
				     VERITY_PURPOSE_UNLOCK},
	[VERITY_STATEMENT_DENYLIST] = {"denylist", "a deny list", VERITY_PURPOSE_PACKAGE},
	[VERITY_STATEMENT_CATALOG] = {"catalog", "a catalogue", VERITY_PURPOSE_PACKAGE},
	[VERITY_STATEMENT_SET] = {"set", "a set", VERITY_PURPOSE_PACKAGE},
};

const char *verity_statement_type_name(enum verity_statement_type type)
{
	return types[type].name;
}

const char *verity_statement_type_words(enum verity_statement_type type)
{
	return types[type].words;
}

bool verity_statement_is(const void *bytes, size_t size)
{
	return size >= VERITY_MAGIC_BYTES &&
	       memcmp(bytes, VERITY_STATEMENT_MAGIC, VERITY_MAGIC_BYTES) == 0;
}

int verity_statement_file_bytes(const void *bytes, size_t size, size_t *ret,
				struct verity_error *err)
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
				   "the file ends inside its header");
	text = verity_le32_get(head + VERITY_MAGIC_BYTES);
	signature = verity_le32_get(head + VERITY_MAGIC_BYTES + 4);
	if (text < VERITY_MANIFEST_MIN || text > VERITY_STATEMENT_MAX ||
	    signature > VERITY_SIGNATURE_MAX)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "the statement's sizes are out of their range");
	*ret = VERITY_HEAD_BYTES + text + signature;
	return 0;
}

int verity_statement_split(const void *bytes, size_t size,
			   struct verity_statement_parts *ret, struct verity_error *err)
{
	const uint8_t *head = bytes;
	size_t text, whole;
	int r = verity_statement_file_bytes(bytes, size, &whole, err);

	if (r < 0)
		return r;
	if (size != whole)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "the file has %zu bytes, but its head says %zu", size,
				   whole);
	text = verity_le32_get(head + VERITY_MAGIC_BYTES);
	*ret = (struct verity_statement_parts){
		.text = head + VERITY_HEAD_BYTES,
		.text_bytes = text,
		.signature = head + VERITY_HEAD_BYTES + text,
		.signature_bytes = whole - VERITY_HEAD_BYTES - text,
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
		return verity_no_memory(err);
	memcpy(file, VERITY_STATEMENT_MAGIC, VERITY_MAGIC_BYTES);
	verity_le32_put(file + VERITY_MAGIC_BYTES, (uint32_t)parts->text_bytes);
	verity_le32_put(file + VERITY_MAGIC_BYTES + 4, (uint32_t)parts->signature_bytes);
	memcpy(file + VERITY_HEAD_BYTES, parts->text, parts->text_bytes);
	if (parts->signature_bytes)
		memcpy(file + VERITY_HEAD_BYTES + parts->text_bytes, parts->signature,
		       parts->signature_bytes);
	*ret = file;
	*ret_bytes = size;
	return 0;
}

int verity_statement_digest(const struct verity_statement_parts *parts,
			    uint8_t ret[static VERITY_DIGEST_BYTES],
			    struct verity_error *err)
{
	if (EVP_Digest(parts->text, parts->text_bytes, ret, NULL, EVP_sha256(), NULL) !=
	    1)
		return verity_no_memory(err);
	return 0;
}

int verity_statement_encode(enum verity_statement_type type,
			    const struct verity_json_field *fields, const void *text,
			    char **ret, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {.raw = true};

	verity_json_text(&json, "type", types[type].name);
	verity_json_int(&json, "format", FORMAT);
	verity_json_put_fields(&json, fields, text);
	return verity_json_finish(&json, VERITY_JSON_COMPACT, ret, err);
}

/* `type` is checked first: no signed thing can pass for another. */
static int check_type(struct json_object *object, enum verity_statement_type type,
		      struct verity_error *err)
{
	struct json_object *value;
	const char *found = json_object_object_get_ex(object, "type", &value)
				    ? verity_json_string(value)
				    : NULL;
	const char *is = "something else";

	if (!found)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "type: missing, or not a string");
	if (strcmp(found, types[type].name) == 0)
		return 0;
	if (strcmp(found, "package") == 0)
		is = "a package's manifest";
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, found) == 0)
			is = types[i].words;
	return verity_fail(err, VERITY_E_WRONG_TYPE, "it is %s, not %s", is,
			   types[type].words);
}

int verity_statement_decode(const void *text, size_t size,
			    enum verity_statement_type type, struct json_object **ret,
			    struct verity_error *err)
{
	static const struct verity_json_field format_fields[] = {
		{.key = "format",
		 .type = VERITY_JSON_IS_INT,
		 .size = sizeof(int64_t),
		 .min = 1,
		 .max = INT64_MAX},
		{.key = NULL},
	};
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	int64_t format = 0;
	int r = verity_json_parse(text, size, &object, err);

	if (r == -EBADMSG && err)
		err->code = VERITY_E_BAD_STATEMENT;
	if (r == 0)
		r = check_type(object, type, err);
	if (r == 0)
		r = verity_json_decode_object(object, format_fields,
					      VERITY_E_BAD_STATEMENT, &format, err);
	if (r == 0 && format != FORMAT)
		return verity_fail(err, VERITY_E_UNKNOWN_FEATURE,
				   "format: %" PRId64 " is newer than this program knows",
				   format);
	if (r == 0)
		*ret = steal_ptr(&object);
	return r;
}

/*
 * An unlock statement given as a deny list fails for its signer's purpose already. A
 * message about that is no help; so where its signer is trusted for the other purpose,
 * the text is read to say what it is. A statement whose signer is not trusted at all is
 * never read.
 */
static int explain_purpose(const struct verity_statement_parts *parts,
			   enum verity_statement_type type,
			   const struct verity_keyring *keyring, struct verity_error *err)
{
	enum verity_purpose other = types[type].purpose == VERITY_PURPOSE_PACKAGE
					    ? VERITY_PURPOSE_UNLOCK
					    : VERITY_PURPOSE_PACKAGE;
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_signatures signatures;
	struct verity_error why;

	if (verity_cms_verify(parts->text, parts->text_bytes, parts->signature,
			      parts->signature_bytes, keyring, other, &signatures,
			      NULL) < 0 ||
	    verity_statement_decode(parts->text, parts->text_bytes, type, &object,
				    &why) == 0 ||
	    why.code != VERITY_E_WRONG_TYPE)
		return -EKEYREJECTED;
	return verity_fail(err, why.code, "%s", why.message);
}

int verity_statement_verify(const void *bytes, size_t size,
			    enum verity_statement_type type,
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
	r = verity_cms_verify(parts.text, parts.text_bytes, parts.signature,
			      parts.signature_bytes, keyring, types[type].purpose,
			      ret_signatures, err);
	if (r == -EKEYREJECTED && ret_signatures->other_purpose)
		return explain_purpose(&parts, type, keyring, err);
	return r < 0 ? r
		     : verity_statement_decode(parts.text, parts.text_bytes, type, ret,
					       err);
}
