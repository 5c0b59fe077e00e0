/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a boot knows before it looks at any package: configuration, boot configuration,
 * the volumes and what is remembered on them, whom the device trusts.
 */

#include <limits.h>

#include "initramfs/boot_budget.h"
#include "overlay/config/bootconf.h"
#include "overlay/config/config.h"
#include "overlay/record/state.h"
#include "overlay/record/trust.h"
#include "overlay/store/volume.h"

#define BOOT_NOTES_MAX  32
#define BOOT_NOTE_BYTES 640 /* a message, and where it is from */

/* Whether anything is done, or only looked at. */
enum boot_mode {
	BOOT_DOES,
	BOOT_PLANS, /* nothing is mounted, written or logged */
};

struct boot {
	enum boot_mode mode;
	const char *config_path; /* borrowed */
	struct overlay_config config;
	struct overlay_bootconf conf;
	bool conf_unread; /* what it asks for is not known, and counts as nothing */
	const char *root; /* borrowed: where the firmware's root is mounted; NULL: the
			     system that runs, where it is only planned */
	char layers[PATH_MAX]; /* the folder LAYERS; see overlay/stack/layers_dir.h */

	/* From boot_open() on; -1 or NULL where there is none. */
	int data;
	int persist;
	int record;   /* PERSIST/wmopkg */
	bool records; /* there is one, or would be, were it not only planned */
	struct overlay_store *store; /* of what can be read of the two volumes */
	bool listed[2]; /* by enum overlay_store_kind: the store can be read */
	struct overlay_identity identity;
	struct overlay_trust *trust;
	uint64_t number; /* of this boot; 0: not known */
	struct patience patience;

	struct overlay_span steps[OVERLAY_STEPS]; /* what has taken place so far */

	/* Where it is only planned: what would be in the kernel log. */
	char notes[BOOT_NOTES_MAX][BOOT_NOTE_BYTES];
	size_t notes_count;
	bool resets; /* a factory reset would be carried out first */
	struct overlay_volume_place
		places[2]; /* by enum overlay_store_kind; no path: none */
};

/**
 * boot_begin - read the configuration and the boot configuration
 * @config_path: NULL for the default
 * @root:        borrowed
 * @ret:         to be freed with boot_free(), whatever is returned
 *
 * Return: 0; -EINVAL (CONFIG); -errno.
 */
int boot_begin(const char *config_path, const char *root, enum boot_mode mode,
	       struct boot *ret, struct verity_error *err) must_check;

/**
 * boot_open - find and mount the volumes, clean their stores, and load what is trusted
 *
 * A volume that is missing or cannot be read costs what is on it, and nothing else; the
 * kernel log says so. So does one that is not mounted, where it is only planned.
 */
int boot_open(struct boot *boot, struct verity_error *err) must_check;

/**
 * boot_policy - how packages are judged at a boot: all that is not asked for is left out,
 * and in safe mode, where none is mounted, whatever can be
 */
struct verity_policy boot_policy(const struct boot *boot);

/**
 * boot_describe - what this boot found the device to be, and to trust, and how long it
 * took; for the installer
 */
void boot_describe(const struct boot *boot, struct overlay_state *state);

void boot_free(struct boot *boot);
