/* SPDX-License-Identifier: MIT */
#include "initramfs/audit.h"

#include <stdlib.h>
#include <string.h>

#include "initramfs/log.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

static void complain(const struct verity_error *why)
{
	log_line(LOG_LEVEL_WARNING, "%s", why->message);
}

struct overlay_audit *auditing_begin(int record_fd, size_t max_bytes, int64_t now)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	struct verity_error why;

	if (overlay_audit_open(record_fd, max_bytes, now, "boot", &audit, &why) < 0 ||
	    overlay_audit_begin_boot(audit, &why) < 0)
		complain(&why);
	return steal_ptr(&audit);
}

static enum overlay_audit_event event_of(const struct overlay_state_entry *entry)
{
	if (entry->active)
		return OVERLAY_AUDIT_ACTIVATE;
	return entry->verdict == VERITY_QUARANTINED ? OVERLAY_AUDIT_QUARANTINE
						    : OVERLAY_AUDIT_REFUSE;
}

/* What was refused has one too, as long as its manifest could be read. */
static const uint8_t *id_of(const struct packages *packages, size_t index)
{
	static const uint8_t none[VERITY_DIGEST_BYTES];
	const uint8_t *id = packages->ids[index];

	return memcmp(id, none, sizeof(none)) != 0 ? id : NULL;
}

static void describe(const struct packages *packages, size_t index,
		     struct overlay_audit_entry *ret)
{
	const struct overlay_state_entry *entry = &packages->state.entries[index];
	const struct verity_package *package = packages->judged[index];
	const struct verity_signatures *signatures;

	*ret = (struct overlay_audit_entry){
		.event = event_of(entry),
		.package = &entry->entry,
		.version = entry->version,
		.verdict = verity_verdict_name(entry->verdict),
		.reason = &entry->reason,
		.id = id_of(packages, index),
	};
	if (!package)
		return;
	signatures = &verity_package_judgement(package)->signatures;
	if (signatures->count > 0)
		ret->signer = signatures->signers[0].subject;
}

void auditing_end(struct overlay_audit *audit, const struct packages *packages)
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
		describe(packages, i, &entries[i]);
	if (overlay_audit_append(owned, entries, count, &why) < 0)
		complain(&why);
}
