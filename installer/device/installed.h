/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The installed packages and their states: from the stores, the state file of this boot,
 * and the judge for what that does not tell.
 */

#include "installer/device/device.h"
#include "verity/package/inspect.h"
#include "verity/package/package.h"

enum installed_status {
	INSTALLED_UNKNOWN,  /* nothing was activated in this boot */
	INSTALLED_ACTIVE,   /* this boot activated it */
	INSTALLED_INACTIVE, /* it did not, or the next one will not */
	INSTALLED_PENDING,  /* the next boot will */
	INSTALLED_REMOVED,  /* no longer installed, but active until the next boot */
};

struct installed {
	struct overlay_entry entry;
	enum installed_status status;
	bool active; /* it, or what it replaced, is part of the running system */
	bool ends;   /* active, and nothing of this name will be after the next boot */
	bool left_of_move; /* an ordinary file, and the persistent one of its name counts
			    */
	bool moved; /* what runs came from the other store, where it no longer is */
	enum verity_verdict verdict;
	char identity[VERITY_NAME_MAX + 1]; /* "" where unreadable, like the next two */
	char version[VERITY_VERSION_MAX + 1];
	char description[VERITY_DESCRIPTION_MAX + 1];
	char running[VERITY_VERSION_MAX + 1]; /* version active now, where another file */
	struct verity_error reason;           /* why not active, or not plainly Signed */
	/* What this boot did with a file of this name; NULL: nothing; the device's */
	const struct overlay_state_entry *booted;
	struct verity_package *package; /* owned; NULL where it was not opened */
};

struct installed_list {
	struct installed *items; /* owned */
	size_t count;
	struct overlay_unlisted unlisted[2]; /* by enum overlay_store_kind */
};

/* How a list is read. */
enum installed_depth {
	INSTALLED_CHANGED, /* what the state file of this boot does not tell is judged */
	INSTALLED_HEADS,   /* each is opened and judged, and stays open, but no image is
			      read: one that is damaged is not noticed */
	INSTALLED_WHOLE,   /* each is opened and judged again, and stays open */
};

/**
 * installed_list_read - all packages, or those called @name
 * @name:  NULL for all
 * @depth: of those that were asked for
 * @ret:   sorted by name, of both stores the persistent one first, those removed since
 *         the boot last; set on success only;
 *         installed_list_free()
 *
 * A package that cannot be read is Invalid, with the reason. Of several files of one
 * package those that do not count are left out, as at a boot. Cost: reads each package
 * that was added or changed since the boot, and all where the list is INSTALLED_WHOLE or
 * another deny list is in force; and the preamble of each file that may be a duplicate.
 * A package that runs and would be refused now is active until the next boot.
 * Where only root can read the stores, all packages are those of the state file, with a
 * warning.
 *
 * Return: 0, also where there is none; -errno.
 */
int installed_list_read(struct device *device, const char *name,
			enum installed_depth depth, struct installed_list *ret,
			struct verity_error *err) must_check;

void installed_list_free(struct installed_list *list);

#define INSTALLED_UNLISTED_BYTES 256

/**
 * installed_format_unlisted - a sentence for people about the files of a store that are
 * in no list
 * @store: what the store is called
 *
 * Return: false where there are none; @ret is untouched then.
 */
bool installed_format_unlisted(const char *store, const struct overlay_unlisted *unlisted,
			       char ret[static INSTALLED_UNLISTED_BYTES]) must_check;

/**
 * installed_inspect - what the manifest of an installed file says, without a verdict
 * @ret: verity_inspection_free(); NULL where the file is none, is damaged or is gone:
 *       `show` reports why
 *
 * Return: 0; -errno that passes (verity/util/passing.h) and says nothing of the file.
 */
int installed_inspect(const struct overlay_store *store,
		      const struct overlay_entry *entry, struct verity_inspection **ret,
		      struct verity_error *err) must_check;

/**
 * installed_is_required - whether the device does not start without it
 *
 * The name in the manifest is what is required; of a package that no boot has read, the
 * name of its file says it.
 */
bool installed_is_required(struct device *device, const struct overlay_entry *entry);

/**
 * installed_name - the name of the package that somebody means who typed a name or the
 * file name NAME.wmopkg
 * @typed:  an installed name stands for itself
 * @buffer: for the result where it is not @typed itself
 */
const char *installed_name(const struct overlay_store *store, const char *typed,
			   char buffer[static VERITY_NAME_MAX + 1]);

/**
 * installed_fail_unknown - fail because no package is called @name; the message lists the
 * installed ones, first those with similar names
 *
 * Return: -ENOENT.
 */
int installed_fail_unknown(const struct overlay_store *store, const char *name,
			   struct verity_error *err);

/**
 * installed_path - the path of a package file, for people
 * @ret: 0-terminated
 *
 * Return: false where it cannot be determined.
 */
bool installed_path(struct device *device, const struct overlay_entry *entry, char *ret,
		    size_t size) must_check;
