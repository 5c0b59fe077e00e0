/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a boot knows before it reads any package: configuration, boot configuration, the
 * volumes and the records on them, whom the device trusts.
 */

#include <limits.h>

#include "initramfs/boot_budget.h"
#include "initramfs/hints.h"
#include "initramfs/log.h"
#include "overlay/config/bootconf.h"
#include "overlay/config/config.h"
#include "overlay/record/state.h"
#include "overlay/record/trust.h"
#include "overlay/store/change_set.h"
#include "overlay/store/volume.h"

#define BOOT_NOTES_MAX  32
#define BOOT_NOTE_BYTES 640 /* a message, with where it is from */

/* Whether the boot is carried out or only planned. */
enum boot_mode {
	BOOT_DOES,
	BOOT_PLANS, /* nothing is mounted, written or logged */
};

struct boot {
	enum boot_mode mode;
	const char *config_path; /* borrowed */
	struct overlay_config config;
	struct overlay_bootconf conf;
	bool conf_unread; /* it could not be read, and counts as empty */
	const char *root; /* borrowed: where the firmware's root is mounted; NULL, for a
			     plan only: the system that runs */
	char layers[PATH_MAX]; /* the folder LAYERS; see overlay/stack/layers_dir.h */

	/* From boot_open() on; -1 or NULL where there is none. */
	int data;
	bool late; /* DATA did not answer */
	int persist;
	int record;                  /* PERSIST/wmopkg */
	bool records;                /* there is one, or would be after a real boot */
	struct overlay_store *store; /* of the volumes that can be read */
	struct overlay_change_set_log set_log; /* of the store */
	struct overlay_identity identity;
	struct overlay_trust *trust;
	uint64_t number;    /* of this boot; 0: not known */
	struct hints hints; /* of a plan: empty */
	struct boot_budget budget;

	struct overlay_span steps[OVERLAY_STEPS]; /* what has taken place so far */

	/* Of a plan: what would be in the kernel log. */
	char notes[BOOT_NOTES_MAX][BOOT_NOTE_BYTES];
	size_t notes_count;
	bool resets; /* a factory reset would come first */
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
 * boot_tell - write to the kernel log, or to .notes where the boot is only planned
 */
void boot_tell(struct boot *boot, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * boot_has_state - whether there is a state file: an activation that was completed
 */
bool boot_has_state(const struct overlay_config *config);

/**
 * boot_policy - how packages are verified at a boot: nothing more than is needed, and in
 * safe mode, where none is mounted, as little as possible
 */
struct verity_policy boot_policy(const struct boot *boot);

/**
 * boot_describe - describe the device, whom it trusts, and the time of each step; for the
 * state file
 */
void boot_describe(const struct boot *boot, struct overlay_state *state);

void boot_free(struct boot *boot);
