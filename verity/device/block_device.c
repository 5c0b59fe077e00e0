/* SPDX-License-Identifier: MIT */

/* Attaching a package: two loop devices, one dm-verity device. */

#include "verity/device/block_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "verity/cms/parts.h"
#include "verity/device/dm.h"
#include "verity/device/kernel_requirement.h"
#include "verity/device/loop.h"
#include "verity/device/set_up.h"
#include "verity/format/manifest.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"

struct verity_devices {
	int loop_control;
	int dm_control;
	struct verity_set_up *set_up;
};

_Static_assert(sizeof(((struct verity_device *)NULL)->path) >=
		       sizeof(VERITY_DM_FOLDER) + VERITY_DM_NAME_MAX,
	       "a path fits");

static const char *name_of(const struct verity_device *device)
{
	return device->path + strlen(VERITY_DM_FOLDER);
}

static void loop_close_p(struct verity_loop *loop)
{
	cleanup_fd_p(&loop->fd);
}

static int fail_device(const struct verity_devices *devices, int r, const char *complaint,
		       struct verity_error *err)
{
	char why[128];

	if (!verity_dm_has_target(devices->dm_control, "verity"))
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no dm-verity (CONFIG_DM_VERITY)");
	verity_fail(err, VERITY_E_DEVICE, "dm-verity: %s",
		    complaint[0] ? complaint : verity_errno_text(-r, why, sizeof(why)));
	return r;
}

static int set_up_unsigned(struct verity_device *device,
			   const struct verity_set_up_device *request,
			   struct verity_error *err)
{
	char complaint[VERITY_COMPLAINT_MAX];
	int r;

	r = verity_dm_table_set_up(device->devices->dm_control, request, "", complaint);
	if (r >= 0)
		return 0;
	return verity_kernel_requires_signature()
		       ? verity_kernel_fail_signature(NULL, err)
		       : fail_device(device->devices, r, complaint, err);
}

static int set_up(struct verity_device *device,
		  const struct verity_set_up_device *request, struct verity_error *err)
{
	const struct verity_manifest *manifest =
		verity_verified_manifest(request->verified);
	char complaint[VERITY_COMPLAINT_MAX];
	struct verity_cms_parts parts;
	struct verity_error why;
	int r;

	if (!manifest->kernel_signature)
		return set_up_unsigned(device, request, err);
	/* The kernel has no bounds of its own for the work that it causes. */
	r = verity_cms_parts_read(manifest->kernel_signature,
				  manifest->kernel_signature_bytes, &parts, &why);
	if (r < 0)
		snprintf(complaint, sizeof(complaint), "%s", why.message);
	else
		r = verity_set_up_signed(device->devices->set_up, request, complaint);
	if (r >= 0)
		return 0;
	if (verity_kernel_requires_signature())
		return verity_kernel_fail_signature(complaint, err);
	r = set_up_unsigned(device, request, err);
	if (r == 0)
		verity_kernel_note(complaint, device->note, sizeof(device->note));
	return r;
}

static int attach(const struct verity_verified *verified, struct verity_device *device,
		  struct verity_error *err)
{
	const struct verity_layout *layout = verity_verified_layout(verified);
	struct verity_devices *devices = device->devices;
	int file_fd = verity_verified_fd(verified);
	cleanup_with(loop_close_p) struct verity_loop data = {.fd = -1};
	cleanup_with(loop_close_p) struct verity_loop tree = {.fd = -1};
	int r = verity_loop_attach(devices->loop_control, file_fd, layout->image_start,
				   layout->image_bytes, &data, err);

	if (r == 0)
		r = verity_loop_attach(devices->loop_control, file_fd, 0,
				       layout->file_bytes, &tree, err);
	if (r < 0)
		return r;
	r = set_up(device,
		   &(struct verity_set_up_device){.name = name_of(device),
						  .data_path = data.path,
						  .tree_path = tree.path,
						  .verified = verified},
		   err);
	if (r < 0)
		return r;
	/* Open, and marked for removal: the device is gone with its mount. */
	device->fd = open(device->path, O_RDONLY | O_CLOEXEC);
	if (device->fd < 0) {
		r = verity_fail_errno(err, errno, "%s", device->path);
		(void)!verity_dm_remove(devices->dm_control, name_of(device));
		return r;
	}
	r = verity_dm_remove(devices->dm_control, name_of(device));
	return r < 0 ? verity_fail_errno(err, -r, "%s", device->path) : 0;
}

void verity_devices_free(struct verity_devices *devices)
{
	if (!devices)
		return;
	verity_set_up_free(devices->set_up);
	cleanup_fd_p(&devices->dm_control);
	cleanup_fd_p(&devices->loop_control);
	free(devices);
}

int verity_devices_open(struct verity_devices **ret, struct verity_error *err)
{
	cleanup_with(verity_devices_free_p) struct verity_devices *devices =
		calloc(1, sizeof(*devices));
	int r;

	if (!devices)
		return verity_no_memory(err);
	devices->loop_control = devices->dm_control = -1;
	r = verity_loop_open(&devices->loop_control, err);
	if (r == 0)
		r = verity_dm_open(&devices->dm_control, err);
	if (r < 0)
		return r;
	if (verity_set_up_open(devices->dm_control, &devices->set_up) < 0)
		return verity_no_memory(err);
	*ret = steal_ptr(&devices);
	return 0;
}

void verity_device_free(struct verity_device *device)
{
	if (device)
		cleanup_fd_p(&device->fd);
	free(device);
}

int verity_device_open(struct verity_devices *devices,
		       const struct verity_verified *verified, const char *dm_name,
		       struct verity_device **ret, struct verity_error *err)
{
	cleanup_with(verity_device_free_p) struct verity_device *device =
		calloc(1, sizeof(*device));
	int r;

	if (!device)
		return verity_no_memory(err);
	device->fd = -1;
	device->devices = devices;
	if (strlen(dm_name) > VERITY_DM_NAME_MAX)
		return verity_fail(err, VERITY_E_DEVICE, "device name too long");
	snprintf(device->path, sizeof(device->path), VERITY_DM_FOLDER "%s", dm_name);
	r = attach(verified, device, err);
	if (r < 0)
		return r;
	verity_debug("attached %s through dm-verity", dm_name);
	*ret = steal_ptr(&device);
	return 0;
}

/* wmopkg-BOOT-o-NAME or wmopkg-BOOT-p-NAME; LVM may have names like wmopkg-data. */
static bool is_ours(const char *name)
{
	const size_t prefix = strlen(VERITY_DEVICE_PREFIX);

	if (strncmp(name, VERITY_DEVICE_PREFIX, prefix) != 0)
		return false;
	name += prefix;
	return strspn(name, "0123456789abcdef") == 8 && name[8] == '-' &&
	       (name[9] == 'o' || name[9] == 'p') && name[10] == '-';
}

int verity_device_clean(struct verity_error *err)
{
	cleanup_fd int control = -1;
	int r;

	if (!verity_dm_exists())
		return 0; /* so there is no device of it */
	r = verity_dm_open(&control, err);
	return r < 0 ? r : verity_dm_remove_all(control, is_ours, err);
}
