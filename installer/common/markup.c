/* SPDX-License-Identifier: MIT */
/* Escaping what has a meaning in XML and HTML. */
#include "installer/common/markup.h"

#include <stdbool.h>

void markup_put_text(FILE *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		/* U+FFFE and U+FFFF */
		bool none = at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe;

		if (none)
			at += 2;
		if (none || *at < ' ' || *at == 0x7f)
			fputc('?', out);
		else if (*at == '&')
			fputs("&amp;", out);
		else if (*at == '<')
			fputs("&lt;", out);
		else if (*at == '>')
			fputs("&gt;", out);
		else if (*at == '"')
			fputs("&quot;", out);
		else if (*at == '\'')
			fputs("&#39;", out);
		else
			fputc(*at, out);
	}
}
