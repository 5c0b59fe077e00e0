/* SPDX-License-Identifier: MIT */
#pragma once

/* Reading JSON key by key, for the files of verity/ that read what is not a manifest. */

#include "verity/statement/statement.h"

#include <json.h>

/**
 * verity_statement_decode - the JSON object of a statement's text, of the right type
 * @ret: set on success alone; json_object_put()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT, WRONG_TYPE, UNKNOWN_FEATURE); -ENOMEM.
 */
int verity_statement_decode(const void *text, size_t size,
			    enum verity_statement_type type, struct json_object **ret,
			    struct verity_error *err) must_check;

/**
 * verity_statement_bad - fail with "KEY: WHY"
 */
int verity_statement_bad(struct verity_error *err, const char *key, const char *why);

/**
 * verity_statement_string - the text of a string without a NUL in it
 *
 * Return: borrowed; NULL for anything else.
 */
const char *verity_statement_string(struct json_object *value);

/**
 * verity_statement_integer - the integer at @key, between @min and @max
 */
int verity_statement_integer(struct json_object *object, const char *key, int64_t min,
			     int64_t max, int64_t *ret,
			     struct verity_error *err) must_check;

/**
 * verity_statement_text - the string at @key: 1 to @max printable bytes
 * @ret: @max + 1 bytes
 */
int verity_statement_text(struct json_object *object, const char *key, size_t max,
			  char *ret, struct verity_error *err) must_check;
