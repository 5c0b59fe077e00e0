/* SPDX-License-Identifier: MIT */

/* Attaching a package: two loop devices, one dm-verity device by libcryptsetup. */

#include "verity/device/block_device.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <libdevmapper.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "verity/cms/parts.h"
#include "verity/device/dm.h"
#include "verity/device/kernel_requirement.h"
#include "verity/device/loop.h"
#include "verity/format/manifest.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"

struct verity_devices {
	int loop_control;
	int dm_control;
	pthread_mutex_t crypt; /* libcryptsetup and libdevmapper: one thread at a time */
	struct crypt_device *keep; /* so that libcryptsetup keeps what it has open */
};

/* The last error message of libcryptsetup. */
struct complaint {
	char text[256];
};

_Static_assert(sizeof(((struct verity_device *)NULL)->path) >=
		       sizeof(VERITY_DM_FOLDER) + VERITY_DM_NAME_MAX,
	       "a path fits");

static const char *name_of(const struct verity_device *device)
{
	return device->path + strlen(VERITY_DM_FOLDER);
}

static void crypt_free_p(struct crypt_device **cd)
{
	crypt_free(*cd);
}

static void loop_close_p(struct verity_loop *loop)
{
	cleanup_fd_p(&loop->fd);
}

/* Never prints; @context: the complaint to fill, or NULL. */
static void listen(int level, const char *message, void *context)
{
	struct complaint *complaint = context;

	verity_debug("libcryptsetup: %s", message);
	if (!complaint || level != CRYPT_LOG_ERROR)
		return;
	snprintf(complaint->text, sizeof(complaint->text), "%s", message);
	complaint->text[strcspn(complaint->text, "\n")] = '\0';
}

static int fail_device(const struct verity_devices *devices, int r,
		       const struct complaint *complaint, struct verity_error *err)
{
	char why[128];

	if (!verity_dm_has_target(devices->dm_control, "verity"))
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no dm-verity (CONFIG_DM_VERITY)");
	verity_fail(err, VERITY_E_DEVICE, "dm-verity: %s",
		    complaint->text[0] ? complaint->text
				       : verity_errno_text(-r, why, sizeof(why)));
	return r;
}

/*
 * The tree's blocks are found as dm-verity counts them, from the start of the hash
 * device; that is the whole file, so that an image of one block, which has no tree, needs
 * no device of no bytes.
 */
static int describe(struct crypt_device *cd, const struct verity_verified *verified,
		    const char *data_path)
{
	const struct verity_manifest *manifest = verity_verified_manifest(verified);
	const struct verity_layout *layout = verity_verified_layout(verified);
	struct crypt_params_verity params = {
		.hash_name = "sha256",
		.data_device = data_path,
		.salt = (const char *)manifest->salt,
		.salt_size = (uint32_t)manifest->salt_bytes,
		.hash_type = 1,
		.data_block_size = VERITY_BLOCK,
		.hash_block_size = VERITY_BLOCK,
		.data_size = layout->image_bytes / VERITY_BLOCK,
		.hash_area_offset = layout->tree_start,
		.flags = CRYPT_VERITY_NO_HEADER,
	};

	return crypt_format(cd, CRYPT_VERITY, NULL, NULL, NULL, NULL, 0, &params);
}

static int activate_unsigned(struct crypt_device *cd,
			     const struct verity_manifest *manifest,
			     struct verity_device *device, struct complaint *complaint,
			     struct verity_error *err)
{
	int r = crypt_activate_by_volume_key(
		cd, name_of(device), (const char *)manifest->root_hash,
		sizeof(manifest->root_hash), CRYPT_ACTIVATE_READONLY);

	if (r >= 0)
		return 0;
	return verity_kernel_requires_signature()
		       ? verity_kernel_fail_signature(NULL, err)
		       : fail_device(device->devices, r, complaint, err);
}

static int activate(struct crypt_device *cd, const struct verity_manifest *manifest,
		    struct verity_device *device, struct complaint *complaint,
		    struct verity_error *err)
{
	struct verity_cms_parts parts;
	struct verity_error why;
	struct complaint first;
	int r;

	if (!manifest->kernel_signature)
		return activate_unsigned(cd, manifest, device, complaint, err);
	/* The kernel has no bounds of its own for the work that it causes. */
	r = verity_cms_parts_read(manifest->kernel_signature,
				  manifest->kernel_signature_bytes, &parts, &why);
	if (r < 0)
		snprintf(complaint->text, sizeof(complaint->text), "%s", why.message);
	else
		r = crypt_activate_by_signed_key(
			cd, name_of(device), (const char *)manifest->root_hash,
			sizeof(manifest->root_hash),
			(const char *)manifest->kernel_signature,
			manifest->kernel_signature_bytes, CRYPT_ACTIVATE_READONLY);
	if (r >= 0)
		return 0;
	if (verity_kernel_requires_signature())
		return verity_kernel_fail_signature(complaint->text, err);
	first = *complaint;
	complaint->text[0] = '\0';
	r = activate_unsigned(cd, manifest, device, complaint, err);
	if (r == 0)
		verity_kernel_note(first.text, device->note, sizeof(device->note));
	return r;
}

/* The device is there after; libcryptsetup has no more to do with it. */
static int set_up(const struct verity_verified *verified, const char *data_path,
		  const char *tree_path, struct verity_device *device,
		  struct verity_error *err)
{
	cleanup_with(crypt_free_p) struct crypt_device *cd = NULL;
	struct complaint complaint = {""};
	int r;

	crypt_set_log_callback(NULL, listen, &complaint);
	r = crypt_init(&cd, tree_path);
	if (r >= 0) {
		crypt_set_log_callback(cd, listen, &complaint);
		r = describe(cd, verified, data_path);
	}
	r = r < 0 ? fail_device(device->devices, r, &complaint, err)
		  : activate(cd, verity_verified_manifest(verified), device, &complaint,
			     err);
	crypt_set_log_callback(NULL, listen, NULL);
	if (cd)
		crypt_set_log_callback(cd, listen, NULL);
	return r;
}

/* What libcryptsetup reads to see whether a device can be read. */
static int try_reading(const struct verity_loop *loop, struct verity_error *err)
{
	char block[VERITY_BLOCK];
	int r = verity_io_read(loop->fd, block, sizeof(block), 0, err);

	return r < 0 ? verity_context(err, r, "%s", loop->path) : 0;
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
	if (r == 0)
		r = try_reading(&data, err);
	if (r == 0)
		r = try_reading(&tree, err);
	if (r < 0)
		return r;
	pthread_mutex_lock(&devices->crypt);
	r = set_up(verified, data.path, tree.path, device, err);
	pthread_mutex_unlock(&devices->crypt);
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
	crypt_free(devices->keep);
	pthread_mutex_destroy(&devices->crypt);
	cleanup_fd_p(&devices->dm_control);
	cleanup_fd_p(&devices->loop_control);
	free(devices);
}

/*
 * Without udev: then libdevmapper makes the device nodes by itself, and does not wait,
 * whether udev runs or not.
 */
int verity_devices_open(struct verity_devices **ret, struct verity_error *err)
{
	cleanup_with(verity_devices_free_p) struct verity_devices *devices =
		calloc(1, sizeof(*devices));
	int r;

	if (!devices)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	pthread_mutex_init(&devices->crypt, NULL);
	devices->loop_control = devices->dm_control = -1;
	r = verity_loop_open(&devices->loop_control, err);
	if (r == 0)
		r = verity_dm_open(&devices->dm_control, err);
	if (r < 0)
		return r;
	dm_udev_set_sync_support(0);
	crypt_set_log_callback(NULL, listen, NULL);
	if (crypt_init(&devices->keep, NULL) < 0)
		devices->keep = NULL; /* then it opens things for each device */
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
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
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
