/* SPDX-License-Identifier: MIT */
#pragma once

/* What the installer does, for the audit log and for syslog. */

#include "installer/device/device.h"
#include "overlay/record/audit.h"

/**
 * auditing_add - add an event
 *
 * To syslog (LOG_AUTHPRIV, as "wmopkg") where somebody listens, and to the audit log
 * where there is a PERSIST. That it cannot be written is a warning and keeps nothing from
 * being done. A source that is a local file is written down with its whole path.
 */
void auditing_add(struct device *device, const struct overlay_audit_entry *entry);

/**
 * auditing_add_judged - likewise, of a package; what the judge says of it is filled in
 * @judgement: NULL where it never came so far
 */
void auditing_add_judged(struct device *device, struct overlay_audit_entry entry,
			 const struct verity_judgement *judgement);
