/* SPDX-License-Identifier: MIT */
/* Messages of a reset. */
#include "factory/reset_run.h"

#include <stdarg.h>
#include <stdio.h>

#include "overlay/fs/clock.h"

#define REPORT_EVERY_US 2000000

void factory_run_say(const struct factory_run *run, bool warning, const char *format, ...)
{
	char text[VERITY_MESSAGE_MAX + 128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	run->reset->say(run->reset->context, warning, text);
}

void factory_run_progress(void *context, uint64_t deleted)
{
	struct factory_run *run = context;
	uint64_t now = overlay_clock_us();

	if (now - run->reported_us < REPORT_EVERY_US)
		return;
	run->reported_us = now;
	factory_run_say(run, false, "%llu files and folders deleted so far",
			(unsigned long long)deleted);
}
