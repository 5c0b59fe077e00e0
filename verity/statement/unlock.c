/* SPDX-License-Identifier: MIT */
/* Reads, writes and checks unlock statements. */
#include "verity/statement/unlock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verity/statement/denylist.h"
#include "verity/statement/floors.h"
#include "verity/statement/statement.h"
#include "verity/util/json_table.h"
#include "verity/util/text.h"

struct verity_unlock {
	struct verity_unlock_text text;
	struct verity_signer signer;
	uint8_t digest[VERITY_DIGEST_BYTES];
};

static const struct {
	const char *word;
	unsigned bit;
} words[] = {
	{"untrusted", VERITY_ALLOW_UNTRUSTED},
	{"downgrade", VERITY_ALLOW_DOWNGRADE},
};

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

unsigned verity_unlock_bit(const char *word)
{
	for (size_t i = 0; i < WORD_COUNT; i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].bit;
	return 0;
}

void verity_unlock_words(unsigned allows, char ret[static VERITY_UNLOCK_WORDS_MAX])
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < WORD_COUNT; i++)
		if (allows & words[i].bit)
			used += (size_t)snprintf(ret + used,
						 VERITY_UNLOCK_WORDS_MAX - used, "%s%s",
						 used ? ", " : "", words[i].word);
}

/* Words that this firmware does not know allow nothing here. */
static int get_allow(struct verity_json_reader *reader, struct json_object *value,
		     void *member)
{
	unsigned allows = 0;

	if (!json_object_is_type(value, json_type_array))
		return verity_json_bad(reader, "not a list");
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		const char *word =
			verity_json_string(json_object_array_get_idx(value, i));

		if (!word)
			return verity_json_bad(reader, "not a list of words");
		allows |= verity_unlock_bit(word);
	}
	if (!allows)
		return verity_json_bad(reader, "nothing that this firmware knows");
	*(unsigned *)member = allows;
	return 0;
}

static void put_allow(struct verity_json_writer *json, const char *key,
		      const void *member)
{
	verity_json_open_list(json, key);
	for (size_t i = 0; i < WORD_COUNT; i++)
		if (*(const unsigned *)member & words[i].bit)
			verity_json_text(json, NULL, words[i].word);
	verity_json_close(json);
}

static const struct verity_json_field unlock_fields[] = {
	VERITY_JSON_TEXT("serial", struct verity_unlock_text, serial, .min = 1),
	{.key = "allow",
	 .type = VERITY_JSON_IS_CUSTOM,
	 .offset = offsetof(struct verity_unlock_text, allows),
	 .decode = get_allow,
	 .encode = put_allow},
	VERITY_JSON_INTEGER("not_after", struct verity_unlock_text, not_after, .min = 1,
			    .max = VERITY_TIME_MAX),
	VERITY_JSON_TEXT("id", struct verity_unlock_text, id, .min = 1, .is_label = true,
			 .presence = VERITY_JSON_OPTIONAL),
	{.key = NULL},
};

int verity_unlock_decode(struct json_object *object, struct verity_unlock_text *ret,
			 struct verity_error *err)
{
	struct verity_unlock_text text = {.allows = 0};
	int r = verity_json_decode_object(object, unlock_fields, VERITY_E_BAD_STATEMENT,
					  &text, err);

	if (r == 0)
		*ret = text;
	return r;
}

int verity_unlock_encode(const struct verity_unlock_text *text, char **ret,
			 struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_free char *encoded = NULL;
	struct verity_unlock_text again;
	int r = verity_statement_encode(VERITY_STATEMENT_UNLOCK, unlock_fields, text,
					&encoded, err);

	/* What the reader would refuse is not written: it has all the limits. */
	if (r == 0)
		r = verity_statement_decode(encoded, strlen(encoded),
					    VERITY_STATEMENT_UNLOCK, &object, err);
	if (r == 0)
		r = verity_unlock_decode(object, &again, err);
	if (r == 0)
		*ret = steal_ptr(&encoded);
	return r;
}

void verity_unlock_put(struct verity_json_writer *json,
		       const struct verity_unlock_text *text)
{
	put_allow(json, "allow", &text->allows);
	verity_json_text(json, "serial", text->serial);
	verity_json_int(json, "not_after", text->not_after);
	verity_json_some_text(json, "id", text->id);
}

void verity_unlock_free(struct verity_unlock *unlock)
{
	free(unlock);
}

const struct verity_unlock_text *verity_unlock_text(const struct verity_unlock *unlock)
{
	return &unlock->text;
}

const struct verity_signer *verity_unlock_signer(const struct verity_unlock *unlock)
{
	return &unlock->signer;
}

const uint8_t *verity_unlock_digest(const struct verity_unlock *unlock)
{
	return unlock->digest;
}

int verity_unlock_read(const void *bytes, size_t size,
		       const struct verity_keyring *keyring,
		       const struct verity_denylist *denylist, struct verity_unlock **ret,
		       struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock =
		calloc(1, sizeof(*unlock));
	int r;

	if (!unlock)
		return verity_no_memory(err);
	r = verity_denylist_verify(denylist, bytes, size, VERITY_STATEMENT_UNLOCK,
				   keyring, &object, &unlock->signer, unlock->digest,
				   err);
	if (r == 0)
		r = verity_unlock_decode(object, &unlock->text, err);
	if (r == 0)
		r = verity_denylist_check_unlock(denylist, unlock->digest, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&unlock);
	return 0;
}

int verity_unlock_check(const struct verity_unlock *unlock, const char *serial,
			int64_t now, struct verity_error *err)
{
	char until[VERITY_TEXT_TIME_BYTES], today[VERITY_TEXT_TIME_BYTES];

	if (serial[0] == '\0')
		return verity_fail(err, VERITY_E_WRONG_DEVICE,
				   "the unlock statement is for serial number %s, and "
				   "that of this device is not known",
				   unlock->text.serial);
	if (strcmp(unlock->text.serial, serial) != 0)
		return verity_fail(err, VERITY_E_WRONG_DEVICE,
				   "the unlock statement is for serial number %s, and "
				   "this device is %s",
				   unlock->text.serial, serial);
	if (now <= unlock->text.not_after)
		return 0;
	verity_text_format_time(unlock->text.not_after, until);
	verity_text_format_time(now, today);
	return verity_fail(err, VERITY_E_EXPIRED,
			   "the unlock statement was good until %s, and by this device "
			   "it is %s",
			   until, today);
}
