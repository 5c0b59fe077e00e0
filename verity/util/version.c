/* SPDX-License-Identifier: MIT */
#include "verity/util/version.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c) && (unsigned char)c < 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What separates parts and says nothing of their order. */
static const char *skip(const char *at)
{
	while (*at && !is_alnum(*at) && !strchr("~-^.", *at))
		at++;
	return at;
}

static int sign(int a, int b)
{
	return (a > b) - (a < b);
}

/* Of a separator in one version and not in the other: -1 where it makes @a older. */
static int compare_separator(char a, char b, char separator, int with)
{
	if (a == separator && b == separator)
		return 0;
	if (a == separator)
		return with;
	return b == separator ? -with : 0;
}

static int compare_numbers(const char **a, const char **b)
{
	size_t a_size, b_size;
	int r;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	a_size = strspn(*a, "0123456789");
	b_size = strspn(*b, "0123456789");
	r = sign((int)a_size, (int)b_size);
	if (r == 0)
		r = sign(strncmp(*a, *b, a_size), 0);
	*a += a_size;
	*b += b_size;
	return r;
}

static size_t letters(const char *at)
{
	size_t size = 0;

	while (is_alnum(at[size]) && !is_digit(at[size]))
		size++;
	return size;
}

static int compare_letters(const char **a, const char **b)
{
	size_t a_size = letters(*a), b_size = letters(*b);
	int r = sign(strncmp(*a, *b, a_size < b_size ? a_size : b_size), 0);

	if (r == 0)
		r = sign((int)a_size, (int)b_size);
	*a += a_size;
	*b += b_size;
	return r;
}

/* The steps of UAPI.10, "Comparison algorithm", in its order. */
int verity_version_compare(const char *a, const char *b)
{
	static const struct {
		char separator;
		int with; /* what a version is that has it, next to one that ends there */
	} separators[] = {{'-', -1}, {'^', 1}, {'.', -1}};

	for (;;) {
		int r;

		a = skip(a);
		b = skip(b);
		r = compare_separator(*a, *b, '~', -1);
		if (r)
			return r;
		if (*a == '~') {
			a++;
			b++;
			continue;
		}
		if (!*a || !*b)
			return sign(*a != '\0', *b != '\0');
		for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
			char separator = separators[i].separator;

			r = compare_separator(*a, *b, separator, separators[i].with);
			if (r)
				return r;
			if (*a == separator) {
				a++;
				b++;
				break;
			}
		}
		if (is_digit(*a) || is_digit(*b))
			r = compare_numbers(&a, &b);
		else
			r = compare_letters(&a, &b);
		if (r)
			return r;
	}
}
