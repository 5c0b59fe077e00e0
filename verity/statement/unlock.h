/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The unlock statement: what the vendor allows this one device, by its serial number and
 * until a day. Signed by a key whose certificate is for nothing else.
 */

#include "verity/cms/cms.h"
#include "verity/util/cleanup.h"

#define VERITY_SERIAL_MAX       64 /* bytes */
#define VERITY_UNLOCK_ID_MAX    64 /* bytes */
#define VERITY_UNLOCK_WORDS_MAX 64

enum verity_unlock_allow {
	VERITY_ALLOW_UNTRUSTED =
		1 << 0, /* Allow Untrusted counts under a hardware anchor */
	VERITY_ALLOW_DOWNGRADE = 1 << 1, /* epochs below the floor */
};

/* What an unlock statement says, whoever signed it: nothing may be decided by it. Plain
 * data. */
struct verity_unlock_text {
	char serial[VERITY_SERIAL_MAX + 1];
	unsigned allows;                   /* of enum verity_unlock_allow */
	int64_t not_after;                 /* seconds since 1970 */
	char id[VERITY_UNLOCK_ID_MAX + 1]; /* tells it from others; "": none */
};

/* Opaque: made only of a signed statement, by verity_unlock_read(). */
struct verity_unlock;

struct json_object;
struct verity_denylist;
struct verity_json_writer;

/**
 * verity_unlock_bit - what a word of `allow` stands for; 0 where it is not known
 */
unsigned verity_unlock_bit(const char *word);

/**
 * verity_unlock_words - "untrusted, downgrade"
 */
void verity_unlock_words(unsigned allows, char ret[static VERITY_UNLOCK_WORDS_MAX]);

/**
 * verity_unlock_read - an unlock statement from the bytes of its file
 * @denylist: may deny the key of the signer, or this statement; NULL: none
 * @ret:      set on success only; free with verity_unlock_free()
 *
 * verity_unlock_check() tells whether it is for this device and this day.
 *
 * Return: 0; as verity_statement_verify(); -EKEYREVOKED (REVOKED); -EBADMSG
 * (BAD_STATEMENT).
 */
int verity_unlock_read(const void *bytes, size_t size,
		       const struct verity_keyring *keyring,
		       const struct verity_denylist *denylist, struct verity_unlock **ret,
		       struct verity_error *err) must_check;

void verity_unlock_free(struct verity_unlock *unlock);
DEFINE_CLEANUP(struct verity_unlock, verity_unlock_free);

/**
 * verity_unlock_text, verity_unlock_signer - what it says, and who signed it; borrowed
 */
const struct verity_unlock_text *verity_unlock_text(const struct verity_unlock *unlock);
const struct verity_signer *verity_unlock_signer(const struct verity_unlock *unlock);

/**
 * verity_unlock_digest - verity_statement_digest() of it, by which deny lists and the
 * record of cleared ones name it; borrowed, VERITY_DIGEST_BYTES
 */
const uint8_t *verity_unlock_digest(const struct verity_unlock *unlock);

/**
 * verity_unlock_check - whether it counts on this device, now
 * @serial: of this device; "" where it is not known, which no statement is for
 * @now:    device time, seconds since 1970
 *
 * Return: 0; -EPERM (WRONG_DEVICE, EXPIRED).
 */
int verity_unlock_check(const struct verity_unlock *unlock, const char *serial,
			int64_t now, struct verity_error *err) must_check;

/**
 * verity_unlock_decode - read the JSON object of a statement of this type
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT).
 */
int verity_unlock_decode(struct json_object *object, struct verity_unlock_text *ret,
			 struct verity_error *err) must_check;

/**
 * verity_unlock_encode - the JSON text of an unlock statement, to be signed
 * @ret: 0-terminated, set on success only; free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT) where verity_unlock_decode() would refuse it;
 * -ENOMEM.
 */
int verity_unlock_encode(const struct verity_unlock_text *text, char **ret,
			 struct verity_error *err) must_check;

/**
 * verity_unlock_put - add the keys `allow`, `serial`, `not_after` and, where there is
 * one, `id` to the object that is open
 */
void verity_unlock_put(struct verity_json_writer *json,
		       const struct verity_unlock_text *text);
