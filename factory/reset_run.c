/* SPDX-License-Identifier: MIT */
/* Messages of a reset. */
#include "factory/reset_run.h"

#include <stdarg.h>
#include <stdio.h>

void factory_run_say(const struct factory_run *run, bool warning, const char *format, ...)
{
	char text[VERITY_MESSAGE_MAX + 128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	run->reset->say(run->reset->context, warning, text);
}
