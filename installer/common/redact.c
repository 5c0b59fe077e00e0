/* SPDX-License-Identifier: MIT */
/* Finding passwords in URLs, and overwriting passwords. */
#include "installer/common/redact.h"

#include <stdlib.h>
#include <string.h>

#define BEGIN "://"

char *redact_find(char *text, size_t *ret_size)
{
	char *begin = text;

	*ret_size = 0;
	while ((begin = strstr(begin, BEGIN))) {
		char *colon;
		size_t end;

		begin += strlen(BEGIN);
		/* The last '@' before the path ends the password. */
		end = strcspn(begin, "/?#");
		while (end > 0 && begin[end] != '@')
			end--;
		colon = memchr(begin, ':', end);
		if (!colon || colon + 1 == begin + end)
			continue;
		*ret_size = (size_t)(begin + end - colon) - 1;
		return colon + 1;
	}
	return text;
}

char *redact_urls(char *text)
{
	char *at = text;
	size_t size;

	while (at = redact_find(at, &size), size > 0) {
		memset(at, '*', size);
		at += size;
	}
	return text;
}

void redact_wipe(char *password)
{
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
}
