/* SPDX-License-Identifier: MIT */
/* The switch for debug output, and how a line of it looks. */
#include "verity/util/debug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verity/util/text.h"

/* The one variable of the process besides errno: see verity_debug_start(). */
static void (*print_line)(const char *line);

void verity_debug_start(void (*print)(const char *line))
{
	print_line = print;
}

bool verity_debug_wanted(void)
{
	const char *value = secure_getenv(VERITY_DEBUG_VARIABLE);

	return value && *value && strcmp(value, "0") != 0;
}

void verity_debug(const char *format, ...)
{
	char text[VERITY_DEBUG_LINE_MAX];
	char line[VERITY_DEBUG_LINE_MAX + 32];
	struct timespec now = {0};
	va_list args;

	if (!print_line)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(line, sizeof(line), "[%5lld.%06ld] %s", (long long)now.tv_sec,
		 now.tv_nsec / 1000, verity_text_plain(text));
	print_line(line);
}
