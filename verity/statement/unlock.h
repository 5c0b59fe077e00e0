/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The unlock statement: what the vendor allows this one device, by its serial number and
 * until a day. Signed by a key whose certificate is for nothing else.
 */

#include "verity/cms/cms.h"

#define VERITY_SERIAL_MAX 64 /* bytes */

enum verity_unlock_allow {
	VERITY_ALLOW_UNTRUSTED =
		1 << 0, /* Allow Untrusted counts under a hardware anchor */
	VERITY_ALLOW_DOWNGRADE = 1 << 1, /* epochs below the floor */
};

#define VERITY_UNLOCK_WORDS_MAX 64

/**
 * verity_unlock_bit - what a word of `allow` stands for; 0 where it is not known
 */
unsigned verity_unlock_bit(const char *word);

/**
 * verity_unlock_words - "untrusted, downgrade"
 */
void verity_unlock_words(unsigned allows, char ret[static VERITY_UNLOCK_WORDS_MAX]);

/* Opaque: made by verity_unlock_read() alone, of what was signed. */
struct verity_unlock;

struct verity_denylist;

/**
 * verity_unlock_read - an unlock statement from the bytes of its file
 * @denylist: may deny the key of the signer; NULL: none
 * @ret:      set on success alone; free with verity_unlock_free()
 *
 * Whether it is for this device and this day is verity_unlock_check()'s business.
 *
 * Return: 0; as verity_statement_verify(); -EKEYREVOKED (REVOKED); -EBADMSG
 * (BAD_STATEMENT).
 */
int verity_unlock_read(const void *bytes, size_t size,
		       const struct verity_keyring *keyring,
		       const struct verity_denylist *denylist, struct verity_unlock **ret,
		       struct verity_error *err) must_check;

void verity_unlock_free(struct verity_unlock *unlock);

const char *verity_unlock_serial(const struct verity_unlock *unlock);
unsigned verity_unlock_allows(const struct verity_unlock *unlock);
int64_t verity_unlock_not_after(const struct verity_unlock *unlock); /* s since 1970 */
const struct verity_signer *verity_unlock_signer(const struct verity_unlock *unlock);

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
 * verity_unlock_encode - the JSON text of an unlock statement, to be signed
 * @ret: 0-terminated, set on success alone; free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT) where the serial number is empty, too long or not
 * printable, or nothing is allowed; -ENOMEM.
 */
int verity_unlock_encode(const char *serial, unsigned allows, int64_t not_after,
			 char **ret, struct verity_error *err) must_check;
