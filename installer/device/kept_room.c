/* SPDX-License-Identifier: MIT */

/* Deletes what is kept where room is needed. */

#include "installer/device/kept_room.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#include "verity/util/cleanup.h"

/* The inodes of what is active, whose room becomes free with the reboot only. */
static uint64_t *list_active(struct device *device, enum overlay_store_kind kind,
			     size_t *ret_count)
{
	const struct overlay_state *state = device_state(device);
	size_t count = 0, all = state ? state->count : 0;
	uint64_t *held = calloc(all + 1, sizeof(*held));

	for (size_t i = 0; held && i < all; i++)
		if (state->entries[i].active && state->entries[i].entry.kind == kind)
			held[count++] = state->entries[i].file.inode;
	*ret_count = count;
	return held;
}

bool kept_room_free(struct device *device, enum overlay_store_kind kind)
{
	size_t count;
	cleanup_free uint64_t *held = list_active(device, kind, &count);
	struct overlay_store *store;

	return held && device_store(device, &store, NULL) == 0 &&
	       overlay_store_make_room(store, kind, held, count);
}

uint64_t kept_room_bytes(struct device *device, enum overlay_store_kind kind)
{
	size_t count;
	cleanup_free uint64_t *held = list_active(device, kind, &count);
	struct overlay_store *store;

	return held && device_store(device, &store, NULL) == 0
		       ? overlay_store_room(store, kind, held, count)
		       : 0;
}

static bool is_short(int folder)
{
	struct statvfs fs;

	return folder >= 0 && fstatvfs(folder, &fs) == 0 &&
	       fs.f_bavail < fs.f_blocks / KEPT_ROOM_SHARE;
}

void kept_room_limit(struct device *device)
{
	struct overlay_store *store;

	if (device_store(device, &store, NULL) < 0)
		return;
	for (int kind = OVERLAY_ORDINARY; kind <= OVERLAY_PERSISTENT; kind++)
		while (is_short(overlay_store_folder(store, kind)) &&
		       kept_room_free(device, kind))
			;
}
