/* SPDX-License-Identifier: MIT */
#pragma once

/* What reading and writing JSON takes beyond json-c. */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#include <json.h>

#define VERITY_JSON_DEPTH_MAX 8 /* of nested objects and lists */

DEFINE_CLEANUP(struct json_object, json_object_put);

/**
 * verity_json_parse - one JSON object and nothing else, strict, valid UTF-8, no key
 * twice
 * @ret: set on success alone; json_object_put()
 *
 * Return: 0; -EBADMSG (BAD_MANIFEST, for the caller to change); -ENOMEM.
 */
int verity_json_parse(const void *bytes, size_t size, struct json_object **ret,
		      struct verity_error *err) must_check;

/**
 * verity_json_put - set @key of @object to @value, which is taken also where that fails
 * @value: NULL where there was no memory for it, which then fails
 */
bool verity_json_put(struct json_object *object, const char *key,
		     struct json_object *value) must_check;

/**
 * verity_json_append - add @value to the end of @list; otherwise as verity_json_put()
 */
bool verity_json_append(struct json_object *list, struct json_object *value) must_check;
