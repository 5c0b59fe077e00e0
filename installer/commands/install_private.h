/* SPDX-License-Identifier: MIT */
#pragma once

/* The insides of an installation: installer/commands/install_run.c and
 * installing_notes.c. */

#include "installer/commands/install_replace.h"
#include "installer/commands/install_run.h"
#include "installer/common/progress.h"
#include "verity/package/stream.h"

struct installing {
	struct device *device; /* borrowed, like the rest */
	struct overlay_store *store;
	struct source *source;
	struct overlay_incoming *incoming;
	struct verity_stream *stream;
	enum overlay_store_kind kind;
	struct replacing replaced;
	struct progress progress;
	uint64_t done;                   /* bytes */
	uint8_t id[VERITY_DIGEST_BYTES]; /* verity_judgement_id(), once it is there */
};

/**
 * installing_tell - the verdict, and what is replaced
 */
void installing_tell(const struct installing *installing);

/**
 * installing_audit - write down what was installed, or refused
 * @why: of a failure
 *
 * What never arrived is no event.
 */
void installing_audit(const struct installing *installing, bool installed,
		      const struct verity_error *why);

/**
 * installing_remember - whoever signed it vouches for the day it was signed on
 */
void installing_remember(const struct installing *installing);
