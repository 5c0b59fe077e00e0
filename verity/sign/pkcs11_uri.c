/* SPDX-License-Identifier: MIT */
#include "verity/sign/pkcs11_uri.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SCHEME      "pkcs11:"
#define FILE_SCHEME "file:"
#define SEPARATORS  ";&?"

bool verity_pkcs11_uri_is(const char *text)
{
	return strncasecmp(text, SCHEME, strlen(SCHEME)) == 0;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A path of percent-encoded bytes, into @ret, which has room for all of @text. */
static int decode_path(const char *text, size_t bytes, char *ret,
		       struct verity_error *err)
{
	size_t length = 0;

	for (size_t i = 0; i < bytes; i++) {
		int high, low;

		ret[length] = text[i];
		if (text[i] == '%') {
			high = i + 2 < bytes ? digit_of(text[i + 1]) : -1;
			low = high >= 0 ? digit_of(text[i + 2]) : -1;
			if (low < 0 || (high == 0 && low == 0))
				return verity_fail(err, VERITY_E_USAGE,
						   "pkcs11: URI: '%%' is not followed by "
						   "two hexadecimal digits");
			ret[length] = (char)(high * 16 + low);
			i += 2;
		}
		length++;
	}
	ret[length] = '\0';
	return length > 0 ? 0
			  : verity_fail(err, VERITY_E_USAGE,
					"pkcs11: URI: a path in it is empty");
}

/* Whether @attribute is NAME=VALUE; then its value. */
static const char *value_of(const char *attribute, const char *name)
{
	size_t length = strlen(name);

	if (strncasecmp(attribute, name, length) != 0 || attribute[length] != '=')
		return NULL;
	return attribute + length + 1;
}

static int take_pin_source(const char *value, const char *end,
			   struct verity_pkcs11_uri *ret, struct verity_error *err)
{
	if (strncasecmp(value, FILE_SCHEME, strlen(FILE_SCHEME)) != 0)
		return verity_fail(err, VERITY_E_USAGE,
				   "pkcs11: URI: pin-source is not a file "
				   "(pin-source=file:PATH)");
	value += strlen(FILE_SCHEME);
	if (strncmp(value, "///", 3) == 0)
		value += 2;
	return decode_path(value, (size_t)(end - value), ret->pin_file, err);
}

static int take_attribute(const char *attribute, const char *end,
			  struct verity_pkcs11_uri *ret, struct verity_error *err)
{
	const char *value;
	size_t used = strlen(ret->object);

	if (value_of(attribute, "pin-value"))
		return verity_fail(err, VERITY_E_USAGE,
				   "a PIN does not belong on the command line "
				   "(use --pin-file)");
	value = value_of(attribute, "pin-source");
	if (value)
		return take_pin_source(value, end, ret, err);
	value = value_of(attribute, "module-path");
	if (value)
		return decode_path(value, (size_t)(end - value), ret->module, err);
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
	const char *attribute = text + strlen(SCHEME);

	if (strlen(text) >= VERITY_PKCS11_URI_MAX)
		return verity_fail(err, VERITY_E_USAGE,
				   "pkcs11: URI: longer than %d bytes",
				   VERITY_PKCS11_URI_MAX - 1);
	for (;;) {
		const char *end = attribute + strcspn(attribute, SEPARATORS);
		int r = take_attribute(attribute, end, &uri, err);

		if (r < 0)
			return r;
		if (!*end)
			break;
		attribute = end + 1;
	}
	if (strcmp(uri.object, SCHEME) == 0)
		return verity_fail(err, VERITY_E_USAGE,
				   "pkcs11: URI: it names no object "
				   "(pkcs11:token=LABEL;object=NAME)");
	*ret = uri;
	return 0;
}
