/* SPDX-License-Identifier: MIT */
/* The last good set: taken from a boot, read, written and compared. */
#include "overlay/record/good_set.h"

#include <errno.h>
#include <string.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_table.h"

static const struct verity_json_field good_fields[] = {
	VERITY_JSON_TEXT("name", struct overlay_good, entry.name,
			 .valid = verity_name_valid),
	VERITY_JSON_BOOL("persistent", struct overlay_good, entry.kind),
	VERITY_JSON_TEXT("identity", struct overlay_good, identity,
			 .valid = verity_name_valid),
	VERITY_JSON_HEX("root_hash", struct overlay_good, root_hash),
	{.key = NULL},
};

static const struct verity_json_field good_item = {.type = VERITY_JSON_IS_OBJECT,
						   .fields = good_fields};

static const struct verity_json_field set_fields[] = {
	VERITY_JSON_WORD("type", "good"),
	VERITY_JSON_FORMAT("format", 1),
	VERITY_JSON_LIST("packages", struct overlay_good_set, items, count, &good_item,
			 OVERLAY_GOOD_MAX),
	{.key = NULL},
};

void overlay_good_free(struct overlay_good_set *set)
{
	free(set->items);
	*set = (struct overlay_good_set){.count = 0};
}

/* The boot says nothing of what a package of the set has become. */
static bool is_passed_over(const struct overlay_state *state,
			   const struct overlay_good *good)
{
	const struct overlay_state_entry *entry = overlay_state_find(state, &good->entry);

	if (!entry) {
		/* Removed, unless the store was not read, or not to its end. */
		for (size_t i = 0; i < state->count; i++)
			if (state->entries[i].entry.kind == good->entry.kind)
				return state->unlisted[good->entry.kind].over > 0;
		return true;
	}
	switch (entry->reason.code) {
	case VERITY_E_TIMED_OUT:
	case VERITY_E_TOO_MANY:
	case VERITY_E_NO_MEMORY:
	case VERITY_E_DISABLED:
	case VERITY_E_SAFE_MODE:
	case VERITY_E_MISSING_NEED:
		return !entry->active;
	default:
		return false;
	}
}

int overlay_good_take(const struct overlay_state *state,
		      const struct overlay_good_set *before, struct overlay_good_set *ret,
		      struct verity_error *err)
{
	struct overlay_good *items = calloc(OVERLAY_GOOD_MAX, sizeof(*items));
	size_t count = 0;

	if (!items)
		return verity_no_memory(err);
	for (size_t i = 0; i < state->count && count < OVERLAY_GOOD_MAX; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];

		if (!entry->active)
			continue;
		items[count].entry = entry->entry;
		memcpy(items[count].identity, entry->identity, sizeof(entry->identity));
		memcpy(items[count++].root_hash, entry->root_hash,
		       sizeof(entry->root_hash));
	}
	for (size_t i = 0; i < before->count && count < OVERLAY_GOOD_MAX; i++)
		if (is_passed_over(state, &before->items[i]))
			items[count++] = before->items[i];
	*ret = (struct overlay_good_set){items, count};
	return 0;
}

static bool is_same(const struct overlay_good *a, const struct overlay_good *b)
{
	return a->entry.kind == b->entry.kind &&
	       strcmp(a->entry.name, b->entry.name) == 0 &&
	       strcmp(a->identity, b->identity) == 0 &&
	       memcmp(a->root_hash, b->root_hash, sizeof(a->root_hash)) == 0;
}

bool overlay_good_has(const struct overlay_good_set *set,
		      const struct overlay_entry *entry, const char *identity,
		      const uint8_t root_hash[static VERITY_DIGEST_BYTES])
{
	struct overlay_good package = {.entry = *entry};

	snprintf(package.identity, sizeof(package.identity), "%s", identity);
	memcpy(package.root_hash, root_hash, sizeof(package.root_hash));
	for (size_t i = 0; i < set->count; i++)
		if (is_same(&set->items[i], &package))
			return true;
	return false;
}

/* In the same order: both come from a state file, which is sorted. */
bool overlay_good_equal(const struct overlay_good_set *a,
			const struct overlay_good_set *b)
{
	bool equal = a->count == b->count;

	for (size_t i = 0; equal && i < a->count; i++)
		equal = is_same(&a->items[i], &b->items[i]);
	return equal;
}

int overlay_good_decode(const void *bytes, size_t size, struct overlay_good_set *ret,
			struct verity_error *err)
{
	cleanup_with(overlay_good_free) struct overlay_good_set set = {.count = 0};
	int r;

	if (size > OVERLAY_GOOD_BYTES_MAX)
		return verity_fail(err, VERITY_E_BAD_RECORD, "over %d bytes",
				   OVERLAY_GOOD_BYTES_MAX);
	r = verity_json_decode(bytes, size, set_fields, VERITY_E_BAD_RECORD, &set, err);
	if (r < 0)
		return r;
	*ret = set;
	set = (struct overlay_good_set){.count = 0};
	return 0;
}

int overlay_good_encode(const struct overlay_good_set *set, char **ret,
			struct verity_error *err)
{
	return verity_json_encode(set, set_fields, VERITY_JSON_COMPACT, ret, err);
}

int overlay_good_load(int record_fd, struct overlay_good_set *ret,
		      struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	int r = -ENOENT;

	if (record_fd >= 0)
		r = overlay_record_load(record_fd, OVERLAY_RECORD_GOOD,
					OVERLAY_GOOD_BYTES_MAX, &text, &size, err);
	if (r == -ENOENT) {
		*ret = (struct overlay_good_set){.count = 0};
		return 0;
	}
	if (r < 0)
		return r;
	r = overlay_good_decode(text, size, ret, err);
	return r < 0 ? verity_context(err, r, OVERLAY_RECORD_GOOD) : 0;
}

int overlay_good_store(int record_fd, const struct overlay_good_set *set,
		       struct verity_error *err)
{
	cleanup_free char *text = NULL;
	int r;

	if (record_fd < 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "there is no persist volume to keep the last good set "
				   "on (check 'persist' in the configuration)");
	r = overlay_good_encode(set, &text, err);
	return r < 0 ? r
		     : overlay_record_put(record_fd, OVERLAY_RECORD_GOOD, text,
					  strlen(text), err);
}
