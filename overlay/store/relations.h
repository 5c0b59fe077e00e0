/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which packages can be active together: what `needs` and `conflicts_with` of their
 * manifests leave out. A boot, its plan, `wmopkg show`, `install` and a forecast ask the
 * same function. Pure.
 */

#include "overlay/store/store.h"
#include "verity/format/manifest.h"

#define OVERLAY_RELATIONS_DEPTH_MAX 16 /* deeper ones count as this deep */

/* An installed package. All borrowed. */
struct overlay_related {
	struct overlay_entry entry;
	const char
		*identity; /* the manifest's name; "" where unreadable, like the next */
	const char *version;
	const struct verity_manifest *manifest; /* NULL where it is not active */
	bool trusted; /* signed as the device requires it; not only allowed */
	bool good;    /* the last good set has it */
	/* It would be, whatever the others are; cleared where they leave it out. */
	bool active;
	struct verity_error *reason; /* why it is not active; set where it is left out */
	/*
	 * Set: how many stand one behind the other on which it depends; of two in a
	 * circle, it says nothing.
	 */
	unsigned depth;
};

/**
 * overlay_relations_exist - whether an active package needs another, or conflicts with
 * one
 */
bool overlay_relations_exist(const struct overlay_related *items,
			     size_t count) must_check;

/**
 * overlay_relations_settle - leave out what cannot be active with the others
 * @items: of one identity at most one is active, see overlay_order_settle(); those that
 *         are not are there for the messages
 *
 * What needs a package that is not active, or too old, is left out (MISSING_NEED), and so
 * is what needs that one. Packages that need each other are active together.
 *
 * Of two that conflict, whichever of them names the other, one is left out (CONFLICT):
 * one that is only allowed before a trusted one, an ordinary one before a persistent one,
 * one that is new before one of the last good set. So what lies on DATA switches off
 * nothing on PERSIST, and what comes new nothing that runs. Where both are alike in this,
 * it is the one that names the conflict, then the one that lies lower in the stack.
 *
 * Nothing is left out for a conflict with a package that is left out itself, unless the
 * packages were made for this: see ROUNDS. Cost: some passes over all needs and
 * conflicts.
 *
 * Return: 0; -ENOMEM, and nothing is changed.
 */
int overlay_relations_settle(struct overlay_related *items, size_t count,
			     struct verity_error *err) must_check;
