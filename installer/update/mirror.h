/* SPDX-License-Identifier: MIT */
#pragma once

/* The catalogue, taken from one of the places that the configuration names. */

#include <stdio.h>

#include "installer/device/device.h"
#include "verity/statement/catalog.h"

/* Plain data; { 0 } is none. */
struct mirror {
	const char *where; /* URL or path; borrowed */
	char *shown;       /* the same without a password; owned */
	char *folder;      /* what packages are below, ends with '/'; owned */
	struct verity_catalog *catalog; /* owned */
	int64_t now;                    /* device time that it was checked by */
};

/**
 * mirror_read - fetch the catalogue, unless it is the one that is known, and verify it
 * @where: of the configuration; borrowed by @ret
 * @keep:  remember it: no older one is accepted after it
 * @out:   for lines about the transfer; NULL: stdout
 * @ret:   set on success only; mirror_free()
 *
 * A refusal is logged. With @keep, device_record_fd() comes before it.
 *
 * Return: 0; as verity_catalog_read() and verity_catalog_check(); what the transfer
 * returns; each with the place in the message.
 */
int mirror_read(struct device *device, const char *where, bool keep, FILE *out,
		struct mirror *ret, struct verity_error *err) must_check;

void mirror_free(struct mirror *mirror);

/**
 * mirror_log_refusal - log that what a place offers was refused
 * @source: URL or path
 */
void mirror_log_refusal(struct device *device, const char *source,
			const struct verity_error *why);

/**
 * mirror_denylist - put the deny list in force that the catalogue names, where it is
 * newer than the one that is
 *
 * Return: 1; 0 where there is none, or it is in force already; -errno with the place in
 * the message.
 */
int mirror_denylist(struct device *device, const struct mirror *mirror, FILE *out,
		    struct verity_error *err) must_check;

/**
 * mirror_denylist_number - number of the deny list that would come; 0: none would
 */
uint32_t mirror_denylist_number(struct device *device, const struct mirror *mirror);
