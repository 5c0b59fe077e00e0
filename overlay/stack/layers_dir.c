/* SPDX-License-Identifier: MIT */
/* Makes, fills and empties the folder that layers are mounted in. */
#include "overlay/stack/layers_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "overlay/fs/mkdir.h"
#include "overlay/fs/mounts.h"
#include "overlay/stack/engine_layer.h"
#include "overlay/stack/stack.h"
#include "verity/util/cleanup.h"

int overlay_layers_make(const char *layers, struct verity_error *err)
{
	int r = overlay_folder_make(layers, 0755, err);

	if (r < 0)
		return r;
	return chmod(layers, 0700) < 0 ? verity_fail_errno(err, errno, "%s", layers) : 0;
}

/* So that it has a short name; a bind is made read-only after. */
int overlay_layers_bind(const char *layers, const char *source, const char *name,
			struct verity_error *err)
{
	char folder[PATH_MAX];
	int r;

	snprintf(folder, sizeof(folder), "%s/%s", layers, name);
	r = overlay_folder_make(folder, 0755, err);
	if (r < 0)
		return r;
	if (mount(source, folder, NULL, MS_BIND, NULL) < 0)
		return verity_fail_errno(err, errno, "%s", source);
	if (mount(NULL, folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0)
		return 0;
	verity_fail_errno(err, errno, "%s", source);
	umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
	return -EIO;
}

int overlay_layers_mount_engine(const char *layers, const char *root,
				const struct overlay_protect *own,
				struct verity_error *err)
{
	char engine[PATH_MAX];
	int r;

	snprintf(engine, sizeof(engine), "%s/" OVERLAY_STACK_ENGINE, layers);
	r = overlay_folder_make(engine, 0755, err);
	return r < 0 ? r : overlay_engine_mount(root, engine, own, err);
}

/* The last one mounted goes first. */
int overlay_layers_clean(const char *layers, struct verity_error *err)
{
	cleanup_with(overlay_mounts_free) struct overlay_mounts mounts = {.count = 0};
	cleanup_free char *absolute = realpath(layers, NULL);
	int count = 0, r;

	if (!absolute)
		return errno == ENOENT ? 0 : verity_fail_errno(err, errno, "%s", layers);
	r = overlay_mounts_read(OVERLAY_MOUNTINFO, &mounts);
	if (r < 0)
		return verity_fail_errno(err, -r, OVERLAY_MOUNTINFO);
	for (size_t i = mounts.count; i-- > 0;)
		if (overlay_mount_below(mounts.items[i].target, absolute) &&
		    umount2(mounts.items[i].target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			count++;
	return count;
}
