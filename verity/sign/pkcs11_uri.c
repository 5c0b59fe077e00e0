/* SPDX-License-Identifier: MIT */

/* Splitting PKCS #11 URIs. */

#include "verity/sign/pkcs11_uri.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "verity/util/hex.h"

#define SCHEME      "pkcs11:"
#define FILE_SCHEME "file:"
#define SEPARATORS  ";&?"

bool verity_pkcs11_uri_is(const char *text)
{
	return strncasecmp(text, SCHEME, strlen(SCHEME)) == 0;
}

/* A path with percent-encoded bytes; @ret is as large as the whole URI may be. */
static int decode_path(const char *text, const char *end, char *ret,
		       struct verity_error *err)
{
	size_t length = 0;

	for (; text < end; text++) {
		ret[length] = *text;
		if (*text == '%') {
			int high = end - text > 2 ? verity_hex_digit(text[1]) : -1;
			int low = high >= 0 ? verity_hex_digit(text[2]) : -1;

			if (low < 0 || (high == 0 && low == 0))
				return verity_fail(err, VERITY_E_USAGE,
						   "pkcs11: URI: '%%' is not followed by "
						   "two hexadecimal digits");
			ret[length] = (char)(high * 16 + low);
			text += 2;
		}
		length++;
	}
	ret[length] = '\0';
	if (length == 0)
		return verity_fail(err, VERITY_E_USAGE,
				   "pkcs11: URI: a path in it is empty");
	return 0;
}

/* The value where @attribute is NAME=VALUE; else NULL. */
static const char *value_of(const char *attribute, const char *name)
{
	size_t length = strlen(name);

	if (strncasecmp(attribute, name, length) != 0 || attribute[length] != '=')
		return NULL;
	return attribute + length + 1;
}

static int take_attribute(const char *attribute, const char *end,
			  struct verity_pkcs11_uri *ret, struct verity_error *err)
{
	size_t used = strlen(ret->object);
	const char *value;

	if (value_of(attribute, "pin-value"))
		return verity_fail(err, VERITY_E_USAGE,
				   "a PIN does not belong on the command line "
				   "(use --pin-file)");
	value = value_of(attribute, "module-path");
	if (value)
		return decode_path(value, end, ret->module, err);
	value = value_of(attribute, "pin-source");
	if (value) {
		if (strncasecmp(value, FILE_SCHEME, strlen(FILE_SCHEME)) != 0)
			return verity_fail(err, VERITY_E_USAGE,
					   "pkcs11: URI: pin-source is not a file "
					   "(pin-source=file:PATH)");
		value += strlen(FILE_SCHEME);
		if (strncmp(value, "///", 3) == 0)
			value += 2;
		return decode_path(value, end, ret->pin_file, err);
	}
	if (end > attribute)
		snprintf(ret->object + used, sizeof(ret->object) - used, "%s%.*s",
			 used > strlen(SCHEME) ? ";" : "", (int)(end - attribute),
			 attribute);
	return 0;
}

int verity_pkcs11_uri_parse(const char *text, struct verity_pkcs11_uri *ret,
			    struct verity_error *err)
{
	struct verity_pkcs11_uri uri = {.object = SCHEME};
	const char *attribute = text + strlen(SCHEME), *end;

	if (strlen(text) >= VERITY_PKCS11_URI_MAX)
		return verity_fail(err, VERITY_E_USAGE,
				   "pkcs11: URI: longer than %d bytes",
				   VERITY_PKCS11_URI_MAX - 1);
	for (;; attribute = end + 1) {
		int r;

		end = attribute + strcspn(attribute, SEPARATORS);
		r = take_attribute(attribute, end, &uri, err);
		if (r < 0)
			return r;
		if (!*end)
			break;
	}
	if (strcmp(uri.object, SCHEME) == 0)
		return verity_fail(err, VERITY_E_USAGE,
				   "pkcs11: URI: it names no object "
				   "(pkcs11:token=LABEL;object=NAME)");
	*ret = uri;
	return 0;
}
