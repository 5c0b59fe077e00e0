/* SPDX-License-Identifier: MIT */
/* Mounts by libmount. */
#include "overlay/fs/mounts.h"

#include <errno.h>
#include <libmount.h>
#include <stdio.h>
#include <string.h>

#include "verity/util/cleanup.h"

DEFINE_CLEANUP(struct libmnt_table, mnt_unref_table);
DEFINE_CLEANUP(struct libmnt_iter, mnt_free_iter);
DEFINE_CLEANUP(struct libmnt_context, mnt_free_context);

/* What libmount owns, borrowed. */
static struct overlay_mount mount_of(struct libmnt_fs *fs)
{
	const char *source = mnt_fs_get_srcpath(fs);

	return (struct overlay_mount){
		.root = mnt_fs_get_root(fs),
		.target = mnt_fs_get_target(fs),
		.source = source && source[0] == '/' ? source : NULL,
		.device = mnt_fs_get_devno(fs),
	};
}

int overlay_mounts_read(const char *path, struct overlay_mounts *ret)
{
	cleanup_with(mnt_unref_table_p) struct libmnt_table *table = mnt_new_table();
	cleanup_with(mnt_free_iter_p) struct libmnt_iter *iter =
		mnt_new_iter(MNT_ITER_FORWARD);
	cleanup_with(overlay_mounts_free) struct overlay_mounts mounts = {.count = 0};
	struct libmnt_fs *fs;
	int r = table && iter ? mnt_table_parse_file(table, path) : -ENOMEM;

	while (r == 0 && mnt_table_next_fs(table, iter, &fs) == 0) {
		struct overlay_mount mount = mount_of(fs);

		if (mount.root && mount.target)
			r = overlay_mounts_add(&mounts, &mount);
	}
	if (r < 0)
		return r;
	*ret = mounts;
	mounts = (struct overlay_mounts){.count = 0};
	return 0;
}

int overlay_mounts_mount(const char *device, const char *type, const char *target,
			 bool read_only, int *ret_why, struct verity_error *err)
{
	cleanup_with(mnt_free_context_p) struct libmnt_context *context =
		mnt_new_context();
	const char *option = overlay_mounts_option(type);
	char why[256] = "", options[64];
	int r;

	*ret_why = 0;
	snprintf(options, sizeof(options), "%s,nodev,nosuid,noexec%s%s",
		 read_only ? "ro" : "rw", option ? "," : "", option ?: "");
	if (!context || mnt_context_set_source(context, device) < 0 ||
	    mnt_context_set_target(context, target) < 0 ||
	    mnt_context_set_fstype(context, type) < 0 ||
	    mnt_context_set_options(context, options) < 0)
		return verity_no_memory(err);
	mnt_context_disable_mtab(context, 1);
	mnt_context_disable_helpers(context, 1);
	r = mnt_context_mount(context);
	if (r == 0)
		return 0;
	if (mnt_context_syscall_called(context))
		*ret_why = mnt_context_get_syscall_errno(context);
	mnt_context_get_excode(context, r, why, sizeof(why));
	return verity_fail(err, VERITY_E_MOUNT, "%s: %s", device,
			   why[0] ? why : "cannot be mounted");
}
