/* SPDX-License-Identifier: MIT */
/* Checks fields. */
#include "installer/web/field.h"

#include <string.h>

#include "verity/util/text.h"

bool field_set_name(struct field *field, const char *text, size_t size)
{
	if (size == 0 || size > FIELD_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		if ((text[i] < 'a' || text[i] > 'z') && text[i] != '_')
			return false;
	memcpy(field->name, text, size);
	field->name[size] = '\0';
	return true;
}

bool field_set_value(struct field *field, const char *text, size_t size)
{
	if (size > FIELD_VALUE_MAX || memchr(text, '\0', size) ||
	    !verity_text_printable(text, size))
		return false;
	memcpy(field->value, text, size);
	field->value[size] = '\0';
	return true;
}
