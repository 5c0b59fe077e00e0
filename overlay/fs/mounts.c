/* SPDX-License-Identifier: MIT */
/* The list of mounts in memory, which both ways fill. */
#include "overlay/fs/mounts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/util/cleanup.h"

static void mount_free(struct overlay_mount *mount)
{
	free((char *)(uintptr_t)mount->root);
	free((char *)(uintptr_t)mount->target);
	free((char *)(uintptr_t)mount->source);
}

void overlay_mounts_free(struct overlay_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		mount_free(&mounts->items[i]);
	free(mounts->items);
	*mounts = (struct overlay_mounts){.count = 0};
}

int overlay_mounts_add(struct overlay_mounts *mounts, const struct overlay_mount *mount)
{
	size_t count = mounts->count;
	struct overlay_mount *grown = mounts->items;
	struct overlay_mount copy = {
		.root = strdup(mount->root),
		.target = strdup(mount->target),
		.source = mount->source ? strdup(mount->source) : NULL,
		.device = mount->device,
	};

	/* Doubles at each power of two. */
	if ((count & (count - 1)) == 0)
		grown = reallocarray(grown, count ? 2 * count : 1, sizeof(*grown));
	if (grown)
		mounts->items = grown;
	if (!grown || !copy.root || !copy.target || (mount->source && !copy.source)) {
		mount_free(&copy);
		return -ENOMEM;
	}
	grown[mounts->count++] = copy;
	return 0;
}

const char *overlay_mounts_option(const char *type)
{
	/* damage costs what is on the volume: the super block of ext may ask for a panic
	 */
	return strncmp(type, "ext", 3) == 0 ? "errors=remount-ro" : NULL;
}

bool overlay_mount_below(const char *path, const char *folder)
{
	size_t size = strlen(folder);

	return path && strncmp(path, folder, size) == 0 && path[size] == '/';
}

bool overlay_mount_is_of(const struct overlay_mount *mount, dev_t device)
{
	struct stat st;

	return mount->device == device ||
	       (mount->source && stat(mount->source, &st) == 0 && S_ISBLK(st.st_mode) &&
		st.st_rdev == device);
}
