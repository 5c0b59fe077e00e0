/* SPDX-License-Identifier: MIT */
/* Reads the audit log for packages that were quarantined. */
#include "installer/update/quarantined.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/record/audit.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"

struct seen {
	struct {
		uint8_t id[VERITY_DIGEST_BYTES];
		char name[VERITY_NAME_MAX + 1]; /* as it was installed */
	} * items;
	size_t count;
	bool no_memory;
};

/* Those with this id, or, where there is none, with this name. */
static void forget(struct seen *seen, const uint8_t *id, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < seen->count; i++)
		if (id ? memcmp(seen->items[i].id, id, VERITY_DIGEST_BYTES) != 0
		       : strcmp(seen->items[i].name, name) != 0)
			seen->items[kept++] = seen->items[i];
	seen->count = kept;
}

static void look(void *context, const char *line, size_t size, struct json_object *object)
{
	struct seen *seen = context;
	const char *event = object ? overlay_audit_get(object, "event") : "";
	const char *name = object ? overlay_audit_get(object, "package") : "";
	uint8_t id[VERITY_DIGEST_BYTES];
	size_t bytes = 0;
	bool has_id = object &&
		      verity_hex_decode(overlay_audit_get(object, "id"), id, sizeof(id),
					&bytes) == 0 &&
		      bytes == sizeof(id);
	void *more;

	(void)line;
	(void)size;
	if (strcmp(event, overlay_audit_event_name(OVERLAY_AUDIT_RETRY)) == 0)
		forget(seen, NULL, name);
	if (!has_id)
		return;
	if (strcmp(event, overlay_audit_event_name(OVERLAY_AUDIT_INSTALL)) == 0)
		forget(seen, id, name);
	if (strcmp(event, overlay_audit_event_name(OVERLAY_AUDIT_QUARANTINE)) != 0)
		return;
	forget(seen, id, name);
	more = reallocarray(seen->items, seen->count + 1, sizeof(*seen->items));
	if (!more) {
		seen->no_memory = true;
		return;
	}
	seen->items = more;
	memcpy(seen->items[seen->count].id, id, sizeof(id));
	snprintf(seen->items[seen->count].name, sizeof(seen->items[0].name), "%s", name);
	seen->count++;
}

int update_quarantined(struct device *device, const struct verity_quarantine *now,
		       struct verity_quarantine *ret, struct verity_error *err)
{
	struct seen seen = {.items = NULL};
	uint8_t(*ids)[VERITY_DIGEST_BYTES] = NULL;
	int record;
	int r = device_record_fd(device, &record, err);

	if (r == 0 && record >= 0)
		r = overlay_audit_each(record, SIZE_MAX, false, look, &seen, err);
	if (r == -ENOENT)
		r = 0;
	if (r == 0)
		ids = calloc(now->count + seen.count + 1, sizeof(*ids));
	if (r == 0 && (!ids || seen.no_memory))
		r = verity_no_memory(err);
	for (size_t i = 0; r == 0 && i < now->count; i++)
		memcpy(ids[i], now->ids[i], sizeof(*ids));
	for (size_t i = 0; r == 0 && i < seen.count; i++)
		memcpy(ids[now->count + i], seen.items[i].id, sizeof(*ids));
	free(seen.items);
	if (r < 0) {
		free(ids);
		return r;
	}
	*ret = (struct verity_quarantine){(const uint8_t(*)[VERITY_DIGEST_BYTES])ids,
					  now->count + seen.count};
	return 0;
}
