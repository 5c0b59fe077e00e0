/* SPDX-License-Identifier: MIT */
#pragma once

/* What the kernel says that an overlay, not one of ours, is made of. Pure. */

#include "verity/util/error.h"

/* Ways of overlayfs that leave marks in an upper, or follow such in lower folders. */
enum overlay_former_feature {
	OVERLAY_FORMER_REDIRECT,
	OVERLAY_FORMER_METACOPY,
	OVERLAY_FORMER_INDEX,
	OVERLAY_FORMER_FEATURES, /* how many */
};

enum overlay_former_said {
	OVERLAY_FORMER_UNSAID, /* as the kernel does it by itself */
	OVERLAY_FORMER_OFF,
	OVERLAY_FORMER_ON,
};

/* Plain data; the strings are owned. */
struct overlay_former_options {
	char **lowers; /* the one on top first */
	size_t count;
	char *upper, *work; /* NULL: none */
	enum overlay_former_said features[OVERLAY_FORMER_FEATURES];
};

/**
 * overlay_former_options_parse - take the options of an overlay apart
 * @text: the last field of a line of /proc/self/mountinfo, in the kernel's escapes
 * @ret:  filled on success alone; overlay_former_options_free()
 *
 * Both ways of writing lower folders: "lowerdir=a:b", where a colon and a backslash in a
 * name have a backslash before them, and "lowerdir+=a,lowerdir+=b", where they have not.
 * In the paths of the upper and its work folder a backslash is left as it is shown:
 * whether it stands for itself is up to the kernel's version.
 *
 * Return: 0; -EIO (STACK) with folders or options that nothing else can be stacked with;
 * -ENOMEM.
 */
int overlay_former_options_parse(const char *text, struct overlay_former_options *ret,
				 struct verity_error *err) must_check;

void overlay_former_options_free(struct overlay_former_options *options);

/**
 * overlay_former_feature_name - the mount option, and the kernel module's parameter
 */
const char *overlay_former_feature_name(enum overlay_former_feature feature);

/**
 * overlay_former_decode - undo the kernel's escapes: \040 is a blank
 * @text:  changed in place
 */
void overlay_former_decode(char *text);

/**
 * overlay_former_unescape - undo overlayfs's: a backslash stands for what follows it
 * @text: changed in place
 */
void overlay_former_unescape(char *text);
