/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which packages of a catalogue are updates of those that are installed. Pure: it fetches
 * nothing, and decides by the rules that judge packages. What it chooses is judged again,
 * whole, when it arrives.
 */

#include "overlay/store/store.h"
#include "verity/package/judge.h"
#include "verity/statement/catalog.h"

/* An installed package. Borrowed. */
struct update_installed {
	struct overlay_entry entry;
	const struct verity_manifest *manifest;
	bool accepted; /* the device would use it, whatever the others are */
	bool wanted;   /* an update of it is asked for */
};

/* What is chosen for one of them; the entries are the catalogue's. */
struct update_choice {
	const struct verity_catalog_entry *chosen; /* NULL: it stays */
	/* The newest one that is newer than what it will be, and does not fit. */
	const struct verity_catalog_entry *passed; /* NULL: none */
	struct verity_error why;                   /* of that */
};

/**
 * update_choose - for each installed package, the newest that fits
 * @policy:  model, firmware, deny list, floors and quarantine of this device
 * @serial:  of this device, for its draw in rollouts; "": not known
 * @ret:     room for @count choices
 *
 * Never one that is older than, or as old as, what is installed, and none of a package
 * that is not. What would not be active with the other packages, as they then are, is
 * passed over: a need that is not met, or a conflict.
 *
 * Return: 0; -ENOMEM.
 */
int update_choose(const struct verity_catalog_text *catalog,
		  const struct update_installed *items, size_t count,
		  const struct verity_policy *policy, const char *serial,
		  struct update_choice *ret, struct verity_error *err) must_check;
