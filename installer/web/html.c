/* SPDX-License-Identifier: MIT */
/* A printf() whose texts are escaped. */
#include "installer/web/html.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "installer/common/markup.h"

void html_print(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (const char *at = format; *at; at++) {
		if (*at != '%') {
			fputc(*at, out);
			continue;
		}
		at++;
		if (*at == 's')
			markup_put_text(out, va_arg(args, const char *));
		else if (*at == 'd')
			fprintf(out, "%d", va_arg(args, int));
		else if (*at == 'u')
			fprintf(out, "%u", va_arg(args, unsigned));
		else if (at[0] == 'z' && at[1] == 'u') {
			fprintf(out, "%zu", va_arg(args, size_t));
			at++;
		} else {
			assert(*at == '%');
			fputc('%', out);
		}
	}
	va_end(args);
}
