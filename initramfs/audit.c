/* SPDX-License-Identifier: MIT */
/* Writes what a boot did with each package to the audit log. */
#include "initramfs/audit.h"

#include <stdlib.h>
#include <string.h>

#include "initramfs/log.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

struct overlay_audit *audit_begin(int record_fd, size_t max_bytes, int64_t now)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	struct verity_error why;

	if (overlay_audit_open(record_fd, max_bytes, now, "boot", &audit, &why) < 0 ||
	    overlay_audit_begin_boot(audit, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", why.message);
	return steal_ptr(&audit);
}

static struct overlay_audit_entry describe(const struct boot_package *package)
{
	static const uint8_t none[VERITY_DIGEST_BYTES];
	const struct overlay_state_entry *state = package->state;
	const struct verity_signatures *signatures;
	struct overlay_audit_entry entry = {
		.event = state->active                          ? OVERLAY_AUDIT_ACTIVATE
			 : state->verdict == VERITY_QUARANTINED ? OVERLAY_AUDIT_QUARANTINE
								: OVERLAY_AUDIT_REFUSE,
		.package = &state->entry,
		.version = state->version,
		.verdict = verity_verdict_name(state->verdict),
		.reason = &state->reason,
	};

	/* A refused one has an id too, if its manifest could be read. */
	if (memcmp(package->id, none, sizeof(none)) != 0)
		entry.id = package->id;
	if (!package->verified)
		return entry;
	signatures = &verity_package_judgement(package->verified)->signatures;
	if (signatures->count > 0)
		entry.signer = signatures->signers[0].subject;
	return entry;
}

void audit_end(struct overlay_audit *audit, const struct packages *packages)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *owned = audit;
	cleanup_free struct overlay_audit_entry *entries = NULL;
	size_t count = packages->state.count;
	struct verity_error why;

	if (!owned || count == 0)
		return;
	entries = calloc(count, sizeof(*entries));
	if (!entries)
		return;
	for (size_t i = 0; i < count; i++)
		entries[i] = describe(&packages->items[i]);
	if (overlay_audit_append(owned, entries, count, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", why.message);
}
