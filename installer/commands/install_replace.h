/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an installation takes the place of. Known from what the installed files say of
 * themselves: good enough to tell people, and for nothing else.
 */

#include "overlay/store/store.h"
#include "verity/format/manifest.h"

/* What lies there under the name that a package is going to have. Plain data. */
struct replacing {
	bool there; /* false: nothing does, and the rest is not set */
	bool readable;
	enum overlay_store_kind kind;
	char identity[VERITY_NAME_MAX + 1]; /* "" where unreadable, like the next */
	char version[VERITY_VERSION_MAX + 1];
};

/**
 * replacing_find - what @name stands for now
 */
void replacing_find(const struct overlay_store *store, const char *name,
		    struct replacing *ret);

/**
 * replacing_check_identity - whether a package is installed under another name already
 * @name:     that it is going to have
 * @identity: in its manifest
 *
 * Two of one identity would lie on each other, and what removes the one would leave the
 * other. An installed package that cannot be read is nobody's hindrance.
 *
 * Return: 0; -EEXIST (OTHER_NAME).
 */
int replacing_check_identity(const struct overlay_store *store, const char *name,
			     const char *identity, struct verity_error *err) must_check;

/**
 * replacing_format - "Replaces version 1.0 with 1.1." and the like
 * @manifest: of what comes, into the store of @kind
 * @ret:      "" where nothing is replaced
 */
void replacing_format(const struct replacing *replaced,
		      const struct verity_manifest *manifest,
		      enum overlay_store_kind kind, char ret[static 512]);
