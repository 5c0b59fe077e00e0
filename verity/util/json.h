/* SPDX-License-Identifier: MIT */
#pragma once

/* Strict JSON, the same with every version of json-c: what two readers could understand
 * differently is refused. */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#include <json.h>

#define VERITY_JSON_DEPTH_MAX  8     /* nested objects and lists */
#define VERITY_JSON_NESTS_MAX  16384 /* objects and lists, however they are nested */
#define VERITY_JSON_VALUES_MAX 65536

DEFINE_CLEANUP(struct json_object, json_object_put);

/**
 * verity_json_parse - read one JSON object and nothing else
 * @bytes: @size bytes, not 0-terminated
 * @ret:   set on success only; json_object_put()
 *
 * Refuses all that is not in RFC 8259 (comments, single quotes, control characters, NaN,
 * leading zeros, commas before a bracket), invalid UTF-8, a key that an object has twice,
 * a key with a NUL, and more than the limits. A number that is too large is the nearest
 * that is not. Cost: two passes over the bytes; memory: some 700 bytes for each object or
 * list, and 500 for each key.
 *
 * Return: 0; -EBADMSG (BAD_MANIFEST, for the caller to change); -ENOMEM.
 */
int verity_json_parse(const void *bytes, size_t size, struct json_object **ret,
		      struct verity_error *err) must_check;

/**
 * verity_json_string - the text of a JSON string without a NUL in it
 *
 * Return: borrowed from @value; NULL for anything else.
 */
const char *verity_json_string(struct json_object *value);
