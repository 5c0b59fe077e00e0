/* SPDX-License-Identifier: MIT */

/* The comparison algorithm of UAPI.10. */

#include "verity/util/version.h"

#include <stdbool.h>
#include <string.h>

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Numbers by value, letters by ASCII; both texts move past what was compared. */
static int compare_parts(const char **a, const char **b)
{
	bool number = strspn(*a, DIGITS) || strspn(*b, DIGITS);
	const char *set = number ? DIGITS : LETTERS;
	size_t a_size, b_size;
	int by_size, r;

	if (number) {
		*a += strspn(*a, "0");
		*b += strspn(*b, "0");
	}
	a_size = strspn(*a, set);
	b_size = strspn(*b, set);
	by_size = (a_size > b_size) - (a_size < b_size);
	r = number ? by_size : 0;
	if (r == 0)
		r = strncmp(*a, *b, a_size < b_size ? a_size : b_size);
	if (r == 0)
		r = by_size;
	*a += a_size;
	*b += b_size;
	return r;
}

int verity_version_compare(const char *a, const char *b)
{
	/* In the order of the specification; '\0' is the end of a version. */
	static const struct {
		char separator;
		int with; /* how a version that has it compares to one that does not */
	} separators[] = {{'~', -1}, {'\0', -1}, {'-', -1}, {'^', 1}, {'.', -1}};

	for (;;) {
		char common = 'x';
		int r;

		/* Other characters only separate. */
		a += strcspn(a, LETTERS DIGITS "~-^.");
		b += strcspn(b, LETTERS DIGITS "~-^.");
		for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
			char separator = separators[i].separator;

			if ((*a == separator) != (*b == separator))
				return *a == separator ? separators[i].with
						       : -separators[i].with;
			if (*a == separator) {
				common = separator;
				break;
			}
		}
		if (common == '\0')
			return 0;
		if (common != 'x') {
			a++;
			b++;
		}
		if (common == '~')
			continue;
		r = compare_parts(&a, &b);
		if (r)
			return r;
	}
}

int verity_version_compare_epochs(uint32_t a_epoch, const char *a, uint32_t b_epoch,
				  const char *b)
{
	if (a_epoch != b_epoch)
		return a_epoch < b_epoch ? -1 : 1;
	return verity_version_compare(a, b);
}
