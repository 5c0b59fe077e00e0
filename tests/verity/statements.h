/* SPDX-License-Identifier: MIT */
#pragma once

/* Statement files with any text in them, signed by the keys of tests/verity/keys.h. */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "tests/verity/keys.h"
#include "verity/statement/statement.h"

/* A statement file; free the bytes. */
struct statement_file {
	uint8_t *bytes;
	size_t size;
};

/**
 * statement_sign - the detached signature over a text
 * @when: signing time, seconds since 1970
 * @ret:  free()
 */
void statement_sign(const struct keys *keys, const char *text, const char *signer,
		    int64_t when, uint8_t **ret, size_t *ret_bytes);

/**
 * statement_make - put @text and its signature into a file
 * @signer: "signer", "unlock"; NULL: it is not signed
 */
struct statement_file statement_make(const struct keys *keys, const char *text,
				     const char *signer);

/**
 * statement_ring - load a key ring, which must be sound; verity_keyring_free()
 */
struct verity_keyring *statement_ring(const struct keys *keys);
