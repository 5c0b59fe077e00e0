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
#include "overlay/fs/mnt.h"
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
	cleanup_with(mnt_unref_table_p) struct libmnt_table *table =
		mnt_new_table_from_file("/proc/self/mountinfo");
	cleanup_with(mnt_free_iter_p) struct libmnt_iter *iter =
		mnt_new_iter(MNT_ITER_BACKWARD);
	cleanup_free char *absolute = realpath(layers, NULL);
	struct libmnt_fs *fs;
	int count = 0;

	if (!absolute)
		return errno == ENOENT ? 0 : verity_fail_errno(err, errno, "%s", layers);
	if (!table || !iter)
		return verity_fail(err, VERITY_E_IO, "/proc/self/mountinfo: unreadable");
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if (overlay_mnt_below(target, absolute) &&
		    umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
			count++;
	}
	return count;
}
