/* SPDX-License-Identifier: MIT */
#pragma once

/* Events of the commands, for the audit log and for syslog. */

#include "installer/device/device.h"
#include "overlay/record/audit.h"

/**
 * audit_add - log an event
 *
 * To syslog (LOG_AUTHPRIV, as "wmopkg") and, where there is a PERSIST, to the audit log.
 * A failure is a warning. A source that is a local file is logged with its whole path.
 */
void audit_add(struct device *device, const struct overlay_audit_entry *entry);

/**
 * audit_keep - keep the lines of a step that is about to be made: see
 * overlay_audit_step_keep()
 * @ret: digest of what is kept
 *
 * A failure is a warning: where the step is cut off, it is not logged then.
 *
 * Return: whether it is kept; false without PERSIST.
 */
bool audit_keep(struct device *device, const struct overlay_audit_entry *entries,
		size_t count, uint8_t ret[static VERITY_DIGEST_BYTES]);

/**
 * audit_add_kept - log the events of a step, which are no longer kept then
 */
void audit_add_kept(struct device *device, const struct overlay_audit_entry *entries,
		    size_t count);

/**
 * audit_judged - what the judge says of a package, for an event about it
 * @judgement: borrowed; NULL where the package was not judged
 */
void audit_judged(struct overlay_audit_entry *entry,
		  const struct verity_judgement *judgement);

/**
 * audit_add_judged - log an event about a package, with its verdict
 * @judgement: NULL where the package was not judged
 */
void audit_add_judged(struct device *device, struct overlay_audit_entry entry,
		      const struct verity_judgement *judgement);
