/* SPDX-License-Identifier: MIT */
#include "factory/reset_target.h"

#include <errno.h>
#include <stdio.h>

#include "tests/check.h"

#define LINUX "0fc63daf-8483-4772-8e79-3d69d8477de4"
#define ESP   "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

/* The disk is 1, its partitions 2 (root), 3 (DATA), 4 (PERSIST), another disk 8. */
enum { DISK = 1, ROOT, DATA, PERSIST, OTHER = 8, DM };

struct user {
	enum factory_use use;
	const char *name;
	dev_t on[4];
	bool unread;
};

/* What may be, one fact changed of a device that may be emptied. */
static const struct target {
	const char *changed;
	bool whole_disk, has_partitions, unread_disks;
	const char *table, *type, *filesystem, *unread;
	bool other_usage, named;
	struct user user;
	const char *wanted; /* message; NULL: it may */
} targets[] = {
	{"nothing", .wanted = NULL},
	{"upper case", .type = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"},
	{"/home", .type = "933ac7e1-2eb4-4f13-b844-0e14e2aef915"},
	{"/srv", .type = "3b8f8425-20e0-4f3b-907f-1a25a76f98e8"},
	{"/var", .type = "4d21b016-b534-45c2-a9fb-5c16e091fd2d"},
	{"MBR", .table = "dos", .type = "0x83"},
	{"whole disk", .whole_disk = true},
	{"ext2", .filesystem = "ext2"},
	{"ext3", .filesystem = "ext3"},
	{"btrfs", .filesystem = "btrfs"},
	{"f2fs", .filesystem = "f2fs"},
	{"never formatted", .filesystem = ""},
	{"xfs that is called so", .filesystem = "xfs", .named = true},

	/* its partition */
	{"ESP", .type = ESP,
	 .wanted =
		 "partition /dev/x has type " ESP
		 ", which is not one for data (configure the partition that is DATA, or "
		 "change its type to Linux filesystem)"},
	{"ESP in an MBR", .table = "dos", .type = "0xef",
	 .wanted = "partition /dev/x has type 0xef, which is not one for data (configure "
		   "the partition that is DATA, or change its type to Linux filesystem)"},
	{"root of the specification", .type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
	 .wanted =
		 "partition /dev/x has type 4f68bce3-e8cd-4db1-96e7-fbcaf984b709, which "
		 "is not one for data (configure the partition that is DATA, or change "
		 "its type to Linux filesystem)"},
	{"type of another table", .table = "dos", .type = LINUX,
	 .wanted =
		 "partition /dev/x has type " LINUX
		 ", which is not one for data (configure the partition that is DATA, or "
		 "change its type to Linux filesystem)"},
	{"type that is not known", .table = "", .type = "",
	 .wanted = "the type of partition /dev/x cannot be read"},
	{"disk with partitions", .whole_disk = true, .has_partitions = true,
	 .wanted = "/dev/x is a disk with partitions (configure the partition that is "
		   "DATA)"},

	/* its content */
	{"vfat", .filesystem = "vfat",
	 .wanted = "/dev/x holds vfat, which is not a file system of DATA (configure the "
		   "device that is DATA, or format it as ext4, btrfs or f2fs)"},
	{"squashfs", .filesystem = "squashfs",
	 .wanted = "/dev/x holds squashfs, which is not a file system of DATA (configure "
		   "the device that is DATA, or format it as ext4, btrfs or f2fs)"},
	{"xfs", .filesystem = "xfs",
	 .wanted = "/dev/x holds xfs, which is not a file system of DATA (configure the "
		   "device that is DATA, or format it as ext4, btrfs or f2fs)"},
	{"LUKS", .filesystem = "crypto_LUKS", .other_usage = true,
	 .wanted = "/dev/x holds crypto_LUKS, which is not a file system of DATA "
		   "(configure the device that is DATA, or format it as ext4, btrfs or "
		   "f2fs)"},
	{"swap that is called so", .filesystem = "swap", .other_usage = true,
	 .named = true,
	 .wanted = "/dev/x holds swap, which is not a file system of DATA (configure the "
		   "device that is DATA, or format it as ext4, btrfs or f2fs)"},
	{"LVM that is called so", .filesystem = "LVM2_member", .other_usage = true,
	 .named = true,
	 .wanted = "/dev/x holds LVM2_member, which is not a file system of DATA "
		   "(configure the device that is DATA, or format it as ext4, btrfs or "
		   "f2fs)"},
	{"two file systems", .filesystem = "?",
	 .wanted = "/dev/x holds more than one file system, or a partition table "
		   "(configure the device that is DATA, or erase its signatures with "
		   "wipefs)"},

	/* what uses it */
	{"root on it", .user = {FACTORY_USE_KEPT, "the root", {DATA, DISK}},
	 .wanted = "the root lies in DATA and would be deleted with it (/dev/x)"},
	{"root in a file on it", .user = {FACTORY_USE_KEPT, "the root", {20, DATA, DISK}},
	 .wanted = "the root lies in DATA and would be deleted with it (/dev/x)"},
	{"root on a device on it",
	 .user = {FACTORY_USE_KEPT, "the root", {DM, DATA, DISK}},
	 .wanted = "the root lies in DATA and would be deleted with it (/dev/x)"},
	{"root on the whole disk", .user = {FACTORY_USE_KEPT, "the root", {DISK}},
	 .wanted = "the root lies in DATA and would be deleted with it (/dev/x)"},
	{"root beside it", .user = {FACTORY_USE_KEPT, "the root", {ROOT, DISK}}},
	{"root on another disk", .user = {FACTORY_USE_KEPT, "the root", {OTHER}}},
	{"root on no disk", .user = {FACTORY_USE_KEPT, "the root", {0}}},
	{"PERSIST on it", .user = {FACTORY_USE_KEPT, "PERSIST", {DATA, DISK}},
	 .wanted = "PERSIST lies in DATA and would be deleted with it (/dev/x)"},
	{"mount", .user = {FACTORY_USE_MOUNTED, "/boot/efi", {DATA, DISK}},
	 .wanted = "/dev/x is in use by the file system at /boot/efi (unmount that, or "
		   "configure the device that is DATA)"},
	{"mount of another", .user = {FACTORY_USE_MOUNTED, "/home", {PERSIST, DISK}}},
	{"mount of what lies on it",
	 .user = {FACTORY_USE_MOUNTED, "/home", {DM, DATA, DISK}},
	 .wanted = "/dev/x is in use by the file system at /home (unmount that, or "
		   "configure the device that is DATA)"},
	{"swap", .user = {FACTORY_USE_SWAP, "/dev/x", {DATA, DISK}},
	 .wanted = "/dev/x is in use as swap, /dev/x (configure the device that is "
		   "DATA)"},
	{"swap file on it", .user = {FACTORY_USE_SWAP, "/data/swap", {DATA, DISK}},
	 .wanted = "/dev/x is in use as swap, /data/swap (configure the device that is "
		   "DATA)"},
	{"holder", .user = {FACTORY_USE_HOLDER, "dm-0", {DATA, DISK}},
	 .wanted = "/dev/x is a part of dm-0 (configure that, if it is DATA)"},

	/* what cannot be read is taken for present */
	{"a user's disks", .user = {FACTORY_USE_KEPT, "the root", {OTHER}, true},
	 .wanted = "it cannot be read whether the root lies on /dev/x"},
	{"its own disks", .unread_disks = true,
	 .wanted = "it cannot be read what uses /dev/x: sysfs"},
	{"the mounts", .unread = "/proc/self/mountinfo",
	 .wanted = "it cannot be read what uses /dev/x: /proc/self/mountinfo"},
};

static void put(struct overlay_disks *disks, const dev_t *from, size_t most)
{
	while (disks->count < most && from[disks->count]) {
		disks->devices[disks->count] = from[disks->count];
		disks->count++;
	}
}

static void test_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		const struct target *fact = &targets[i];
		struct factory_user user = {.use = fact->user.use,
					    .on.unread = fact->user.unread};
		struct factory_target target = {
			.is_partition = !fact->whole_disk,
			.has_partitions = fact->has_partitions,
			.is_filesystem = !fact->other_usage,
			.is_named = fact->named,
			.on.unread = fact->unread_disks,
			.users = &user,
			.users_count = fact->user.name ? 1 : 0,
		};
		struct verity_error err = {.message = ""};
		int r;

		put(&target.on, (const dev_t[]){DATA, DISK}, fact->whole_disk ? 1 : 2);
		put(&user.on, fact->user.on, 4);
		snprintf(target.table, sizeof(target.table), "%s",
			 fact->table ? fact->table : "gpt");
		snprintf(target.partition_type, sizeof(target.partition_type), "%s",
			 fact->type ? fact->type : LINUX);
		snprintf(target.filesystem, sizeof(target.filesystem), "%s",
			 fact->filesystem ? fact->filesystem : "ext4");
		snprintf(target.unread, sizeof(target.unread), "%s",
			 fact->unread ? fact->unread : "");
		snprintf(user.name, sizeof(user.name), "%s",
			 fact->user.name ? fact->user.name : "");
		r = factory_target_check(&target, "DATA", "/dev/x", &err);
		if (r != (fact->wanted ? -EINVAL : 0))
			fail_msg("%s: %d: %s", fact->changed, r, err.message);
		if (fact->wanted)
			assert_string_equal(err.message, fact->wanted);
	}
}

/* A device that sysfs does not know has no facts that speak for it. */
static void test_no_facts(void **state)
{
	const struct factory_target target = {.filesystem = "ext4"};
	struct verity_error err;

	(void)state;
	assert_int_equal(factory_target_check(&target, "DATA", "/dev/x", &err), -EINVAL);
	check_error(&err, VERITY_E_CONFIG, "it cannot be read what uses /dev/x: sysfs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_no_facts),
	};

	return cmocka_run_group_tests_name("factory/reset_target", tests, NULL, NULL);
}
