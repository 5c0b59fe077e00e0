/* SPDX-License-Identifier: MIT */
/* Finds DATA or PERSIST, and mounts it through libmount. */
#include "overlay/store/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "overlay/fs/mkdir.h"
#include "overlay/fs/mnt.h"
#include "overlay/store/superblock.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"

DEFINE_CLEANUP(struct libmnt_context, mnt_free_context);

/*
 * Where the whole of a device is mounted, or at @mountpoint any part of it; NULL where it
 * is not.
 */
static char *find_mounted(const char *device, const char *mountpoint)
{
	cleanup_with(mnt_unref_table_p) struct libmnt_table *table = NULL;
	cleanup_with(mnt_free_iter_p) struct libmnt_iter *iter =
		mnt_new_iter(MNT_ITER_BACKWARD);
	struct libmnt_fs *fs;
	struct stat st;

	table = mnt_new_table_from_file("/proc/self/mountinfo");
	if (!table || !iter || stat(device, &st) < 0)
		return NULL;
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *root = mnt_fs_get_root(fs);
		const char *target = mnt_fs_get_target(fs);

		if (target && root && overlay_mnt_is_of(fs, st.st_rdev) &&
		    (strcmp(root, "/") == 0 || strcmp(target, mountpoint) == 0))
			return strdup(target);
	}
	return NULL;
}

/* @ret_why: errno of mount(2), where it failed; else 0 */
static int mount_as(const char *device, const char *type,
		    const struct overlay_volume *volume, int *ret_why,
		    struct verity_error *err)
{
	cleanup_with(mnt_free_context_p) struct libmnt_context *context =
		mnt_new_context();
	/* damage costs what is on the volume: the super block of ext may ask for a panic
	 */
	bool ext = strncmp(type, "ext", 3) == 0;
	char why[256] = "", options[64];
	int r;

	*ret_why = 0;
	snprintf(options, sizeof(options), "%s,nodev,nosuid,noexec%s",
		 volume->read_only ? "ro" : "rw", ext ? ",errors=remount-ro" : "");
	if (!context || mnt_context_set_source(context, device) < 0 ||
	    mnt_context_set_target(context, volume->mountpoint) < 0 ||
	    mnt_context_set_fstype(context, type) < 0 ||
	    mnt_context_set_options(context, options) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
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

/*
 * The kernel remembers each btrfs that it was shown, as udev does, and refuses one that
 * looks like an older copy of another: whoever writes DATA could keep PERSIST away with a
 * copy. It forgets those that are not mounted.
 */
static bool forget_copies(void)
{
	struct btrfs_ioctl_vol_args all = {.fd = 0};
	cleanup_fd int control = open("/dev/btrfs-control", O_RDWR | O_CLOEXEC);

	return control >= 0 && ioctl(control, BTRFS_IOC_FORGET_DEV, &all) == 0;
}

static int mount_device(const char *device, const struct overlay_volume *volume,
			struct verity_error *err)
{
	cleanup_free char *type = mnt_get_fstype(device, NULL, NULL);
	cleanup_fd int fd = open(device, O_RDONLY | O_CLOEXEC);
	int r, why;

	if (fd < 0)
		return verity_fail(err, VERITY_E_MOUNT, "%s: %s", device,
				   strerror(errno));
	if (!type)
		return verity_fail(err, VERITY_E_MOUNT,
				   "%s holds no known file system, or several (repair "
				   "it, or format it as ext4, btrfs or f2fs)",
				   device);
	r = overlay_superblock_check_device(fd, type, device, err);
	if (r < 0)
		return r;
	r = mount_as(device, type, volume, &why, err);
	if (r < 0 && why == EEXIST && strcmp(type, "btrfs") == 0 && forget_copies())
		r = mount_as(device, type, volume, &why, err);
	return r;
}

/* Whoever mounted it may not have asked. What cannot be read is known to be mounted. */
static int check_mounted(const char *device, struct verity_error *err)
{
	cleanup_free char *type = mnt_get_fstype(device, NULL, NULL);
	cleanup_fd int fd = open(device, O_RDONLY | O_CLOEXEC);

	return fd < 0 || !type ? 0
			       : overlay_superblock_check_device(fd, type, device, err);
}

void overlay_volume_place_free(struct overlay_volume_place *place)
{
	free(place->device);
	free(place->path);
	*place = (struct overlay_volume_place){.device = NULL};
}

int overlay_volume_look(const struct overlay_volume *volume,
			struct overlay_volume_place *ret, struct verity_error *err)
{
	const char *spec = volume->spec, *mountpoint = volume->mountpoint;
	cleanup_with(overlay_volume_place_free) struct overlay_volume_place place = {
		.state = OVERLAY_VOLUME_FOLDER};
	char below[2 * PATH_MAX];
	struct stat st;
	int r;

	if (spec[0] == '/' && stat(spec, &st) < 0) {
		r = -errno;
		/* in an initramfs, a folder of the root that is not / yet */
		snprintf(below, sizeof(below), "%s%s", volume->root, spec);
		if (r != -ENOENT || stat(below, &st) < 0 || !S_ISDIR(st.st_mode))
			return verity_fail_errno(err, -r, "%s", spec);
		spec = below;
	}
	if (spec[0] == '/' && S_ISDIR(st.st_mode)) {
		place.path = strdup(spec);
	} else {
		r = overlay_volume_find(volume, &place.device, err);
		if (r < 0)
			return r;
		place.state = OVERLAY_VOLUME_MOUNTED;
		place.path = find_mounted(place.device, mountpoint);
		if (!place.path) {
			place.state = OVERLAY_VOLUME_UNMOUNTED;
			place.path = strdup(mountpoint);
		}
	}
	if (!place.path)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = place;
	place = (struct overlay_volume_place){.device = NULL};
	return 0;
}

int overlay_volume_open(const struct overlay_volume *volume, int *ret,
			struct verity_error *err)
{
	const char *spec = volume->spec;
	cleanup_with(overlay_volume_place_free) struct overlay_volume_place place = {
		.device = NULL};
	int fd, r = overlay_volume_look(volume, &place, err);

	if (r < 0)
		return r;
	if (place.state == OVERLAY_VOLUME_MOUNTED)
		r = check_mounted(place.device, err);
	else if (place.state == OVERLAY_VOLUME_UNMOUNTED)
		r = overlay_folder_make(place.path, 0755, err);
	if (r == 0 && place.state == OVERLAY_VOLUME_UNMOUNTED)
		r = mount_device(place.device, volume, err);
	if (r < 0)
		return !place.device || strcmp(spec, place.device) == 0
			       ? r
			       : verity_context(err, r, "%s", spec);
	fd = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", place.path);
	verity_debug("volume %s: %s at %s", spec,
		     place.device ? place.device : "a folder", place.path);
	*ret = fd;
	return 0;
}
