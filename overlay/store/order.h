/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where a package lies: in which store, on which other packages, and whether it counts
 * beside others that are the same package. Pure.
 */

#include "overlay/store/store.h"
#include "verity/format/manifest.h"

struct overlay_order_item {
	struct overlay_entry entry;
	int priority;
	size_t index; /* the caller's, carried along */
};

/**
 * overlay_order_sort - put packages in order, the one on top first
 *
 * Higher priority lies on top; of equal priority, the later name in byte order.
 */
void overlay_order_sort(struct overlay_order_item *items, size_t count);

/**
 * overlay_order_check_store - whether a package may lie in the store of @kind
 *
 * Checked at installation and at each boot: of a package that was copied there by hand, a
 * factory reset would delete what its signer wants kept, or keep what has to go.
 *
 * Return: 0; -EOPNOTSUPP (MISPLACED).
 */
int overlay_order_check_store(const struct verity_manifest *manifest,
			      enum overlay_store_kind kind,
			      struct verity_error *reason) must_check;

/* A package that would be active if it were the only one. Texts are borrowed. */
struct overlay_claim {
	struct overlay_entry entry;
	const char *identity; /* the manifest's name */
	const char *version;
	uint32_t epoch;
	bool trusted; /* signed as the device requires it; not only allowed */
	bool good;    /* the last good set has it */
};

/**
 * overlay_order_settle - of several files of one package, find the one that counts
 * @ret: @count items: the index of the claim that counts in place of this one; its own
 *       index where it counts itself
 *
 * One identity is one package, and so is one installed name. Of these files one counts:
 * a trusted one before one that is only allowed, so that a forgery never displaces it; a
 * persistent one before an ordinary one; then the higher epoch, the later version, the
 * one of the last good set, the name that comes first in byte order.
 *
 * Return: 0; -ENOMEM.
 */
int overlay_order_settle(const struct overlay_claim *claims, size_t count, size_t *ret,
			 struct verity_error *err) must_check;

/**
 * overlay_order_duplicate - why @claim is left out, where @counts is the one that counts
 */
void overlay_order_duplicate(const struct overlay_claim *claim,
			     const struct overlay_claim *counts,
			     struct verity_error *ret);
