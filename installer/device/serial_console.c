/* SPDX-License-Identifier: MIT */

/* Reads from the kernel which terminal this session has. */

#include "installer/device/serial_console.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define STAT_MAX    4096 /* bytes read */
#define CONSOLE_MAX 4096

struct number {
	unsigned major;
	unsigned minor;
};

/* "PID (NAME) STATE PPID PGRP SESSION TTY …"; NAME may hold anything. */
static bool read_terminal(const char *stat, struct number *ret)
{
	cleanup_free char *text = NULL;
	const char *behind;
	unsigned terminal;
	size_t size;

	if (verity_io_load(AT_FDCWD, stat, STAT_MAX, &text, &size, NULL) < 0)
		return false;
	behind = strrchr(text, ')');
	if (!behind || sscanf(behind + 1, " %*c %*d %*d %*d %u", &terminal) != 1 ||
	    terminal == 0)
		return false;
	/* new_encode_dev() of the kernel */
	ret->major = terminal >> 8 & 0xfff;
	ret->minor = (terminal & 0xff) | (terminal >> 12 & 0xfff00);
	return true;
}

static bool is_number_of(const char *sysfs, const char *name, const struct number *number)
{
	cleanup_file FILE *file = NULL;
	char path[PATH_MAX];
	struct number found = {0, 0};

	if (strchr(name, '/') || snprintf(path, sizeof(path), "%s/class/tty/%s/dev",
					  sysfs, name) >= (int)sizeof(path))
		return false;
	file = fopen(path, "re");
	return file && fscanf(file, "%u:%u", &found.major, &found.minor) == 2 &&
	       found.major == number->major && found.minor == number->minor;
}

bool serial_console_is_ours(const char *stat, const char *sysfs)
{
	cleanup_free char *names = NULL;
	char path[PATH_MAX];
	struct number terminal;
	char *rest, *name;
	size_t size;

	if (!read_terminal(stat, &terminal) ||
	    snprintf(path, sizeof(path), "%s/class/tty/console/active", sysfs) >=
		    (int)sizeof(path) ||
	    verity_io_load(AT_FDCWD, path, CONSOLE_MAX, &names, &size, NULL) < 0)
		return false;
	for (name = strtok_r(names, " \n", &rest); name;
	     name = strtok_r(NULL, " \n", &rest)) {
		/* tty0, tty1, … are virtual terminals of a screen. */
		bool virtual = strncmp(name, "tty", 3) == 0 &&
			       isdigit((unsigned char)name[3]);

		if (!virtual && is_number_of(sysfs, name, &terminal))
			return true;
	}
	return false;
}
