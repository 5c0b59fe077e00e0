/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The boot configuration: what the bootloader says, in its U-Boot environment where it
 * has one, and on the kernel command line, which has the last word. A pure decoder, and
 * readers of both. Words that are not ours are passed over; a word of ours with a value
 * we do not know counts as not said.
 *
 * In the environment they are variables of the same names. U-Boot takes any byte but "="
 * in a name; its shell reads one with a dot as ${wmopkg.safe}, not as $wmopkg.safe.
 */

#include "verity/util/name.h"

#include <stddef.h>

#define OVERLAY_CMDLINE_MAX  65536 /* bytes read */
#define OVERLAY_DISABLED_MAX 64    /* names */
#define OVERLAY_MEDIA_MAX    16    /* labels */
#define OVERLAY_MATCH_MAX    128   /* bytes */

/* The label that always exists, and is not the boot configuration's to give. */
#define OVERLAY_MEDIA_EXTERNAL "external"

/* What a label of wmopkg.media stands for. */
struct overlay_media {
	char label[VERITY_NAME_MAX + 1];
	char match[OVERLAY_MATCH_MAX + 1]; /* printable; see overlay_media_match() */
};

enum overlay_match {
	OVERLAY_MATCH_LABEL,     /* LABEL= of the file system */
	OVERLAY_MATCH_UUID,      /* UUID= of the file system */
	OVERLAY_MATCH_PARTLABEL, /* PARTLABEL= of the partition */
	OVERLAY_MATCH_DEVICE,    /* a path below /dev */
};

/* What can be said, each by a word of its own. */
enum overlay_bootkey {
	OVERLAY_BOOT_ALLOW_UNTRUSTED,
	OVERLAY_BOOT_SAFE,
	OVERLAY_BOOT_FACTORY_RESET,
	OVERLAY_BOOT_DISABLE,
	OVERLAY_BOOT_MEDIA,
	OVERLAY_BOOTKEYS,
};

enum overlay_boot_origin {
	OVERLAY_BOOT_UNSAID,
	OVERLAY_BOOT_UBOOT,   /* the U-Boot environment */
	OVERLAY_BOOT_CMDLINE, /* the kernel command line */
};

struct overlay_bootconf {
	enum overlay_boot_origin origin[OVERLAY_BOOTKEYS]; /* who had the last word */
	bool allow_untrusted;                              /* wmopkg.allow_untrusted=1 */
	bool safe;          /* wmopkg.safe, wmopkg.safe=1 */
	bool factory_reset; /* wmopkg.factory_reset=1 */
	char disabled[OVERLAY_DISABLED_MAX]
		     [VERITY_NAME_MAX + 1]; /* wmopkg.disable=NAME,… */
	size_t disabled_count;
	struct overlay_media media[OVERLAY_MEDIA_MAX]; /* wmopkg.media=LABEL:MATCH,… */
	size_t media_count;                            /* each label once */
};

/**
 * overlay_bootconf_decode - read a kernel command line
 * @text: @size bytes, not 0-terminated; double quotes group as the kernel groups them
 */
void overlay_bootconf_decode(const char *text, size_t size, struct overlay_bootconf *ret);

/**
 * overlay_bootconf_read - all that the bootloader says
 * @uboot_env: fw_env.config(5) of the U-Boot environment; a file that does not exist says
 *             nothing, nor does any where this was built without U-Boot (option uboot)
 * @cmdline:   file of the kernel command line
 * @ret:       filled on failure too, by what could be read
 *
 * Return: 0; -errno where one of the two could not be read.
 */
int overlay_bootconf_read(const char *uboot_env, const char *cmdline,
			  struct overlay_bootconf *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_bootconf_set - write one word to the U-Boot environment
 * @uboot_env: as above
 * @value:     as overlay_bootkey_check() takes it; NULL: delete it
 *
 * The copy that is not in use is written, and read back. An environment of one copy is
 * not written: a power cut meanwhile would lose all of it.
 *
 * Return: 0; -ENOENT (NOT_FOUND) where there is no environment; -EPERM (UNSUPPORTED)
 * where it has one copy alone, or this was built without U-Boot; -EIO.
 */
int overlay_bootconf_set(const char *uboot_env, enum overlay_bootkey key,
			 const char *value, struct verity_error *err) must_check;

/**
 * overlay_bootconf_load - read the kernel command line from a file
 */
int overlay_bootconf_load(const char *path, struct overlay_bootconf *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_bootconf_disabled - whether wmopkg.disable names @name
 */
bool overlay_bootconf_disabled(const struct overlay_bootconf *bootconf, const char *name);

/**
 * overlay_media_match - how a medium is told from others
 * @ret_value: what it must have; of OVERLAY_MATCH_DEVICE the path, which holds no "..";
 *             borrowed from @media
 */
enum overlay_match overlay_media_match(const struct overlay_media *media,
				       const char **ret_value);

#define OVERLAY_BOOT_VALUE_MAX 8192 /* bytes, with the ending 0 */

/**
 * overlay_bootkey_name - the word as the bootloader has it: "wmopkg.safe"; a constant
 */
const char *overlay_bootkey_name(enum overlay_bootkey key);

/**
 * overlay_bootkey_find - the word called @text, with or without "wmopkg."
 *
 * Return: 0; -EINVAL (USAGE), naming those there are.
 */
int overlay_bootkey_find(const char *text, enum overlay_bootkey *ret,
			 struct verity_error *err) must_check;

/**
 * overlay_bootkey_value - what @conf says by a word, as it would be written
 * @ret: @size bytes; "" where it says nothing, or an empty list
 */
void overlay_bootkey_value(const struct overlay_bootconf *conf, enum overlay_bootkey key,
			   char *ret, size_t size);

/**
 * overlay_bootkey_check - whether the whole of @value would be understood
 *
 * Return: 0; -EINVAL (USAGE), saying what it takes.
 */
int overlay_bootkey_check(enum overlay_bootkey key, const char *value,
			  struct verity_error *err) must_check;
