/* SPDX-License-Identifier: MIT */
/* Finds DATA or PERSIST, and mounts it. */
#include "overlay/store/volume.h"

#include <blkid.h>
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
#include "overlay/fs/mounts.h"
#include "overlay/store/superblock.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"

/*
 * Where the whole of a device is mounted, or at @mountpoint any part of it; NULL where it
 * is not.
 */
static char *find_mounted(const char *device, const char *mountpoint)
{
	cleanup_with(overlay_mounts_free) struct overlay_mounts mounts = {.count = 0};
	struct stat st;

	if (overlay_mounts_read(OVERLAY_MOUNTINFO, &mounts) < 0 || stat(device, &st) < 0)
		return NULL;
	for (size_t i = mounts.count; i-- > 0;) {
		const struct overlay_mount *mount = &mounts.items[i];

		if (overlay_mount_is_of(mount, st.st_rdev) &&
		    (strcmp(mount->root, "/") == 0 ||
		     strcmp(mount->target, mountpoint) == 0))
			return strdup(mount->target);
	}
	return NULL;
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

static void blkid_free_probe_p(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

/* As libblkid calls it; NULL where there is none, or several. */
static char *type_of(int fd)
{
	cleanup_with(blkid_free_probe_p) blkid_probe probe = blkid_new_probe();
	const char *type;

	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) != 0)
		return NULL;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
	return blkid_do_safeprobe(probe) == 0 &&
			       blkid_probe_lookup_value(probe, "TYPE", &type, NULL) == 0
		       ? strdup(type)
		       : NULL;
}

static int mount_device(const char *device, const struct overlay_volume *volume,
			struct verity_error *err)
{
	cleanup_fd int fd = open(device, O_RDONLY | O_CLOEXEC);
	cleanup_free char *type = fd < 0 ? NULL : type_of(fd);
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
	r = overlay_mounts_mount(device, type, volume->mountpoint, volume->read_only,
				 &why, err);
	if (r < 0 && why == EEXIST && strcmp(type, "btrfs") == 0 && forget_copies())
		r = overlay_mounts_mount(device, type, volume->mountpoint,
					 volume->read_only, &why, err);
	return r;
}

/* Whoever mounted it may not have asked. What cannot be read is known to be mounted. */
static int check_mounted(const char *device, struct verity_error *err)
{
	cleanup_fd int fd = open(device, O_RDONLY | O_CLOEXEC);
	cleanup_free char *type = fd < 0 ? NULL : type_of(fd);

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
		return verity_no_memory(err);
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
