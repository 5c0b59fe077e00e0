/* SPDX-License-Identifier: MIT */
/* The rules by which a device is refused: its partition, its content, its users. */
#include "factory/reset_target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void factory_target_free(struct factory_target *target)
{
	free(target->users);
	target->users = NULL;
	target->users_count = 0;
}

/*
 * The types of partitions that hold data of a Linux system. docs/reset.md lists them;
 * those of /home, /srv and /var are from the Discoverable Partitions Specification.
 */
static const struct {
	const char *table, *type;
} types[] = {
	{"gpt", "0fc63daf-8483-4772-8e79-3d69d8477de4"}, /* Linux filesystem */
	{"gpt", "933ac7e1-2eb4-4f13-b844-0e14e2aef915"}, /* /home */
	{"gpt", "3b8f8425-20e0-4f3b-907f-1a25a76f98e8"}, /* /srv */
	{"gpt", "4d21b016-b534-45c2-a9fb-5c16e091fd2d"}, /* /var */
	{"dos", "0x83"},                                 /* Linux */
};

static int check_partition(const struct factory_target *target, const char *what,
			   const char *device, struct verity_error *err)
{
	if (target->has_partitions)
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s is a disk with partitions (configure the "
				   "partition that is %s)",
				   device, what);
	if (!target->is_partition)
		return 0;
	for (size_t i = 0; i < COUNT(types); i++)
		if (strcmp(target->table, types[i].table) == 0 &&
		    strcasecmp(target->partition_type, types[i].type) == 0)
			return 0;
	if (!target->partition_type[0])
		return verity_fail(err, VERITY_E_CONFIG,
				   "the type of partition %s cannot be read", device);
	return verity_fail(
		err, VERITY_E_CONFIG,
		"partition %s has type %s, which is not one for data (configure "
		"the partition that is %s, or change its type to Linux "
		"filesystem)",
		device, target->partition_type, what);
}

/*
 * Emptied is what a reset can make again, and what is DATA by its own name. Nothing at
 * all is there after a power cut while it was made.
 */
static int check_content(const struct factory_target *target, const char *what,
			 const char *device, struct verity_error *err)
{
	const struct factory_filesystem filesystem = {""};
	struct factory_filesystem found = filesystem;
	bool made;

	memcpy(found.type, target->filesystem, sizeof(found.type));
	made = factory_filesystem_make(&found, device, false).paths != NULL;
	if (!target->filesystem[0] || made || (target->is_filesystem && target->is_named))
		return 0;
	if (strcmp(target->filesystem, FACTORY_TYPE_UNKNOWN) == 0)
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s holds more than one file system, or a partition "
				   "table (configure the device that is %s, or erase its "
				   "signatures with wipefs)",
				   device, what);
	return verity_fail(err, VERITY_E_CONFIG,
			   "%s holds %s, which is not a file system of %s (configure the "
			   "device that is %s, or format it as ext4, btrfs or f2fs)",
			   device, target->filesystem, what, what);
}

static int refuse_user(const struct factory_user *user, const char *what,
		       const char *device, struct verity_error *err)
{
	switch (user->use) {
	case FACTORY_USE_KEPT:
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s lies in %s and would be deleted with it (%s)",
				   user->name, what, device);
	case FACTORY_USE_MOUNTED:
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s is in use by the file system at %s (unmount that, "
				   "or configure the device that is %s)",
				   device, user->name, what);
	case FACTORY_USE_SWAP:
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s is in use as swap, %s (configure the device that "
				   "is %s)",
				   device, user->name, what);
	default:
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s is a part of %s (configure that, if it is %s)",
				   device, user->name, what);
	}
}

/* A user is lost with the device that it lies on, and with one that lies on its own. */
static int check_users(const struct factory_target *target, const char *what,
		       const char *device, struct verity_error *err)
{
	dev_t number = target->on.devices[0];

	for (size_t i = 0; i < target->users_count; i++) {
		const struct factory_user *user = &target->users[i];

		if (overlay_disks_have(&user->on, number) ||
		    (user->on.count > 0 &&
		     overlay_disks_have(&target->on, user->on.devices[0])))
			return refuse_user(user, what, device, err);
		if (user->on.unread)
			return verity_fail(err, VERITY_E_CONFIG,
					   "it cannot be read whether %s lies on %s",
					   user->name, device);
	}
	return 0;
}

int factory_target_check(const struct factory_target *target, const char *what,
			 const char *device, struct verity_error *err)
{
	int r;

	if (target->on.count == 0 || target->on.unread || target->unread[0])
		return verity_fail(err, VERITY_E_CONFIG,
				   "it cannot be read what uses %s: %s", device,
				   target->unread[0] ? target->unread : "sysfs");
	r = check_users(target, what, device, err);
	if (r == 0)
		r = check_partition(target, what, device, err);
	return r < 0 ? r : check_content(target, what, device, err);
}
