/* SPDX-License-Identifier: MIT */

/*
 * dm-verity devices by requests to device-mapper: three for each, where libcryptsetup
 * makes eighty system calls. Sources: <linux/dm-ioctl.h>,
 * Documentation/admin-guide/device-mapper/verity.rst.
 */

#include "verity/device/dm_table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verity/device/dm.h"
#include "verity/format/manifest.h"
#include "verity/util/debug.h"
#include "verity/util/hex.h"

#define SECTOR 512

/* As libcryptsetup has it, so that `veritysetup status` knows the device. */
#define UUID_PREFIX "CRYPT-VERITY-"

/* What the kernel reads as one: the head, one target, and its parameters. */
struct table {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[1024];
};

_Static_assert(sizeof(struct table) ==
		       sizeof(struct dm_ioctl) + sizeof(struct dm_target_spec) + 1024,
	       "no padding");

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
	int size;

	verity_hex_encode(manifest->root_hash, sizeof(manifest->root_hash), root);
	if (manifest->salt_bytes > 0)
		verity_hex_encode(manifest->salt, manifest->salt_bytes, salt);
	ret->target = (struct dm_target_spec){.length = blocks * (VERITY_BLOCK / SECTOR),
					      .target_type = "verity"};
	size = snprintf(ret->parameters, sizeof(ret->parameters),
			"1 %s %s %d %d %llu %llu sha256 %s %s%s%s", device->data_path,
			device->tree_path, VERITY_BLOCK, VERITY_BLOCK,
			(unsigned long long)blocks,
			(unsigned long long)(layout->tree_start / VERITY_BLOCK), root,
			salt, *key ? " 2 root_hash_sig_key_desc " : "", key);
	return size < (int)sizeof(ret->parameters) ? 0 : -ENAMETOOLONG;
}

/*
 * Without udev, and beside it: its own node is a link, which may come later, or be there
 * already. What a device of that name has left, which is gone, is replaced.
 */
static int make_node(const char *name, dev_t number)
{
	char path[sizeof(VERITY_DM_FOLDER) + VERITY_DM_NAME_MAX];
	struct stat st;

	snprintf(path, sizeof(path), VERITY_DM_FOLDER "%s", name);
	if (mknod(path, S_IFBLK | 0600, number) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == number)
		return 0;
	(void)unlink(path);
	return mknod(path, S_IFBLK | 0600, number) < 0 ? -errno : 0;
}

int verity_dm_table_fail(int r, const char *step, const char *name,
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
	int r;

	snprintf(request.uuid, sizeof(request.uuid), UUID_PREFIX "%.*s",
		 (int)(sizeof(request.uuid) - sizeof(UUID_PREFIX)), name);
	r = verity_dm_ask(control, DM_DEV_CREATE, name, &request, sizeof(request));
	if (r == -EBUSY)
		snprintf(complaint, VERITY_COMPLAINT_MAX, "Device %s already exists.",
			 name);
	else if (r < 0)
		verity_dm_table_fail(r, "creating", name, complaint);
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
		return verity_dm_table_fail(r, "loading the table of", name, complaint);
	r = verity_dm_ask(control, DM_DEV_SUSPEND, name, &request, sizeof(request));
	if (r < 0)
		return verity_dm_table_fail(r, "starting", name, complaint);
	r = make_node(name, (dev_t)request.dev);
	return r < 0 ? verity_dm_table_fail(r, "making the node of", name, complaint) : 0;
}

int verity_dm_table_set_up(int control, const struct verity_set_up_device *device,
			   const char *key, char complaint[static VERITY_COMPLAINT_MAX])
{
	struct table table = {.target.next = 0};
	int r = describe(device, key, &table);

	if (r < 0)
		return verity_dm_table_fail(r, "describing", device->name, complaint);
	r = create(control, device->name, complaint);
	if (r < 0)
		return r;
	r = start(control, device->name, &table, complaint);
	if (r < 0) {
		verity_debug("%s", complaint);
		(void)!verity_dm_remove(control, device->name);
	}
	return r;
}
