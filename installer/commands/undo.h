/* SPDX-License-Identifier: MIT */
#pragma once

/* The last installation or removal taken back, without the question before it. */

#include "installer/common/report.h"
#include "installer/device/device.h"
#include "overlay/store/kept.h"
#include "verity/package/package.h"

#define UNDO_LINE_BYTES 512
#define UNDO_MARK_BYTES (2 * VERITY_DIGEST_BYTES + 1) /* with its end */

/* What is going to be done to one package. */
struct undo_step {
	struct overlay_kept_item item;
	struct overlay_entry entry;        /* what comes back, or goes */
	struct verity_package *returns;    /* owned: what comes back; NULL: nothing */
	char goes[VERITY_VERSION_MAX + 1]; /* version of what goes; "" for nothing, or
					      where it cannot be read */
	struct verity_error why; /* it is not possible; code VERITY_OK where it is */
};

struct undo {
	struct undo_step *steps; /* owned */
	size_t count;
	size_t possible; /* steps */
};

void undo_free(struct undo *undo);

/**
 * undo_find - the last change since the boot, and what comes back by it, judged as an
 * installation judges
 * @ret: set on success only; undo_free()
 *
 * Cost: reads each package that comes back.
 *
 * Return: 0; -ENOENT (NOT_FOUND) where nothing was changed since the boot; -errno.
 */
int undo_find(struct device *device, struct undo *ret,
	      struct verity_error *err) must_check;

/**
 * undo_format - "pkgname: version 2.0 goes, version 1.0 comes back", or why not
 */
void undo_format(const struct undo_step *step, char ret[static UNDO_LINE_BYTES]);

/**
 * undo_mark - text that only the same undo of the same files has
 *
 * Return: 0; -EIO.
 */
int undo_mark(const struct undo *undo, char ret[static UNDO_MARK_BYTES],
	      struct verity_error *err) must_check;

/**
 * undo_check - a warning for each package that it keeps from being active: one that needs
 * what goes, or that comes back without what it needs
 *
 * Return: 0; -EPERM (REQUIRED) where the device does not start without one of them.
 */
int undo_check(struct device *device, const struct undo *undo,
	       struct verity_error *err) must_check;

/**
 * undo_run - do all that is possible, and log it; reports the rest
 */
enum exit_status undo_run(struct device *device, const struct undo *undo) must_check;
