/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/config/identity.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define DMI  "system/sys/class/dmi/id/"
#define TREE "system/proc/device-tree/"

static int enter(void **state)
{
	static const char *const folders[] = {
		"system",
		"system/sys",
		"system/sys/class",
		"system/proc",
		"root",
		"system/sys/class/dmi",
		"root/etc",
		"root/usr",
		"root/usr/lib",
		"system/run",
		"outside",
		"system/sys/class/dmi/id",
		"system/proc/device-tree",
	};
	int r = scratch_enter(state);

	for (size_t i = 0; r == 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
		r = mkdir(folders[i], 0755);
	return r;
}

static void forget(void)
{
	static const char *const files[] = {
		DMI "product_name",   DMI "product_serial",  TREE "model",
		TREE "serial-number", "root/etc/os-release", "root/usr/lib/os-release",
		"root/etc/version",   "system/run/serial",   "outside/os-release",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
}

static void find(const struct overlay_config *config, struct overlay_identity *ret)
{
	cleanup_fd int system_fd = open("system", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int root_fd = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);

	memset(ret, 'x', sizeof(*ret));
	overlay_identity_find(config, system_fd, root_fd, ret);
}

static char empty[1];

/* Of a device without a word in its configuration. */
static void find_plain(struct overlay_identity *ret)
{
	const struct overlay_config config = {
		.serial = empty, .model = empty, .firmware_version = empty};

	find(&config, ret);
}

static void test_nothing(void **state)
{
	struct overlay_identity identity;

	(void)state;
	forget();
	find_plain(&identity);
	assert_string_equal(identity.model, "");
	assert_string_equal(identity.serial, "");
	assert_string_equal(identity.firmware, "");
}

static void test_places(void **state)
{
	struct overlay_identity identity;
	cleanup_fd int fd = -1;

	(void)state;
	forget();
	scratch_write(DMI "product_name", "Switch 9000\n");
	scratch_write(DMI "product_serial", " SN-1 \n");
	find_plain(&identity);
	assert_string_equal(identity.model, "Switch 9000");
	assert_string_equal(identity.serial, "SN-1");

	/* The device tree ends its texts with a 0. */
	scratch_write(TREE "model", "ACME Board");
	scratch_write(TREE "serial-number", "0000beef");
	fd = open(TREE "serial-number", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "", 1), 1);
	find_plain(&identity);
	assert_string_equal(identity.model, "ACME Board");
	assert_string_equal(identity.serial, "0000beef");
}

static void test_placeholders(void **state)
{
	static const char *const cases[] = {
		"0",
		"00000000",
		"None",
		"Default string",
		"To be filled by O.E.M.",
		"TO BE FILLED BY O.E.M.",
		"System Serial Number",
		"",
		"  ",
		"\t\n",
		"un\x01printable",
		"a serial number that is longer than the sixty-four bytes that one may have",
	};
	struct overlay_identity identity;

	(void)state;
	forget();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scratch_write(DMI "product_serial", cases[i]);
		find_plain(&identity);
		assert_string_equal(identity.serial, "");
	}
}

static void test_configured(void **state)
{
	static const struct {
		const char *setting;
		const char *expected;
	} cases[] = {
		{"SN-2", "SN-2"},
		{"0", "0"}, /* who says so will know */
		{"/etc/version", "of the firmware"},
		{"/run/serial", "of the system"},
		{"/etc/none", ""},
		{"/run/none", ""},
		{"/etc/outside", ""},
	};
	struct overlay_identity identity;
	char setting[64];

	(void)state;
	forget();
	scratch_write(DMI "product_serial", "SN-1\n");
	scratch_write("root/etc/version", "of the firmware\nnot this line\n");
	scratch_write("system/run/serial", "of the system\n");
	scratch_write("outside/os-release", "of somebody else\n");
	assert_int_equal(symlink("../../outside/os-release", "root/etc/outside"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct overlay_config config = {
			.serial = setting, .model = setting, .firmware_version = setting};

		snprintf(setting, sizeof(setting), "%s", cases[i].setting);
		find(&config, &identity);
		assert_string_equal(identity.serial, cases[i].expected);
		assert_string_equal(identity.model, cases[i].expected);
		assert_string_equal(identity.firmware, cases[i].expected);
	}
}

static void test_os_release(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{"VERSION_ID=12\n", "12"},
		{"VERSION_ID=\"5.26.0\"\nIMAGE_VERSION=7\n", "7"},
		{"IMAGE_VERSION=''\nVERSION_ID='1 2'\n", "1 2"},
		{"VERSION_ID=\"1\\\"2\\\\\"", "1\"2\\"},
		{"VERSION_ID='1\\2'", "1\\2"},
		{"# VERSION_ID=1\nXVERSION_ID=2\nVERSION_ID_X=3\n", ""},
		{"VERSION_ID=", ""},
		{"VERSION_ID=\"\x1b[2J\"\n", ""},
		{"", ""},
	};
	struct overlay_identity identity;

	(void)state;
	forget();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scratch_write("root/usr/lib/os-release", cases[i].text);
		find_plain(&identity);
		assert_string_equal(identity.firmware, cases[i].expected);
	}
	scratch_write("root/etc/os-release", "VERSION_ID=13\n");
	find_plain(&identity);
	assert_string_equal(identity.firmware, "13");
}

/* Most systems have a link there; an absolute one is meant below the root. */
static void test_links(void **state)
{
	static const struct {
		const char *target;
		const char *expected;
	} cases[] = {
		{"../usr/lib/os-release", "14"},
		{"/usr/lib/os-release", "14"},
		{"../../../../../usr/lib/os-release", "14"},
		{"../../outside/os-release", ""},
		{"/proc/self/root/etc/os-release", ""},
	};
	struct overlay_identity identity;

	(void)state;
	forget();
	scratch_write("outside/os-release", "VERSION_ID=15\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unlink("root/usr/lib/os-release");
		if (cases[i].expected[0])
			scratch_write("root/usr/lib/os-release", "VERSION_ID=14\n");
		unlink("root/etc/os-release");
		assert_int_equal(symlink(cases[i].target, "root/etc/os-release"), 0);
		find_plain(&identity);
		assert_string_equal(identity.firmware, cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),      cmocka_unit_test(test_places),
		cmocka_unit_test(test_placeholders), cmocka_unit_test(test_configured),
		cmocka_unit_test(test_os_release),   cmocka_unit_test(test_links),
	};

	return cmocka_run_group_tests(tests, enter, scratch_leave);
}
