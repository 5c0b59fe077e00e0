/* SPDX-License-Identifier: MIT */

/* Hexadecimal text. */

#include "verity/util/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

void verity_hex_encode(const uint8_t *bytes, size_t count, char *ret)
{
	for (size_t i = 0; i < count; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * count] = '\0';
}

int verity_hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

int verity_hex_decode(const char *text, uint8_t *ret, size_t max, size_t *ret_count)
{
	size_t length = strlen(text);

	if (length % 2 || length / 2 > max)
		return verity_fail(NULL, VERITY_E_USAGE, "hex");
	for (size_t i = 0; i < length; i++)
		if (verity_hex_digit(text[i]) < 0)
			return verity_fail(NULL, VERITY_E_USAGE, "hex");
	for (size_t i = 0; i < length / 2; i++)
		ret[i] = (uint8_t)(verity_hex_digit(text[2 * i]) << 4 |
				   verity_hex_digit(text[2 * i + 1]));
	*ret_count = length / 2;
	return 0;
}
