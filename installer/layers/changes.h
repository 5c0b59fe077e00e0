/* SPDX-License-Identifier: MIT */
#pragma once

/* What a package changes in the firmware and in other packages, as text and as JSON. */

#include "installer/layers/stacks.h"
#include "overlay/contents/critical.h"
#include "verity/util/json_write.h"

/* One change, and the packages that it affects. */
struct change {
	const struct overlay_lookup_change *lookup;
	const struct stacks_package *of; /* whose it changes; NULL: the firmware */
	const struct stacks_package *by; /* where covered, likewise */
	const struct overlay_critical *critical; /* NULL: it is not */
};

struct changes_count {
	size_t added, replaced, deleted, hidden, changed;
	size_t covered;
	size_t critical; /* of all these */
};

/**
 * changes_list - all that a package changes in a stack, by path
 * @take: called for each; a negative return ends it; NULL: just count them
 */
int changes_list(const struct package_stack *stack, const struct stacks_package *package,
		 int (*take)(void *context, const struct change *change,
			     struct verity_error *err),
		 void *context, struct changes_count *ret,
		 struct verity_error *err) must_check;

/**
 * changes_is_conflict - whether it affects more than the package itself: it is not just a
 * file that is added
 */
bool changes_is_conflict(const struct change *change);

#define CHANGES_LOOK_BYTES 96

/**
 * changes_format_look - ", mode 1777 to 0700, owner 0:0 to 1000:1000", or what of that is
 * different; "" where the change is another one
 */
void changes_format_look(const struct overlay_lookup_change *change,
			 char ret[static CHANGES_LOOK_BYTES]);

/**
 * changes_word - "adds", "replaces", "deletes", "hides", "changes"
 */
const char *changes_word(enum overlay_lookup_effect effect);

/**
 * changes_put_owner_keys - add the keys package, version, identity and persistent to the
 * object that is open, or {"firmware": true} for NULL
 * changes_put_owner - the same as an object of its own
 */
void changes_put_owner_keys(struct verity_json_writer *json,
			    const struct stacks_package *owner);
void changes_put_owner(struct verity_json_writer *json, const char *key,
		       const struct stacks_package *owner);

/**
 * changes_put_unknown - the key `unknown`: packages whose contents are not known
 */
void changes_put_unknown(struct verity_json_writer *json, const struct stacks *stacks);

/**
 * changes_print_unknown - the same as lines on stdout
 * @next: only those of the next stack
 */
void changes_print_unknown(const struct stacks *stacks, bool next);

/**
 * changes_put_path - a path with its leading slash
 */
void changes_put_path(struct verity_json_writer *json, const char *key, const char *path);

/**
 * changes_put_count - the numbers as keys of the object that is open
 */
void changes_put_count(struct verity_json_writer *json,
		       const struct changes_count *count);

/**
 * changes_print_count - "adds 3, replaces 1, deletes 1; 1 covered by other packages",
 * without an end of line
 */
void changes_print_count(const struct changes_count *count);
