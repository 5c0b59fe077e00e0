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
 * audit_add_judged - log an event about a package, with its verdict
 * @judgement: NULL where the package was not judged
 */
void audit_add_judged(struct device *device, struct overlay_audit_entry entry,
		      const struct verity_judgement *judgement);
