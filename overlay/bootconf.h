/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The boot configuration: what the bootloader says, read from the kernel command line. A
 * pure decoder, and a reader of the file. Words that are not ours are passed over; a word
 * of ours with a value we do not know counts as not said.
 */

#include "verity/name.h"

#include <stddef.h>

#define OVERLAY_CMDLINE_MAX  65536 /* bytes read */
#define OVERLAY_DISABLED_MAX 64    /* names */

struct overlay_bootconf {
	bool allow_untrusted; /* wmopkg.allow_untrusted=1 */
	bool safe;            /* wmopkg.safe, wmopkg.safe=1 */
	char disabled[OVERLAY_DISABLED_MAX]
		     [VERITY_NAME_MAX + 1]; /* wmopkg.disable=NAME,… */
	size_t disabled_count;
};

/**
 * overlay_bootconf_decode - read a kernel command line
 * @text: @size bytes, not 0-terminated; double quotes group as the kernel groups them
 */
void overlay_bootconf_decode(const char *text, size_t size, struct overlay_bootconf *ret);

/**
 * overlay_bootconf_load - read the kernel command line from a file
 */
int overlay_bootconf_load(const char *path, struct overlay_bootconf *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_bootconf_disabled - whether wmopkg.disable names @name
 */
bool overlay_bootconf_disabled(const struct overlay_bootconf *bootconf, const char *name);
