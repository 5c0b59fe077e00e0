/* SPDX-License-Identifier: MIT */

/* Adds up what was removed or replaced, and is still mounted. */

#include "installer/device/reboot_frees.h"

#include <fcntl.h>
#include <sys/stat.h>

uint64_t reboot_frees(struct device *device, enum overlay_store_kind kind)
{
	const struct overlay_state *state = device_state(device);
	struct overlay_store *store;
	struct verity_error unused;
	uint64_t bytes = 0;

	if (!state || device_store(device, &store, &unused) < 0)
		return 0;
	for (size_t i = 0; i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];
		struct overlay_file_id now = {0};
		char file[OVERLAY_FILE_BYTES];
		struct stat st;

		if (!entry->active || entry->entry.kind != kind)
			continue;
		overlay_entry_file(&entry->entry, file);
		if (fstatat(overlay_store_folder(store, kind), file, &st,
			    AT_SYMLINK_NOFOLLOW) == 0)
			overlay_file_id_take(&st, &now);
		/* Only the inode: a change of its mode frees nothing. */
		if (now.inode != entry->file.inode)
			bytes += entry->file.bytes;
	}
	return bytes;
}
