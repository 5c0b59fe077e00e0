/* SPDX-License-Identifier: MIT */
#include "overlay/layer.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "verity/cleanup.h"
#include "verity/device.h"

struct overlay_layer {
	struct verity_device *device;
	char *mountpoint; /* NULL until it is mounted */
};

void overlay_layer_free(struct overlay_layer *layer)
{
	if (!layer)
		return;
	if (layer->mountpoint)
		umount2(layer->mountpoint, UMOUNT_NOFOLLOW);
	verity_device_free(layer->device);
	free(layer->mountpoint);
	free(layer);
}

DEFINE_CLEANUP(struct overlay_layer, overlay_layer_free);

void overlay_layer_release(struct overlay_layer *layer)
{
	if (!layer)
		return;
	verity_device_release(layer->device);
	free(layer->mountpoint);
	free(layer);
}

static int fail_mount(int why, struct verity_error *err)
{
	if (why == ENODEV)
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no squashfs (CONFIG_SQUASHFS)");
	if (why == EINVAL)
		return verity_fail(err, VERITY_E_MOUNT,
				   "the image is no squashfs that this kernel can mount");
	verity_fail_errno(err, why, "the image cannot be mounted");
	if (err && why != ENOMEM)
		err->code = VERITY_E_MOUNT;
	return -why;
}

int overlay_layer_mount(const struct verity_verified *verified, const char *dm_name,
			const char *mountpoint, struct overlay_layer **ret,
			struct verity_error *err)
{
	cleanup_with(overlay_layer_free_p) struct overlay_layer *layer =
		calloc(1, sizeof(*layer));
	cleanup_free char *place = strdup(mountpoint);
	unsigned long flags = MS_RDONLY | MS_NODEV;
	int r;

	if (!layer || !place)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (!verity_verified_signed(verified))
		flags |= MS_NOSUID;
	r = verity_device_open(verified, dm_name, &layer->device, err);
	if (r < 0)
		return r;
	if (mount(verity_device_path(layer->device), place, "squashfs", flags, NULL) < 0)
		return fail_mount(errno, err);
	layer->mountpoint = steal_ptr(&place);
	*ret = steal_ptr(&layer);
	return 0;
}
