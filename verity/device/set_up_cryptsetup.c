/* SPDX-License-Identifier: MIT */

/* Kernel signatures by libcryptsetup, as it knows how a kernel wants them. */

#include "verity/device/set_up.h"

#include <errno.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <libdevmapper.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verity/format/manifest.h"
#include "verity/util/debug.h"

struct verity_set_up {
	pthread_mutex_t lock; /* libcryptsetup and libdevmapper: one thread at a time */
};

/* Never prints; @context: the complaint to fill, or NULL. */
static void listen(int level, const char *message, void *context)
{
	char *complaint = context;

	verity_debug("libcryptsetup: %s", message);
	if (!complaint || level != CRYPT_LOG_ERROR)
		return;
	snprintf(complaint, VERITY_COMPLAINT_MAX, "%s", message);
	complaint[strcspn(complaint, "\n")] = '\0';
}

/*
 * The tree's blocks are found as dm-verity counts them, from the start of the hash
 * device; that is the whole file, so that an image of one block, which has no tree, needs
 * no device of no bytes.
 */
static int describe(struct crypt_device *cd, const struct verity_set_up_device *device)
{
	const struct verity_manifest *manifest =
		verity_verified_manifest(device->verified);
	const struct verity_layout *layout = verity_verified_layout(device->verified);
	struct crypt_params_verity params = {
		.hash_name = "sha256",
		.data_device = device->data_path,
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

static int activate(struct crypt_device *cd, const struct verity_set_up_device *device)
{
	const struct verity_manifest *manifest =
		verity_verified_manifest(device->verified);

	return crypt_activate_by_signed_key(
		cd, device->name, (const char *)manifest->root_hash,
		sizeof(manifest->root_hash), (const char *)manifest->kernel_signature,
		manifest->kernel_signature_bytes, CRYPT_ACTIVATE_READONLY);
}

/* libcryptsetup reads from both: not for the first time with a lock that others need. */
static int try_reading(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[VERITY_BLOCK];

	return fd < 0 || pread(fd, block, sizeof(block), 0) < 0 ? -errno : 0;
}

/* The device is there after; libcryptsetup has no more to do with it. */
int verity_set_up_signed(struct verity_set_up *set_up,
			 const struct verity_set_up_device *device,
			 char complaint[static VERITY_COMPLAINT_MAX])
{
	struct crypt_device *cd = NULL;
	int r = try_reading(device->data_path);

	complaint[0] = '\0';
	if (r == 0)
		r = try_reading(device->tree_path);
	if (r < 0)
		return r;
	pthread_mutex_lock(&set_up->lock);
	/* Then libdevmapper makes the device nodes by itself, and does not wait. */
	dm_udev_set_sync_support(0);
	crypt_set_log_callback(NULL, listen, complaint);
	r = crypt_init(&cd, device->tree_path);
	if (r >= 0) {
		crypt_set_log_callback(cd, listen, complaint);
		r = describe(cd, device);
	}
	if (r >= 0)
		r = activate(cd, device);
	crypt_set_log_callback(NULL, listen, NULL);
	if (cd)
		crypt_set_log_callback(cd, listen, NULL);
	crypt_free(cd);
	pthread_mutex_unlock(&set_up->lock);
	return r < 0 ? r : 0;
}

void verity_set_up_free(struct verity_set_up *set_up)
{
	if (!set_up)
		return;
	pthread_mutex_destroy(&set_up->lock);
	free(set_up);
}

int verity_set_up_open(int dm_control, struct verity_set_up **ret)
{
	struct verity_set_up *set_up = calloc(1, sizeof(*set_up));

	if (!set_up)
		return -ENOMEM;
	(void)dm_control;
	pthread_mutex_init(&set_up->lock, NULL);
	*ret = set_up;
	return 0;
}
