/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an installation replaces. Read from unverified manifests of the installed files:
 * good enough for messages, and for nothing else.
 */

#include "overlay/store/store.h"
#include "verity/package/judge.h"
#include "verity/package/package.h"

#define INSTALL_REPLACES_BYTES 512

/* The installed file of the same name. Plain data. */
struct install_replaced {
	bool there; /* false: none; the rest is not set */
	bool readable;
	enum overlay_store_kind kind;
	char identity[VERITY_NAME_MAX + 1]; /* "" where unreadable, like the next */
	char version[VERITY_VERSION_MAX + 1];
};

/* The set of packages that one is installed with. */
struct install_set {
	/* Whether what has arrived is what the set wants. Return: 0 to go on; -errno. */
	int (*accept)(void *context, const struct verity_judgement *judgement,
		      uint64_t file_bytes, struct verity_error *err);
	/* Whether the set removes or replaces an installed package. */
	bool (*goes)(void *context, const char *name);
	/*
	 * The packages of the set that have arrived before it, one for each @index from 0
	 * on. Return: false after the last one.
	 */
	bool (*beside)(void *context, size_t index, struct overlay_entry *ret,
		       const struct verity_verified **ret_verified);
	void *context; /* borrowed */
};

/**
 * install_find_replaced - the installed file called @name
 */
int install_find_replaced(const struct overlay_store *store, const char *name,
			  struct install_replaced *ret,
			  struct verity_error *err) must_check;

/**
 * install_check_identity - whether the same package is installed under another name
 * @policy:   who is trusted; borrowed
 * @name:     the installed name that the new one is going to have
 * @identity: of its manifest
 * @set:      what goes with it is passed over; NULL: nothing does
 *
 * Of two files of one identity one counts, and removing it would leave the other. What
 * the device would not use is passed over: a forgery that was copied to DATA prevents no
 * installation.
 *
 * Return: 0; -EEXIST (OTHER_NAME).
 */
int install_check_identity(const struct overlay_store *store,
			   const struct verity_policy *policy, const char *name,
			   const char *identity, const struct install_set *set,
			   struct verity_error *err) must_check;

/**
 * install_format_replaced - "Replaces version 1.0 with 1.1." and the like
 * @manifest: of the new package, which goes into the store of @kind
 * @asked:    the store that was asked for
 * @ret:      "" where nothing is replaced
 */
void install_format_replaced(const struct install_replaced *replaced,
			     const struct verity_manifest *manifest,
			     enum overlay_store_kind kind, enum overlay_store_kind asked,
			     char ret[static INSTALL_REPLACES_BYTES]);
