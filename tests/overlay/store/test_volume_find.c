/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/store/volume_find.h"
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

/* A sysfs as kernels make it, as far as it is looked at. */
static void test_plugged(void **state)
{
	static const struct {
		unsigned major, minor;
		const char *folder; /* of the disk or partition */
		const char *type;   /* "FOLDER of it's device/type", or NULL */
		const char *word;
		bool plugged;
	} cases[] = {
		{8, 0, "sys/devices/pci0/ata1/host0/block/sda", NULL, NULL, false},
		{8, 1, "sys/devices/pci0/ata1/host0/block/sda/sda1", NULL, NULL, false},
		{8, 16, "sys/devices/pci0/usb1/1-1/host1/block/sdb", NULL, NULL, true},
		{8, 17, "sys/devices/pci0/usb1/1-1/host1/block/sdb/sdb1", NULL, NULL,
		 true},
		{179, 0, "sys/devices/mmc0:1/block/mmcblk0",
		 "sys/devices/mmc0:1/block/mmcblk0/device", "MMC\n", false},
		{179, 1, "sys/devices/mmc0:1/block/mmcblk0/mmcblk0p1", NULL, NULL, false},
		{179, 8, "sys/devices/mmc1:2/block/mmcblk1",
		 "sys/devices/mmc1:2/block/mmcblk1/device", "SD\n", true},
		{179, 9, "sys/devices/mmc1:2/block/mmcblk1/mmcblk1p1", NULL, NULL, true},
		{7, 0, "sys/devices/virtual/block/loop0", NULL, NULL, false},
	};

	(void)state;
	make("sys/dev/block");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char link[64], target[128];

		make(cases[i].folder);
		if (cases[i].type) {
			make(cases[i].type);
			snprintf(target, sizeof(target), "%s/type", cases[i].type);
			scratch_write(target, cases[i].word);
		}
		snprintf(link, sizeof(link), "sys/dev/block/%u:%u", cases[i].major,
			 cases[i].minor);
		snprintf(target, sizeof(target), "../../../%s", cases[i].folder);
		assert_int_equal(symlink(target, link), 0);
		assert_int_equal(
			overlay_volume_plugged("sys", cases[i].major, cases[i].minor),
			cases[i].plugged);
	}
	assert_false(overlay_volume_plugged("sys", 99, 99));
}

static void test_bad(void **state)
{
	struct verity_error err;
	char *device;

	(void)state;
	assert_int_equal(overlay_volume_find("nonsense", "m", &device, &err), -22);
	check_error(&err, VERITY_E_CONFIG, "nonsense: not a folder or device");
	assert_int_equal(
		overlay_volume_find("LABEL=no-such-label-anywhere", "m", &device, &err),
		-2);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "LABEL=no-such-label-anywhere: there is no such file system");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plugged),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
