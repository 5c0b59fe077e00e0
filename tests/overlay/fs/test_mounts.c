/* SPDX-License-Identifier: MIT */
/* Built once for each way of overlay/fs/mounts.h: both have to read the same. */
#include "overlay/fs/mounts.h"

#include <errno.h>
#include <sys/sysmacros.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"

static const struct {
	const char *line, *root, *target, *source;
	unsigned major, minor;
} cases[] = {
	{"21 1 8:2 / / ro,relatime - squashfs /dev/sda2 ro\n", "/", "/", "/dev/sda2", 8,
	 2},
	{"22 21 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=4k,mode=755\n", "/",
	 "/dev", NULL, 0, 5},
	/* no optional field, and several; a whole folder of a btrfs */
	{"23 21 0:40 /sub /data rw shared:3 master:1 propagate_from:2 - btrfs /dev/sdb1 "
	 "rw,subvol=/sub\n",
	 "/sub", "/data", "/dev/sdb1", 0, 40},
	/* space, tab, line feed and backslash are escaped; a number of a large device */
	{"24 21 259:1048575 / /mnt/a\\040b\\011c\\012d\\134e rw - ext4 "
	 "/dev/disk/by-label/my\\040disk rw\n",
	 "/", "/mnt/a b\tc\nd\\e", "/dev/disk/by-label/my disk", 259, 1048575},
	{"25 21 0:50 / /run rw - tmpfs none rw\n", "/", "/run", NULL, 0, 50},
	/* what looks like the end of the optional fields, in a name */
	{"26 21 8:3 / /mnt/a-b rw - vfat /dev/sda3 rw\n", "/", "/mnt/a-b", "/dev/sda3", 8,
	 3},
};

static void check_text(const char *text, const char *expected)
{
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void test_read(void **state)
{
	struct overlay_mounts mounts;
	char text[4096] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		strcat(text, cases[i].line);
	scratch_write("mountinfo", text);
	assert_int_equal(overlay_mounts_read("mountinfo", &mounts), 0);
	assert_int_equal(mounts.count, sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < mounts.count; i++) {
		check_text(mounts.items[i].root, cases[i].root);
		check_text(mounts.items[i].target, cases[i].target);
		check_text(mounts.items[i].source, cases[i].source);
		assert_int_equal(mounts.items[i].device,
				 makedev(cases[i].major, cases[i].minor));
	}
	overlay_mounts_free(&mounts);
	assert_int_equal(mounts.count, 0);
}

/* Those of this process, which the kernel wrote. */
static void test_own(void **state)
{
	struct overlay_mounts mounts;
	bool root = false;

	(void)state;
	assert_int_equal(overlay_mounts_read(OVERLAY_MOUNTINFO, &mounts), 0);
	for (size_t i = 0; i < mounts.count; i++)
		root |= strcmp(mounts.items[i].target, "/") == 0;
	assert_true(root);
	overlay_mounts_free(&mounts);
}

static void test_missing(void **state)
{
	struct overlay_mounts mounts = {.count = 7};

	(void)state;
	assert_int_equal(overlay_mounts_read("missing", &mounts), -ENOENT);
	assert_int_equal(mounts.count, 7);
}

static void test_below(void **state)
{
	(void)state;
	assert_true(overlay_mount_below("/run/wmopkg/data", "/run/wmopkg"));
	assert_false(overlay_mount_below("/run/wmopkg", "/run/wmopkg"));
	assert_false(overlay_mount_below("/run/wmopkg-data", "/run/wmopkg"));
	assert_false(overlay_mount_below(NULL, "/run"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
