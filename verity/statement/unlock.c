/* SPDX-License-Identifier: MIT */
#include "verity/statement/unlock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verity/statement/denylist.h"
#include "verity/statement/field.h"
#include "verity/statement/floors.h"
#include "verity/statement/unlock_private.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

struct verity_unlock {
	struct verity_unlock_text text;
	struct verity_signer signer;
};

DEFINE_CLEANUP(struct verity_unlock, verity_unlock_free);

static const struct {
	const char *word;
	unsigned bit;
} words[] = {
	{"untrusted", VERITY_ALLOW_UNTRUSTED},
	{"downgrade", VERITY_ALLOW_DOWNGRADE},
};

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

void verity_unlock_free(struct verity_unlock *unlock)
{
	free(unlock);
}

const char *verity_unlock_serial(const struct verity_unlock *unlock)
{
	return unlock->text.serial;
}

unsigned verity_unlock_allows(const struct verity_unlock *unlock)
{
	return unlock->text.allows;
}

int64_t verity_unlock_not_after(const struct verity_unlock *unlock)
{
	return unlock->text.not_after;
}

const struct verity_signer *verity_unlock_signer(const struct verity_unlock *unlock)
{
	return &unlock->signer;
}

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
static int take_allows(struct json_object *object, unsigned *ret,
		       struct verity_error *err)
{
	struct json_object *list;
	unsigned allows = 0;

	if (!json_object_object_get_ex(object, "allow", &list) ||
	    !json_object_is_type(list, json_type_array))
		return verity_statement_bad(err, "allow", "missing, or not a list");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *word =
			verity_statement_string(json_object_array_get_idx(list, i));

		if (!word)
			return verity_statement_bad(err, "allow", "not a list of words");
		allows |= verity_unlock_bit(word);
	}
	if (!allows)
		return verity_statement_bad(err, "allow",
					    "nothing that this firmware knows");
	*ret = allows;
	return 0;
}

int verity_unlock_take(struct json_object *object, struct verity_unlock_text *ret,
		       struct verity_error *err)
{
	struct verity_unlock_text text = {.allows = 0};
	int r = verity_statement_text(object, "serial", VERITY_SERIAL_MAX, text.serial,
				      err);

	if (r == 0)
		r = take_allows(object, &text.allows, err);
	if (r == 0)
		r = verity_statement_integer(object, "not_after", 1, VERITY_TIME_MAX,
					     &text.not_after, err);
	if (r == 0)
		*ret = text;
	return r;
}

int verity_unlock_read(const void *bytes, size_t size,
		       const struct verity_keyring *keyring,
		       const struct verity_denylist *denylist, struct verity_unlock **ret,
		       struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock =
		calloc(1, sizeof(*unlock));
	struct verity_signatures signatures;
	int r;

	if (!unlock)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = verity_statement_verify(bytes, size, VERITY_STATEMENT_UNLOCK,
				    VERITY_PURPOSE_UNLOCK, keyring, &object, &signatures,
				    err);
	if (r == 0)
		r = verity_denylist_check_keys(denylist, &signatures, err);
	if (r == 0)
		r = verity_unlock_take(object, &unlock->text, err);
	if (r < 0)
		return r;
	unlock->signer = signatures.signers[0];
	*ret = steal_ptr(&unlock);
	return 0;
}

static void format_time(int64_t when, char ret[static 32])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(ret, 32, "?");
}

int verity_unlock_check(const struct verity_unlock *unlock, const char *serial,
			int64_t now, struct verity_error *err)
{
	char until[32], today[32];

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
	format_time(unlock->text.not_after, until);
	format_time(now, today);
	return verity_fail(err, VERITY_E_EXPIRED,
			   "the unlock statement was good until %s, and by this device "
			   "it is %s",
			   until, today);
}

int verity_unlock_encode(const char *serial, unsigned allows, int64_t not_after,
			 char **ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	struct json_object *list = json_object_new_array();
	char *copy;
	bool whole;

	if (!serial[0] || strlen(serial) > VERITY_SERIAL_MAX ||
	    !verity_text_printable(serial, strlen(serial))) {
		json_object_put(list);
		return verity_statement_bad(err, "serial",
					    "not a printable text of 1 to 64 bytes");
	}
	whole = object &&
		verity_json_put(object, "type", json_object_new_string("unlock")) &&
		verity_json_put(object, "format", json_object_new_int(1)) &&
		verity_json_put(object, "serial", json_object_new_string(serial));
	for (size_t i = 0; whole && i < WORD_COUNT; i++)
		if (allows & words[i].bit)
			whole = verity_json_append(list,
						   json_object_new_string(words[i].word));
	if (!whole)
		json_object_put(list);
	whole = whole && verity_json_put(object, "allow", list) &&
		verity_json_put(object, "not_after", json_object_new_int64(not_after));
	if (whole && (allows & (VERITY_ALLOW_UNTRUSTED | VERITY_ALLOW_DOWNGRADE)) == 0)
		return verity_statement_bad(err, "allow", "nothing");
	if (whole && (not_after < 1 || not_after > VERITY_TIME_MAX))
		return verity_statement_bad(err, "not_after", "out of its range");
	copy = whole ? strdup(json_object_to_json_string_ext(
			       object,
			       JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE))
		     : NULL;
	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = copy;
	return 0;
}
