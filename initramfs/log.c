/* SPDX-License-Identifier: MIT */
/* Writes to the kernel log, a line at a time. */
#include "initramfs/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define LINE_MAX_BYTES 960 /* what the kernel keeps of one line, less its own prefix */

/* Opened for each line: the kernel lets one opening write ten lines and drops the rest.
 */
void log_line(enum log_level level, const char *format, ...)
{
	cleanup_fd int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	char text[LINE_MAX_BYTES];
	char line[LINE_MAX_BYTES + 16];
	va_list args;
	int size;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	verity_text_plain(text);
	size = snprintf(line, sizeof(line), "<%d>wmopkg: %s\n", (int)level, text);
	if (fd < 0 || write(fd, line, (size_t)size) != size)
		fputs(strchr(line, '>') + 1, stderr);
}

/* Not to the kernel log, which keeps a few hundred lines: those of a boot matter more. */
void log_debug(const char *line)
{
	dprintf(STDERR_FILENO, "wmopkg-activate: debug: %s\n", line);
}
