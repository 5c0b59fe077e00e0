/* SPDX-License-Identifier: MIT */
#include "verity/device.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <linux/dm-ioctl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "verity/cleanup.h"
#include "verity/device_node.h"
#include "verity/kernel_demand.h"
#include "verity/loop.h"
#include "verity/manifest.h"

#define DM_CONTROL       "/dev/mapper/control"
#define DM_CONTROL_MAJOR 10
#define DM_CONTROL_MINOR 236
#define DM_NAME_MAX      127 /* characters */
#define DM_FOLDER        "/dev/mapper/"
#define LIST_MIN         (16U << 10) /* bytes */
#define LIST_MAX         (4U << 20)

struct verity_device {
	char path[sizeof(DM_FOLDER) + DM_NAME_MAX];
	char note[320]; /* "" where there is nothing to say */
};

/* The last thing that libcryptsetup complained about. */
struct complaint {
	char text[256];
};

static void crypt_free_p(struct crypt_device **cd)
{
	crypt_free(*cd);
}

static void loop_close_p(struct verity_loop *loop)
{
	cleanup_fd_p(&loop->fd);
}

static void swallow(int level, const char *message, void *context)
{
	(void)level;
	(void)message;
	(void)context;
}

static void listen(int level, const char *message, void *context)
{
	struct complaint *complaint = context;

	if (level != CRYPT_LOG_ERROR)
		return;
	snprintf(complaint->text, sizeof(complaint->text), "%s", message);
	complaint->text[strcspn(complaint->text, "\n")] = '\0';
}

/* A request to device-mapper itself; what it answers takes the place of @request. */
static int ask_device_mapper(unsigned long command, const char *name,
			     struct dm_ioctl *request, size_t bytes)
{
	cleanup_fd int control = -1;

	memset(request, 0, bytes);
	request->version[0] = DM_VERSION_MAJOR;
	request->data_size = (uint32_t)bytes;
	request->data_start = sizeof(*request);
	snprintf(request->name, sizeof(request->name), "%s", name);
	verity_device_node(DM_CONTROL, S_IFCHR,
			   makedev(DM_CONTROL_MAJOR, DM_CONTROL_MINOR));
	control = open(DM_CONTROL, O_RDWR | O_CLOEXEC);
	if (control < 0 || ioctl(control, command, request) < 0)
		return -errno;
	return 0;
}

/* Asking for the target's version makes the kernel load its module. */
static bool kernel_has_verity(void)
{
	struct {
		struct dm_ioctl head;
		char room[512];
	} request;

	return ask_device_mapper(DM_GET_TARGET_VERSION, "verity", &request.head,
				 sizeof(request)) == 0;
}

static int fail_device(int r, const struct complaint *complaint, struct verity_error *err)
{
	char why[128];

	if (!kernel_has_verity())
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no dm-verity (CONFIG_DM_VERITY)");
	verity_fail(err, VERITY_E_DEVICE, "dm-verity: %s",
		    complaint->text[0] ? complaint->text
				       : strerror_r(-r, why, sizeof(why)));
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
			     const struct verity_manifest *manifest, const char *dm_name,
			     struct complaint *complaint, struct verity_error *err)
{
	int r = crypt_activate_by_volume_key(
		cd, dm_name, (const char *)manifest->root_hash,
		sizeof(manifest->root_hash), CRYPT_ACTIVATE_READONLY);

	if (r >= 0)
		return 0;
	return verity_kernel_demands_signature() ? verity_kernel_fail_unsigned(err)
						 : fail_device(r, complaint, err);
}

static int activate(struct crypt_device *cd, const struct verity_manifest *manifest,
		    struct verity_device *device, struct complaint *complaint,
		    struct verity_error *err)
{
	const char *dm_name = device->path + strlen(DM_FOLDER);
	struct complaint first;
	int r;

	if (!manifest->kernel_signature)
		return activate_unsigned(cd, manifest, dm_name, complaint, err);
	r = crypt_activate_by_signed_key(
		cd, dm_name, (const char *)manifest->root_hash,
		sizeof(manifest->root_hash), (const char *)manifest->kernel_signature,
		manifest->kernel_signature_bytes, CRYPT_ACTIVATE_READONLY);
	if (r >= 0)
		return 0;
	if (verity_kernel_demands_signature())
		return verity_kernel_fail_signed(complaint->text, err);
	first = *complaint;
	complaint->text[0] = '\0';
	r = activate_unsigned(cd, manifest, dm_name, complaint, err);
	if (r == 0)
		verity_kernel_note(first.text, device->note, sizeof(device->note));
	return r;
}

static int attach(const struct verity_verified *verified, struct verity_device *device,
		  struct verity_error *err)
{
	const struct verity_layout *layout = verity_verified_layout(verified);
	int file_fd = verity_verified_fd(verified);
	cleanup_with(loop_close_p) struct verity_loop data = {.fd = -1};
	cleanup_with(loop_close_p) struct verity_loop tree = {.fd = -1};
	cleanup_with(crypt_free_p) struct crypt_device *cd = NULL;
	struct complaint complaint = {""};
	int r;

	r = verity_loop_attach(file_fd, layout->image_start, layout->image_bytes, &data,
			       err);
	if (r == 0)
		r = verity_loop_attach(file_fd, 0, layout->file_bytes, &tree, err);
	if (r < 0)
		return r;
	verity_device_node(DM_CONTROL, S_IFCHR,
			   makedev(DM_CONTROL_MAJOR, DM_CONTROL_MINOR));
	crypt_set_log_callback(NULL, listen, &complaint);
	r = crypt_init(&cd, tree.path);
	if (r >= 0) {
		crypt_set_log_callback(cd, listen, &complaint);
		r = describe(cd, verified, data.path);
	}
	r = r < 0 ? fail_device(r, &complaint, err)
		  : activate(cd, verity_verified_manifest(verified), device, &complaint,
			     err);
	crypt_set_log_callback(NULL, swallow, NULL);
	if (cd)
		crypt_set_log_callback(cd, swallow, NULL);
	return r;
}

int verity_device_open(const struct verity_verified *verified, const char *dm_name,
		       struct verity_device **ret, struct verity_error *err)
{
	cleanup_free struct verity_device *device = calloc(1, sizeof(*device));
	int r;

	if (!device)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (strlen(dm_name) > DM_NAME_MAX)
		return verity_fail(err, VERITY_E_DEVICE, "device name too long");
	snprintf(device->path, sizeof(device->path), DM_FOLDER "%s", dm_name);
	r = attach(verified, device, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&device);
	return 0;
}

const char *verity_device_path(const struct verity_device *device)
{
	return device->path;
}

const char *verity_device_note(const struct verity_device *device)
{
	return *device->note ? device->note : NULL;
}

static int deactivate(const char *dm_name, uint32_t flags)
{
	crypt_set_log_callback(NULL, swallow, NULL);
	return crypt_deactivate_by_name(NULL, dm_name, flags);
}

/* Kernels before 3.13 know no deferred removal: there verity_device_clean() does it. */
void verity_device_release(struct verity_device *device)
{
	if (device)
		(void)deactivate(device->path + strlen(DM_FOLDER),
				 CRYPT_DEACTIVATE_DEFERRED);
	free(device);
}

void verity_device_free(struct verity_device *device)
{
	if (device)
		(void)deactivate(device->path + strlen(DM_FOLDER), 0);
	free(device);
}

/* The names of all devices as the kernel lists them, in a buffer that grows to fit. */
static int list_devices(struct dm_ioctl **ret, struct verity_error *err)
{
	for (size_t bytes = LIST_MIN; bytes <= LIST_MAX; bytes *= 2) {
		cleanup_free struct dm_ioctl *list = malloc(bytes);
		int r;

		if (!list)
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
		r = ask_device_mapper(DM_LIST_DEVICES, "", list, bytes);
		if (r < 0)
			return verity_fail_errno(err, -r, DM_CONTROL);
		if (list->flags & DM_BUFFER_FULL_FLAG)
			continue;
		*ret = steal_ptr(&list);
		return 0;
	}
	return verity_fail(err, VERITY_E_TOO_MANY, DM_CONTROL ": too many devices");
}

static bool is_ours(const char *name)
{
	return strncmp(name, VERITY_DEVICE_PREFIX, strlen(VERITY_DEVICE_PREFIX)) == 0;
}

/* libcryptsetup removes nothing that it cannot tell what it is; one in use stays. */
static bool remove_device(const char *name)
{
	char path[sizeof(DM_FOLDER) + DM_NAME_MAX];
	struct dm_ioctl request;

	if (deactivate(name, 0) >= 0)
		return true;
	if (ask_device_mapper(DM_DEV_REMOVE, name, &request, sizeof(request)) < 0)
		return false;
	snprintf(path, sizeof(path), DM_FOLDER "%s", name);
	(void)unlink(path);
	return true;
}

/*
 * Not from /sys/block: a run that was killed between making a device and loading its
 * table leaves one that is not shown there, and whose name is taken all the same.
 */
int verity_device_clean(struct verity_error *err)
{
	cleanup_free struct dm_ioctl *list = NULL;
	const struct dm_name_list *item;
	uint32_t place;
	int count = 0;
	int r;

	if (access("/sys/class/misc/device-mapper", F_OK) < 0)
		return 0; /* no device-mapper yet, so no device of it */
	r = list_devices(&list, err);
	if (r < 0)
		return r;
	for (place = list->data_start; place + sizeof(*item) < list->data_size;
	     place += item->next) {
		item = (const struct dm_name_list *)(const void *)((const char *)list +
								   place);
		if (item->dev && is_ours(item->name) && remove_device(item->name))
			count++;
		if (item->next == 0)
			break;
	}
	return count;
}
