/* SPDX-License-Identifier: MIT */
/* Decodes queries and forms. */
#include "installer/web/urlencoded.h"

#include <string.h>

#include "verity/util/hex.h"

/* Bytes written to @ret; -1 for a '%' without two digits, and where there are too many.
 */
static long decode(const char *text, size_t size, char *ret, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < size; i++, used++) {
		int high, low;

		if (used == room)
			return -1;
		ret[used] = text[i];
		if (text[i] == '+')
			ret[used] = ' ';
		if (text[i] != '%')
			continue;
		high = i + 2 < size ? verity_hex_digit(text[i + 1]) : -1;
		low = high < 0 ? -1 : verity_hex_digit(text[i + 2]);
		if (low < 0)
			return -1;
		ret[used] = (char)(high << 4 | low);
		i += 2;
	}
	return (long)used;
}

int urlencoded_next(const char **at, struct field *ret, struct verity_error *err)
{
	char name[FIELD_NAME_MAX], value[FIELD_VALUE_MAX];
	const char *text = *at + strspn(*at, "&");
	size_t size = strcspn(text, "&");
	const char *equal = memchr(text, '=', size);
	size_t name_size = equal ? (size_t)(equal - text) : size;
	long names, values;

	*at = text + size;
	if (size == 0)
		return 0;
	names = decode(text, name_size, name, sizeof(name));
	values =
		equal ? decode(equal + 1, size - name_size - 1, value, sizeof(value)) : 0;
	if (names < 0 || values < 0 || !field_set_name(ret, name, (size_t)names) ||
	    !field_set_value(ret, value, (size_t)values))
		return verity_fail(err, VERITY_E_USAGE,
				   "the request has a field that is no field of these "
				   "pages, or is too long");
	return 1;
}
