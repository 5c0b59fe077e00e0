/* SPDX-License-Identifier: MIT */
#include "installer/media/system.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"

/* A running device with packages, and what a person mounted on it. */
static const char mountinfo[] =
	"22 36 0:20 / /sys rw,nosuid - sysfs sysfs rw\n"
	"28 26 254:3 / /run/wmopkg/data rw,nosuid - ext4 /dev/vda3 rw\n"
	"30 26 253:0 / /run/wmopkg/layers/1 ro,nodev - squashfs /dev/mapper/x ro\n"
	"31 26 254:2 / /run/wmopkg/layers/root ro shared:1 - squashfs /dev/vda2 ro\n"
	"33 26 8:49 / /run/wmopkgs ro - vfat /dev/sdd1 ro\n"
	"36 1 0:25 / / ro,nodev - overlay wmopkg ro,lowerdir=engine:1:root\n"
	"37 36 179:2 / / ro - ext4 /dev/mmcblk0p2 ro\n"
	"38 36 8:17 / /mnt/a\\040b rw - vfat /dev/sdb1 rw\n"
	"39 36 8:33 /folder /media rw - vfat /dev/sdc1 rw\n"
	"no line of the kernel's\n"
	"40 36\n";

static char run[] = "/run/wmopkg", tag[] = "LABEL=data", here[] = "/";

static bool is_among(const dev_t *numbers, size_t count, dev_t number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static struct media_system read_system(char *data)
{
	const struct overlay_config config = {.run = run, .data = data, .persist = tag};
	struct media_system system;
	struct verity_error err;

	scratch_write("mountinfo", mountinfo);
	check_ok(media_system_read("mountinfo", &config, &system, &err), &err);
	return system;
}

static void test_runs(void **state)
{
	static const struct {
		unsigned major, minor;
		bool runs, mounted;
	} cases[] = {
		{254, 3, true, true}, {253, 0, true, true}, {254, 2, true, true},
		{179, 2, true, true}, {8, 17, false, true}, {8, 33, false, true},
		{8, 49, false, true}, {8, 1, false, false}, {0, 25, false, false},
	};
	struct media_system system = read_system(tag);

	(void)state;
	assert_int_equal(system.runs_count, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dev_t number = makedev(cases[i].major, cases[i].minor);

		assert_int_equal(is_among(system.runs, system.runs_count, number),
				 cases[i].runs);
		assert_int_equal(media_system_mounted(&system, number), cases[i].mounted);
	}
}

/* A folder counts with the file system it is on, unless that is on no device. */
static void test_folders(void **state)
{
	struct media_system system = read_system(here);
	struct stat st;

	(void)state;
	assert_int_equal(stat("/", &st), 0);
	assert_int_equal(is_among(system.runs, system.runs_count, st.st_dev),
			 major(st.st_dev) != 0);
}

static void test_missing(void **state)
{
	const struct overlay_config config = {.run = run, .data = tag, .persist = tag};
	struct media_system system;
	struct verity_error err;

	(void)state;
	assert_int_equal(media_system_read("nowhere", &config, &system, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "nowhere: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
