/* SPDX-License-Identifier: MIT */
#pragma once

/* A field of a form or a query. Plain data; decoded and checked. */

#include <stdbool.h>
#include <stddef.h>

#define FIELD_NAME_MAX  32   /* bytes */
#define FIELD_VALUE_MAX 2048 /* bytes: a URL, a path */
#define FIELDS_MAX      16   /* of a request */

struct field {
	char name[FIELD_NAME_MAX + 1];
	char value[FIELD_VALUE_MAX + 1];
};

/**
 * field_set_name, field_set_value - copy and check
 *
 * A name is of a-z and '_'. A value is printable UTF-8, see verity_text_printable().
 *
 * Return: false for what no page of ours sends.
 */
bool field_set_name(struct field *field, const char *text, size_t size);
bool field_set_value(struct field *field, const char *text, size_t size);
