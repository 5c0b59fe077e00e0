/* SPDX-License-Identifier: MIT */
#pragma once

/* What a package does to the firmware and to others, in words and in JSON. */

#include "installer/device/stacks.h"
#include "overlay/contents/critical.h"

#include <json.h>

/* One change, with whom it concerns. */
struct change {
	const struct overlay_lookup_change *shadow;
	const struct layering_package *of; /* whose it changes; NULL: the firmware */
	const struct layering_package *by; /* where covered, likewise */
	const struct overlay_critical *critical; /* NULL: it is not */
};

struct changes_count {
	size_t added, replaced, deleted, hidden;
	size_t covered;
	size_t critical; /* of all these */
};

/**
 * changes_list - all that a package changes in a stack, by path
 * @take: called for each; a negative return ends it; NULL: just count them
 */
int changes_list(
	const struct layering_stack *stack, const struct layering_package *package,
	int (*take)(void *context, const struct change *change, struct verity_error *err),
	void *context, struct changes_count *ret, struct verity_error *err) must_check;

/**
 * changes_word - "adds", "replaces", "deletes", "hides"
 */
const char *changes_word(enum overlay_lookup_effect effect);

/**
 * changes_owner - {"package": …, "version": …, "identity": …, "persistent": …}, or
 * {"firmware": true} for NULL
 *
 * Return: NULL where memory is short; json_object_put().
 *
 * changes_put_owner - the same as a key of a JSON object
 */
struct json_object *changes_owner(const struct layering_package *owner) must_check;
bool changes_put_owner(struct json_object *object, const char *key,
		       const struct layering_package *owner) must_check;

/**
 * changes_put_unknown - the key `unknown`: packages whose contents are not known
 */
bool changes_put_unknown(struct json_object *object,
			 const struct layering *layering) must_check;

/**
 * changes_put_path - a path as a key of a JSON object: with its slash, and '?' for what
 * cannot be printed
 */
bool changes_put_path(struct json_object *object, const char *key,
		      const char *path) must_check;

/**
 * changes_put_count - the numbers as keys of a JSON object
 */
bool changes_put_count(struct json_object *object,
		       const struct changes_count *count) must_check;

/**
 * changes_print_count - "adds 3, replaces 1, deletes 1; 1 covered by other packages",
 * without an end of line
 */
void changes_print_count(const struct changes_count *count);
