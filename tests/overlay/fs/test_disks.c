/* SPDX-License-Identifier: MIT */
#include "overlay/fs/disks.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"

static void make(const char *path)
{
	char part[128];

	for (const char *at = path; (at = strchr(at + 1, '/'));) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		(void)mkdir(part, 0700);
	}
	assert_int_equal(mkdir(path, 0700), 0);
}

static void write_file(const char *path, const char *text)
{
	char folder[160];

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (access(folder, F_OK) < 0)
		make(folder);
	scratch_write(path, text);
}

static void link_number(unsigned first, unsigned second, const char *folder)
{
	char link[64], target[160];

	if (access("sys/dev/block", F_OK) < 0)
		make("sys/dev/block");
	snprintf(link, sizeof(link), "sys/dev/block/%u:%u", first, second);
	snprintf(target, sizeof(target), "../../../%s", folder);
	assert_int_equal(symlink(target, link), 0);
}

/* FOLDER/slaves/NAME leads to the folder of another device. */
static void link_slave(const char *folder, const char *target)
{
	const char *name = strrchr(target, '/') + 1;
	char path[160], to[200];

	snprintf(path, sizeof(path), "%s/slaves", folder);
	if (access(path, F_OK) < 0)
		make(path);
	snprintf(path, sizeof(path), "%s/slaves/%s", folder, name);
	snprintf(to, sizeof(to), "../../../../../../%s", target);
	assert_int_equal(symlink(to, path), 0);
}

/* A sysfs as kernels make it, as far as it is looked at. */
static void test_plugged(void **state)
{
	static const struct {
		unsigned major, minor;
		const char *folder; /* of the disk or partition */
		const char *file;   /* or NULL */
		const char *word;   /* in it */
		bool plugged;
	} cases[] = {
		{8, 0, "sys/devices/pci0/ata1/host0/block/sda", NULL, NULL, false},
		{8, 1, "sys/devices/pci0/ata1/host0/block/sda/sda1", NULL, NULL, false},
		{8, 16, "sys/devices/pci0/usb1/1-1/host1/block/sdb", NULL, NULL, true},
		{8, 17, "sys/devices/pci0/usb1/1-1/host1/block/sdb/sdb1", NULL, NULL,
		 true},
		{179, 0, "sys/devices/mmc0:1/block/mmcblk0",
		 "sys/devices/mmc0:1/block/mmcblk0/device/type", "MMC\n", false},
		{179, 1, "sys/devices/mmc0:1/block/mmcblk0/mmcblk0p1", NULL, NULL, false},
		{179, 8, "sys/devices/mmc1:2/block/mmcblk1",
		 "sys/devices/mmc1:2/block/mmcblk1/device/type", "SD\n", true},
		{179, 9, "sys/devices/mmc1:2/block/mmcblk1/mmcblk1p1", NULL, NULL, true},
		{7, 0, "sys/devices/virtual/block/loop0", NULL, NULL, false},
		{8, 32, "sys/devices/pci1/ata2/host2/block/sdc",
		 "sys/devices/pci1/ata2/host2/block/sdc/removable", "1\n", true},
		{8, 33, "sys/devices/pci1/ata2/host2/block/sdc/sdc1", NULL, NULL, true},
		{8, 48, "sys/devices/pci1/ata2/host2/block/sdd",
		 "sys/devices/pci1/ata2/host2/block/sdd/removable", "0\n", false},
		{259, 0, "sys/devices/pci2/0000:05:00.0/nvme/nvme0/nvme0n1",
		 "sys/devices/pci2/0000:05:00.0/removable", "removable\n", true},
		{259, 1, "sys/devices/pci3/0000:06:00.0/nvme/nvme1/nvme1n1",
		 "sys/devices/pci3/0000:06:00.0/removable", "fixed\n", false},
	};

	static const struct overlay_disks none = {.devices = {99}, .count = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_disks disks = {.count = 1};

		make(cases[i].folder);
		if (cases[i].file)
			write_file(cases[i].file, cases[i].word);
		link_number(cases[i].major, cases[i].minor, cases[i].folder);
		disks.devices[0] = makedev(cases[i].major, cases[i].minor);
		if (overlay_disks_plugged("sys", &disks) != cases[i].plugged)
			fail_msg("%s", cases[i].folder);
	}
	assert_false(overlay_disks_plugged("sys", &none));
}

static int by_number(const void *left, const void *right)
{
	dev_t a = *(const dev_t *)left, b = *(const dev_t *)right;

	return major(a) != major(b) ? (int)major(a) - (int)major(b)
				    : (int)minor(a) - (int)minor(b);
}

/* What each device lies on, in a sysfs as kernels make it. */
static void test_below(void **state)
{
	static const struct {
		const char *folder, *slaves[2]; /* paths */
		unsigned major, minor;
		bool partition;
		const char *wanted; /* the device and all below, by number: "8:0 8:1" */
	} cases[] = {
		{"sys/devices/a/block/sde", {NULL}, 8, 64, false, "8:64"},
		{"sys/devices/a/block/sde/sde1", {NULL}, 8, 65, true, "8:64 8:65"},
		{"sys/devices/a/block/sdf", {NULL}, 8, 80, false, "8:80"},
		{"sys/devices/v/block/dm-0",
		 {"sys/devices/a/block/sde/sde1"},
		 254,
		 0,
		 false,
		 "8:64 8:65 254:0"},
		{"sys/devices/v/block/md0",
		 {"sys/devices/v/block/dm-0", "sys/devices/a/block/sdf"},
		 9,
		 0,
		 false,
		 "8:64 8:65 8:80 9:0 254:0"},
		{"sys/devices/v/block/md0/md0p1",
		 {NULL},
		 259,
		 7,
		 true,
		 "8:64 8:65 8:80 9:0 254:0 259:7"},
	};
	struct overlay_disks disks;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[160], text[32], found[128] = "";

		make(cases[i].folder);
		link_number(cases[i].major, cases[i].minor, cases[i].folder);
		snprintf(path, sizeof(path), "%s/dev", cases[i].folder);
		snprintf(text, sizeof(text), "%u:%u\n", cases[i].major, cases[i].minor);
		scratch_write(path, text);
		if (cases[i].partition) {
			snprintf(path, sizeof(path), "%s/partition", cases[i].folder);
			scratch_write(path, "1\n");
		}
		for (size_t j = 0; j < 2 && cases[i].slaves[j]; j++)
			link_slave(cases[i].folder, cases[i].slaves[j]);
		overlay_disks_below("sys", makedev(cases[i].major, cases[i].minor), true,
				    &disks);
		/* in the order of the folder, which each file system has its own of */
		qsort(disks.devices, disks.count, sizeof(disks.devices[0]), by_number);
		for (size_t j = 0; j < disks.count; j++)
			snprintf(found + strlen(found), sizeof(found) - strlen(found),
				 "%s%u:%u", j ? " " : "", major(disks.devices[j]),
				 minor(disks.devices[j]));
		assert_string_equal(found, cases[i].wanted);
		assert_false(disks.unread);
	}
	assert_true(overlay_disks_have(&disks, makedev(8, 64)));
	assert_false(overlay_disks_have(&disks, makedev(8, 65 + 128)));
}

/* What cannot be found out is said, and no device is none. */
static void test_unread(void **state)
{
	struct overlay_disks disks;

	(void)state;
	overlay_disks_below("sys", makedev(99, 99), true, &disks);
	assert_true(disks.unread);
	assert_int_equal(disks.count, 1);
	overlay_disks_below("sys", makedev(0, 41), true, &disks);
	assert_false(disks.unread);
	assert_int_equal(disks.count, 0);
	make("sys/devices/z/block/sdz/sdz1");
	link_number(8, 200, "sys/devices/z/block/sdz/sdz1");
	scratch_write("sys/devices/z/block/sdz/sdz1/partition", "1\n");
	overlay_disks_below("sys", makedev(8, 200), true, &disks);
	assert_true(disks.unread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plugged),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_unread),
	};

	return cmocka_run_group_tests_name("overlay/disks", tests, scratch_enter,
					   scratch_leave);
}
