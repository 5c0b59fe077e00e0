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
#include "verity/dir.h"
#include "verity/loop.h"
#include "verity/manifest.h"

#define DM_CONTROL       "/dev/mapper/control"
#define DM_CONTROL_MAJOR 10
#define DM_CONTROL_MINOR 236
#define DM_NAME_MAX      127 /* characters */
#define DM_FOLDER        "/dev/mapper/"

struct verity_device {
	char path[sizeof(DM_FOLDER) + DM_NAME_MAX];
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

/* Asking for the target's version makes the kernel load its module. */
static bool kernel_has_verity(void)
{
	cleanup_fd int control = -1;
	struct {
		struct dm_ioctl head;
		char room[512];
	} request = {.head = {
			     .version = {DM_VERSION_MAJOR, 0, 0},
			     .data_size = sizeof(request),
			     .data_start = sizeof(request.head),
			     .name = "verity",
		     }};

	verity_device_node(DM_CONTROL, S_IFCHR,
			   makedev(DM_CONTROL_MAJOR, DM_CONTROL_MINOR));
	control = open(DM_CONTROL, O_RDWR | O_CLOEXEC);
	return control >= 0 && ioctl(control, DM_GET_TARGET_VERSION, &request) == 0;
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
static int activate(struct crypt_device *cd, const struct verity_verified *verified,
		    const char *data_path, const char *dm_name)
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
	const char *hash = (const char *)manifest->root_hash;
	int r = crypt_format(cd, CRYPT_VERITY, NULL, NULL, NULL, NULL, 0, &params);

	if (r < 0)
		return r;
	/* A kernel that demands no signature takes the device without one as well. */
	if (manifest->kernel_signature) {
		r = crypt_activate_by_signed_key(
			cd, dm_name, hash, sizeof(manifest->root_hash),
			(const char *)manifest->kernel_signature,
			manifest->kernel_signature_bytes, CRYPT_ACTIVATE_READONLY);
		if (r >= 0)
			return r;
	}
	return crypt_activate_by_volume_key(
		cd, dm_name, hash, sizeof(manifest->root_hash), CRYPT_ACTIVATE_READONLY);
}

static int attach(const struct verity_verified *verified, const char *dm_name,
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
		r = activate(cd, verified, data.path, dm_name);
	}
	crypt_set_log_callback(NULL, swallow, NULL);
	if (cd)
		crypt_set_log_callback(cd, swallow, NULL);
	return r < 0 ? fail_device(r, &complaint, err) : 0;
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
	r = attach(verified, dm_name, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&device);
	return 0;
}

const char *verity_device_path(const struct verity_device *device)
{
	return device->path;
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

/* The device-mapper name behind an entry of /sys/block; "" where it has none. */
static void read_dm_name(const char *block, char ret[static DM_NAME_MAX + 1])
{
	char path[512];
	cleanup_file FILE *file = NULL;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/sys/block/%s/dm/name", block);
	file = fopen(path, "re");
	if (file && fgets(ret, DM_NAME_MAX + 1, file))
		ret[strcspn(ret, "\n")] = '\0';
}

int verity_device_clean(struct verity_error *err)
{
	cleanup_dir DIR *dir = opendir("/sys/block");
	const struct dirent *item;
	char name[DM_NAME_MAX + 1];
	int count = 0;

	if (!dir)
		return verity_fail_errno(err, errno, "/sys/block");
	while ((item = readdir(dir))) {
		read_dm_name(item->d_name, name);
		if (strncmp(name, VERITY_DEVICE_PREFIX, strlen(VERITY_DEVICE_PREFIX)) ==
			    0 &&
		    deactivate(name, 0) >= 0)
			count++;
	}
	return count;
}
