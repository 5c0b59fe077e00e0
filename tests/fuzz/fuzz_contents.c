/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "overlay/contents/contents.h"

/* So that no input takes long: a sound image of the corpus is far below these. */
static const struct contents_limits limits = {2000, 1 << 18, 2000};

/* Whatever an image says, what is listed are paths in order, each a name below another.
 */
static void check(const struct overlay_contents *contents)
{
	for (size_t i = 0; i < contents->count; i++) {
		const struct overlay_contents_entry *entry = &contents->entries[i];
		char folder[OVERLAY_CONTENTS_PATH_MAX + 1];
		const char *slash = strrchr(entry->path, '/');
		const char *name = slash ? slash + 1 : entry->path;

		require(strlen(entry->path) <= OVERLAY_CONTENTS_PATH_MAX);
		require(name[0] != '\0' && strcmp(name, ".") != 0 &&
			strcmp(name, "..") != 0);
		require(i == 0 || strcmp(contents->entries[i - 1].path, entry->path) < 0);
		require(overlay_contents_find(contents, entry->path) == entry);
		require((entry->target != NULL) ==
			(entry->kind == OVERLAY_CONTENTS_LINK));
		if (!slash)
			continue;
		memcpy(folder, entry->path, (size_t)(slash - entry->path));
		folder[slash - entry->path] = '\0';
		entry = overlay_contents_find(contents, folder);
		require(entry && (entry->kind == OVERLAY_CONTENTS_FOLDER ||
				  entry->kind == OVERLAY_CONTENTS_OPAQUE));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_contents contents = {0};
	int fd = memfd_create("image", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (contents_read_image(fd, 0, size, &limits, &contents, NULL) == 0) {
		check(&contents);
		overlay_contents_free(&contents);
	}
	close(fd);
	return 0;
}
