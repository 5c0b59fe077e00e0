/* SPDX-License-Identifier: MIT */
/* Mounts the squashfs of a dm-verity device with the mount API. */
#include "overlay/stack/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "overlay/stack/kernel_squashfs.h"
#include "verity/device/block_device.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/sys.h"

struct overlay_layer {
	struct verity_device *device;
	int mount_fd; /* -1 until it is mounted */
};

void overlay_layer_free(struct overlay_layer *layer)
{
	if (!layer)
		return;
	cleanup_fd_p(&layer->mount_fd);
	verity_device_free(layer->device);
	free(layer);
}

static int fail_mount(int why, struct verity_error *err)
{
	if (why == ENODEV)
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no squashfs (CONFIG_SQUASHFS)");
	if (why == EINVAL)
		return verity_fail(
			err, VERITY_E_MOUNT,
			"the image is not a squashfs that this kernel can mount");
	verity_fail_errno(err, why, "the image cannot be mounted");
	if (err && why != ENOMEM)
		err->code = VERITY_E_MOUNT;
	return -why;
}

/*
 * Opaque folders are attributes. A kernel that does not read them would show what the
 * package hides, so an image that has some is not for it. The super block is read through
 * dm-verity.
 */
static int check_attributes(const struct overlay_layer *layer, struct verity_error *err)
{
	bool has_attributes = false;
	int r = 0;

	if (!overlay_kernel_reads_attributes(layer->mount_fd))
		r = overlay_image_attributes(layer->device->fd, 0, &has_attributes, err);
	if (!has_attributes)
		return r;
	return verity_fail(err, VERITY_E_KERNEL_FEATURE,
			   "the kernel does not read the attributes that the image has "
			   "(CONFIG_SQUASHFS_XATTR)");
}

/* The kernel has one error for whatever it does not know of an image. */
static int fail_image(const struct overlay_layer *layer, int why,
		      struct verity_error *err)
{
	if (why == EINVAL &&
	    overlay_image_check_version(layer->device->fd, 0, NULL) == 0 &&
	    overlay_kernel_check_image(layer->device->fd, 0, err) == -EOPNOTSUPP)
		return -EOPNOTSUPP;
	return fail_mount(why, err);
}

static int mount_image(struct overlay_layer *layer, bool nosuid, struct verity_error *err)
{
	cleanup_fd int fs = sys_fsopen("squashfs", FSOPEN_CLOEXEC);
	unsigned attributes =
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | (nosuid ? MOUNT_ATTR_NOSUID : 0);

	if (fs < 0)
		return fail_mount(errno, err);
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", layer->device->path, 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_image(layer, errno, err);
	layer->mount_fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	return layer->mount_fd < 0 ? fail_mount(errno, err) : 0;
}

int overlay_layer_open(struct verity_devices *devices,
		       const struct verity_verified *verified, const char *dm_name,
		       struct overlay_layer **ret, struct verity_error *err)
{
	cleanup_with(overlay_layer_free_p) struct overlay_layer *layer =
		calloc(1, sizeof(*layer));
	int r;

	if (!layer)
		return verity_no_memory(err);
	layer->mount_fd = -1;
	r = verity_device_open(devices, verified, dm_name, &layer->device, err);
	if (r == 0)
		r = mount_image(layer, !verity_verified_signed(verified), err);
	if (r == 0)
		r = check_attributes(layer, err);
	if (r < 0)
		return r;
	verity_debug("mounted %s, %s", dm_name,
		     verity_verified_signed(verified) ? "signed" : "nosuid");
	*ret = steal_ptr(&layer);
	return 0;
}

int overlay_layer_place(const struct overlay_layer *layer, int dirfd, const char *name,
			struct verity_error *err)
{
	if (sys_move_mount(layer->mount_fd, "", dirfd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_mount(errno, err);
	return 0;
}

const char *overlay_layer_note(const struct overlay_layer *layer)
{
	return layer->device->note[0] ? layer->device->note : NULL;
}
