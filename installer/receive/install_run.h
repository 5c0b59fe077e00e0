/* SPDX-License-Identifier: MIT */
#pragma once

/* One installation: from the source of a package into the store. */

#include "installer/device/device.h"
#include "installer/fetch/source.h"
#include "installer/receive/install_replace.h"
#include "overlay/record/audit_line.h"
#include "overlay/store/store.h"

/* What shows an installation while it goes on, each function in the order of its call. */
struct install_view {
	/*
	 * The head of the file is accepted; the rest follows.
	 * @bytes: that come from the source: blocks that are on the device already do
	 *         not. It may be known only after the tree.
	 */
	void (*begin)(void *context, const char *title, uint64_t bytes);
	/*
	 * Another package is to take the place of the one that has this name. Return: 0
	 * to go on; -errno. May be NULL: go on.
	 */
	int (*confirm)(void *context, const char *name,
		       const struct install_replaced *replaced,
		       const struct verity_manifest *manifest, struct verity_error *err);
	void (*advance)(void *context, uint64_t done_bytes);
	void (*pause)(void *context);           /* a line follows between two pieces */
	void (*end)(void *context, bool whole); /* also if it was never begun */
	void (*verdict)(void *context, enum verity_verdict verdict);
	/* how much is fetched, if not all; what it replaces and covers */
	void (*note)(void *context, const char *line);
	FILE *out;     /* for lines about the transfer; NULL: stdout; borrowed */
	void *context; /* borrowed */
};

/**
 * install_run - fetch a package, verify it while it arrives, and put it into its store
 * @source: borrowed; asked for its bytes once
 * @kind:   the store; a package of this name in the other one is replaced as well
 * @force:  also where it hides a part of the firmware; see critical_check()
 * @view:   borrowed; warnings are reported
 *
 * All that the head of the file tells (verdict, store, identity, space) is checked before
 * the first byte of tree and image is taken. A failure leaves both stores as they were.
 *
 * Return: 0; -errno.
 */
int install_run(struct device *device, struct source *source,
		enum overlay_store_kind kind, bool force, const struct install_view *view,
		struct verity_error *err) must_check;

/* A package that was fetched and judged, on its way into its store. */
struct install;

/**
 * install_begin - before anything is fetched: warn of what keeps packages from being
 * active, and watch for signals
 */
void install_begin(struct device *device);

/* What is to be fetched. @set and @view are borrowed for the call, the others until
 * install_free(). */
struct install_request {
	struct device *device;
	struct source *source;
	struct overlay_incoming
		*incoming;             /* where it goes; NULL: only its head is fetched */
	enum overlay_store_kind kind;  /* of the store */
	enum overlay_store_kind asked; /* the store that was asked for */
	bool force;                    /* see critical_check() */
	const struct install_set *set; /* that it is part of; NULL: it is alone */
	const struct install_view *view; /* NULL where only the head is fetched */
};

/**
 * install_prepare - fetch a package and verify it while it arrives, up to the step that
 * puts it into its store; or its head, into memory, and all that it tells, but for the
 * room
 * @ret: set on success only; install_free()
 *
 * A refusal is logged, but for a head.
 *
 * Return: 0; what the functions of the set return; -errno.
 */
int install_prepare(const struct install_request *request, struct install **ret,
		    struct verity_error *err) must_check;

/**
 * install_describe - the event of this installation, to be logged with the step
 * @package: filled; @ret borrows it
 * @ret:     borrows from @install
 */
void install_describe(const struct install *install, struct overlay_entry *package,
		      struct overlay_audit_entry *ret);

/**
 * install_finish - after that step: end a quarantine, warn where the next boot leaves it
 * out
 */
void install_finish(struct install *install);

void install_free(struct install *install);
DEFINE_CLEANUP(struct install, install_free);

/**
 * install_judgement - what the judge says; borrowed
 */
const struct verity_judgement *install_judgement(const struct install *install);

/**
 * install_verified - the proof for what install_prepare() has fetched; borrowed
 */
const struct verity_verified *install_verified(const struct install *install);

/**
 * install_file_bytes - what the package would have of which install_prepare() has
 * fetched the head
 */
uint64_t install_file_bytes(const struct install *install);
