/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The boot configuration: keys on the kernel command line, and variables of the same
 * names in the U-Boot environment where the device has one; the command line overrides
 * them. A pure decoder, and readers of both. Unknown words are ignored, and so is a known
 * one with a value that is not understood: overlay_bootconf_unused() tells which.
 *
 * U-Boot allows any byte but "=" in the name of a variable; its shell reads one with a
 * dot as ${wmopkg.safe}, not as $wmopkg.safe.
 */

#include <stdint.h>

#include "overlay/config/bootconf_media.h"
#include "verity/util/error.h"

#define OVERLAY_CMDLINE_MAX  65536 /* bytes read */
#define OVERLAY_DISABLED_MAX 64    /* names */
#define OVERLAY_MEDIA_MAX    16    /* labels */
#define OVERLAY_UNKNOWN_MAX  64    /* bytes of an unknown key that are kept, with the 0 */

/* The keys; overlay/config/bootconf.c has the table of them. */
enum overlay_bootkey {
	OVERLAY_BOOT_ALLOW_UNTRUSTED,
	OVERLAY_BOOT_SAFE,
	OVERLAY_BOOT_FACTORY_RESET,
	OVERLAY_BOOT_DISABLE,
	OVERLAY_BOOT_MEDIA,
	OVERLAY_BOOT_DEBUG,
	OVERLAY_BOOTKEYS,
};

enum overlay_boot_origin {
	OVERLAY_BOOT_UNSET,
	OVERLAY_BOOT_UBOOT,   /* the U-Boot environment */
	OVERLAY_BOOT_CMDLINE, /* the kernel command line */
};

struct overlay_bootconf {
	enum overlay_boot_origin origin[OVERLAY_BOOTKEYS]; /* of the value that counts */
	bool allow_untrusted;                              /* wmopkg.allow_untrusted=1 */
	bool safe;          /* wmopkg.safe, wmopkg.safe=1 */
	bool factory_reset; /* wmopkg.factory_reset=1 */
	bool debug;         /* wmopkg.debug, wmopkg.debug=1 */
	char disabled[OVERLAY_DISABLED_MAX]
		     [VERITY_NAME_MAX + 1]; /* wmopkg.disable=NAME,… */
	size_t disabled_count;
	struct overlay_media media[OVERLAY_MEDIA_MAX]; /* wmopkg.media=LABEL:MATCH,… */
	size_t media_count;                            /* each label once */
	/* of each key, 1 << origin: where a value, or a part of it, was not understood */
	uint8_t unused[OVERLAY_BOOTKEYS];
	char unknown[OVERLAY_UNKNOWN_MAX]; /* first unknown wmopkg.… on the command line
					    */
};

/**
 * overlay_bootconf_decode - read a kernel command line
 * @text: @size bytes, not 0-terminated; double quotes group as the kernel groups them
 */
void overlay_bootconf_decode(const char *text, size_t size, struct overlay_bootconf *ret);

/**
 * overlay_bootconf_read - the U-Boot environment and the kernel command line together
 * @uboot_env: fw_env.config(5); without such a file, or without U-Boot support (option
 *             uboot), there is no environment
 * @cmdline:   file of the kernel command line
 * @ret:       filled on failure too, by what could be read; Allow Untrusted is not set
 *             then where the command line is what could not be read
 *
 * Return: 0; -errno where one of the two could not be read.
 */
int overlay_bootconf_read(const char *uboot_env, const char *cmdline,
			  struct overlay_bootconf *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_bootconf_unused - what is written in the boot configuration without effect
 * @at:  0 before the first call
 * @ret: filled where there is one more: which key, where it is, and what it takes
 *
 * Return: whether there was one more.
 */
bool overlay_bootconf_unused(const struct overlay_bootconf *conf, unsigned *at,
			     struct verity_error *ret);

/**
 * overlay_bootconf_set - write one key to the U-Boot environment
 * @uboot_env: as above
 * @value:     checked by overlay_bootkey_check(); NULL: delete it
 *
 * @ret_counts and return: as overlay_uboot_write() of overlay/config/uboot.h.
 */
int overlay_bootconf_set(const char *uboot_env, enum overlay_bootkey key,
			 const char *value, bool *ret_counts,
			 struct verity_error *err) must_check;

/**
 * overlay_bootconf_load - read the kernel command line from a file
 */
int overlay_bootconf_load(const char *path, struct overlay_bootconf *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_bootconf_disabled - whether wmopkg.disable names @name
 */
bool overlay_bootconf_disabled(const struct overlay_bootconf *bootconf, const char *name);

#define OVERLAY_BOOT_VALUE_MAX 8192 /* bytes, with the ending 0 */

/**
 * overlay_bootkey_name - the key as the bootloader has it: "wmopkg.safe"; a constant
 */
const char *overlay_bootkey_name(enum overlay_bootkey key);

/**
 * overlay_bootkey_short - the same as people type it: "safe"
 */
const char *overlay_bootkey_short(enum overlay_bootkey key);

/**
 * overlay_bootkey_takes - which values it has, in a few words; a constant
 * overlay_bootkey_is_switch - whether these are 0 and 1
 */
const char *overlay_bootkey_takes(enum overlay_bootkey key);
bool overlay_bootkey_is_switch(enum overlay_bootkey key);

/**
 * overlay_bootkey_find - the key called @text, with or without "wmopkg."
 *
 * Return: 0; -EINVAL (USAGE), and the message lists the keys.
 */
int overlay_bootkey_find(const char *text, enum overlay_bootkey *ret,
			 struct verity_error *err) must_check;

/**
 * overlay_bootkey_value - the value of a key in @conf, as it would be written
 * @ret: @size bytes; "" where it is not set, or an empty list
 */
void overlay_bootkey_value(const struct overlay_bootconf *conf, enum overlay_bootkey key,
			   char *ret, size_t size);

/**
 * overlay_bootkey_check - whether the whole of @value would be understood
 *
 * Return: 0; -EINVAL (USAGE), and the message says what the key takes.
 */
int overlay_bootkey_check(enum overlay_bootkey key, const char *value,
			  struct verity_error *err) must_check;
