/* SPDX-License-Identifier: MIT */

/*
 * dm-verity devices by requests to device-mapper, for an initramfs without libcryptsetup
 * and what it brings: libdevmapper, libudev, libselinux, libpcre2, libm, libargon2,
 * libuuid. Sources: <linux/dm-ioctl.h>,
 * Documentation/admin-guide/device-mapper/verity.rst.
 */

#include "verity/device/set_up.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "verity/device/device_node.h"
#include "verity/device/dm.h"
#include "verity/format/manifest.h"
#include "verity/util/debug.h"
#include "verity/util/hex.h"
#include "verity/util/sys.h"

#define SECTOR     512
#define KEY_TYPE   "user"
#define KEY_PREFIX "wmopkg:"

struct verity_set_up {
	int dm_control; /* borrowed */
};

/* What the kernel reads as one: the head, one target, and its parameters. */
struct table {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[1024];
};

_Static_assert(sizeof(struct table) ==
		       sizeof(struct dm_ioctl) + sizeof(struct dm_target_spec) + 1024,
	       "no padding");

static int number_of(const char *path, char *ret, size_t size)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	snprintf(ret, size, "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	return 0;
}

/* @key: what the kernel finds the signature by; "": there is none */
static int describe(const struct verity_set_up_device *device, const char *key,
		    struct table *ret)
{
	const struct verity_manifest *manifest =
		verity_verified_manifest(device->verified);
	const struct verity_layout *layout = verity_verified_layout(device->verified);
	uint64_t blocks = layout->image_bytes / VERITY_BLOCK;
	char root[2 * sizeof(manifest->root_hash) + 1];
	char salt[2 * sizeof(manifest->salt) + 1] = "-";
	char data[32], tree[32];
	int size, r = number_of(device->data_path, data, sizeof(data));

	if (r == 0)
		r = number_of(device->tree_path, tree, sizeof(tree));
	if (r < 0)
		return r;
	verity_hex_encode(manifest->root_hash, sizeof(manifest->root_hash), root);
	if (manifest->salt_bytes > 0)
		verity_hex_encode(manifest->salt, manifest->salt_bytes, salt);
	ret->target = (struct dm_target_spec){.length = blocks * (VERITY_BLOCK / SECTOR),
					      .target_type = "verity"};
	size = snprintf(ret->parameters, sizeof(ret->parameters),
			"1 %s %s %d %d %llu %llu sha256 %s %s%s%s", data, tree,
			VERITY_BLOCK, VERITY_BLOCK, (unsigned long long)blocks,
			(unsigned long long)(layout->tree_start / VERITY_BLOCK), root,
			salt, *key ? " 2 root_hash_sig_key_desc " : "", key);
	return size < (int)sizeof(ret->parameters) ? 0 : -ENAMETOOLONG;
}

/* Without udev, and beside it: its own node is a link, which may come later. */
static int make_node(const char *name, dev_t number)
{
	char path[sizeof(VERITY_DM_FOLDER) + VERITY_DM_NAME_MAX];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), VERITY_DM_FOLDER "%s", name);
	/* left by a device of that name which is gone */
	if (lstat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev != number)
		(void)unlink(path);
	fd = verity_device_node_open(path, O_RDONLY, S_IFBLK, number);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* The answer of the kernel comes last; verity/device/kernel_requirement.c looks for it.
 */
static int fail(int r, const char *step, const char *name,
		char complaint[static VERITY_COMPLAINT_MAX])
{
	char why[128];

	snprintf(complaint, VERITY_COMPLAINT_MAX, "device-mapper: %s %s failed: %s", step,
		 name, verity_errno_text(-r, why, sizeof(why)));
	return r;
}

static int create(int control, const char *name,
		  char complaint[static VERITY_COMPLAINT_MAX])
{
	struct dm_ioctl request = {.flags = DM_READONLY_FLAG};
	int r = verity_dm_ask(control, DM_DEV_CREATE, name, &request, sizeof(request));

	if (r == -EBUSY)
		snprintf(complaint, VERITY_COMPLAINT_MAX, "Device %s already exists.",
			 name);
	else if (r < 0)
		fail(r, "creating", name, complaint);
	return r;
}

/* Loads the table, starts the device with it, and makes its node. */
static int start(int control, const char *name, struct table *table,
		 char complaint[static VERITY_COMPLAINT_MAX])
{
	struct dm_ioctl request = {.flags = 0}; /* not DM_SUSPEND_FLAG: it resumes */
	int r;

	table->head.target_count = 1;
	table->head.flags = DM_READONLY_FLAG;
	r = verity_dm_ask(control, DM_TABLE_LOAD, name, &table->head, sizeof(*table));
	if (r < 0)
		return fail(r, "loading the table of", name, complaint);
	r = verity_dm_ask(control, DM_DEV_SUSPEND, name, &request, sizeof(request));
	if (r < 0)
		return fail(r, "starting", name, complaint);
	r = make_node(name, (dev_t)request.dev);
	return r < 0 ? fail(r, "making the node of", name, complaint) : 0;
}

static int set_up_table(int control, const struct verity_set_up_device *device,
			const char *key, char complaint[static VERITY_COMPLAINT_MAX])
{
	struct table table = {.target.next = 0};
	int r = describe(device, key, &table);

	if (r < 0)
		return fail(r, "describing", device->name, complaint);
	r = create(control, device->name, complaint);
	if (r < 0)
		return r;
	r = start(control, device->name, &table, complaint);
	if (r < 0)
		(void)!verity_dm_remove(control, device->name);
	return r;
}

/*
 * The kernel takes a signature from a key of this thread, which it finds by its
 * description.
 */
static int set_up_signed(int control, const struct verity_set_up_device *device,
			 char complaint[static VERITY_COMPLAINT_MAX])
{
	const struct verity_manifest *manifest =
		verity_verified_manifest(device->verified);
	char key[sizeof(KEY_PREFIX) + VERITY_DM_NAME_MAX];
	int number, r;

	snprintf(key, sizeof(key), KEY_PREFIX "%s", device->name);
	number = sys_add_key(KEY_TYPE, key, manifest->kernel_signature,
			     manifest->kernel_signature_bytes, KEY_SPEC_THREAD_KEYRING);
	if (number < 0)
		return fail(-errno, "adding the signature of", device->name, complaint);
	r = set_up_table(control, device, key, complaint);
	(void)sys_keyctl_unlink(number, KEY_SPEC_THREAD_KEYRING);
	return r;
}

int verity_set_up_run(struct verity_set_up *set_up,
		      const struct verity_set_up_device *device,
		      char complaint[static VERITY_COMPLAINT_MAX])
{
	int r = device->with_signature
			? set_up_signed(set_up->dm_control, device, complaint)
			: set_up_table(set_up->dm_control, device, "", complaint);

	if (r < 0)
		verity_debug("%s", complaint);
	return r;
}

void verity_set_up_free(struct verity_set_up *set_up)
{
	free(set_up);
}

int verity_set_up_open(int dm_control, struct verity_set_up **ret)
{
	struct verity_set_up *set_up = calloc(1, sizeof(*set_up));

	if (!set_up)
		return -ENOMEM;
	set_up->dm_control = dm_control;
	*ret = set_up;
	return 0;
}
