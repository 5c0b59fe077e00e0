/* SPDX-License-Identifier: MIT */
#include "factory/data_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define EXT4  "{\"format\":1,\"type\":\"ext4\",\"label\":\"data\",\"uuid\":\"u-1\""
#define WHOLE EXT4 ",\"place\":\"PARTUUID=p-1\",\"bytes\":4096}"

static const struct factory_volume ext4 = {
	.filesystem = {.type = "ext4", .label = "data", .uuid = "u-1"},
	.place = "PARTUUID=p-1",
	.bytes = 4096,
};

static void test_decode(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{"{}", "format: missing"},
		{"{\"format\":2}", "format: not 1"},
		{"{\"format\":1}", "type: missing"},
		{"{\"format\":1,\"type\":\"\"}", "type: empty"},
		{"{\"format\":1,\"type\":\"ext4\",\"label\":7}", "label: not a string"},
		{EXT4 "}", "place: missing"},
		{EXT4 ",\"place\":\"a\\nb\"}", "place: not printable UTF-8"},
		{EXT4 ",\"place\":\"p\"}", "bytes: missing"},
		{EXT4 ",\"place\":\"p\",\"bytes\":0}",
		 "bytes: outside 1 to 1152921504606846976"},
	};
	struct factory_volume volume = {.bytes = 99};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text;

		assert_int_equal(factory_volume_decode(text, strlen(text), &volume, &err),
				 -EBADMSG);
		check_error(&err, VERITY_E_BAD_RECORD, cases[i].why);
		assert_int_equal(volume.bytes, 99);
	}
	check_ok(factory_volume_decode(WHOLE, strlen(WHOLE), &volume, &err), &err);
	assert_string_equal(volume.filesystem.type, "ext4");
	assert_string_equal(volume.filesystem.label, "data");
	assert_string_equal(volume.filesystem.uuid, "u-1");
	assert_string_equal(volume.place, "PARTUUID=p-1");
	assert_int_equal(volume.bytes, 4096);
}

static void test_encode(void **state)
{
	const struct factory_volume bare = {
		.filesystem = {.type = "f2fs"}, .place = "/sys/devices/x", .bytes = 1};
	cleanup_free char *text = NULL;
	cleanup_free char *short_text = NULL;
	struct verity_error err;

	(void)state;
	check_ok(factory_volume_encode(&ext4, &text, &err), &err);
	assert_string_equal(text, WHOLE);
	check_ok(factory_volume_encode(&bare, &short_text, &err), &err);
	assert_string_equal(short_text, "{\"format\":1,\"type\":\"f2fs\",\"place\":"
					"\"/sys/devices/x\",\"bytes\":1}");
}

/* Written once, and again where it changed or cannot be read. */
static void test_remember(void **state)
{
	cleanup_fd int fd = -1;
	struct factory_volume volume = ext4;
	struct factory_volume found;
	struct verity_error err;
	struct stat before, after;

	(void)state;
	assert_int_equal(mkdir("record", 0700), 0);
	fd = open("record", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(factory_volume_recall(fd, &found, &err), -ENOENT);
	check_ok(factory_volume_remember(fd, &volume, &err), &err);
	assert_int_equal(stat("record/" FACTORY_VOLUME, &before), 0);
	check_ok(factory_volume_remember(fd, &volume, &err), &err);
	assert_int_equal(stat("record/" FACTORY_VOLUME, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	volume.bytes = 8192;
	check_ok(factory_volume_remember(fd, &volume, &err), &err);
	check_ok(factory_volume_recall(fd, &found, &err), &err);
	assert_int_equal(found.bytes, 8192);
	scratch_write("record/" FACTORY_VOLUME, "{");
	assert_int_equal(factory_volume_recall(fd, &found, &err), -EBADMSG);
	check_error(&err, VERITY_E_BAD_RECORD,
		    "data.json: not JSON: incomplete at byte 1");
	check_ok(factory_volume_remember(fd, &volume, &err), &err);
	check_ok(factory_volume_recall(fd, &found, &err), &err);
	assert_int_equal(found.bytes, 8192);
}

/* What is remembered, and is not there or no device at all, is no other DATA. */
static void test_rival(void **state)
{
	static const char *const places[] = {"PARTUUID=no-such", "/sys/devices/no/such",
					     "/etc", "/sys/devices/../../etc"};
	cleanup_fd int fd = -1;
	struct factory_volume volume = ext4;
	struct verity_error err;

	(void)state;
	(void)mkdir("record", 0700);
	fd = open("record", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(volume.place, sizeof(volume.place), "%s", places[i]);
		check_ok(factory_volume_remember(fd, &volume, &err), &err);
		assert_null(factory_volume_rival(fd, "LABEL=data", "/dev/null"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_remember),
		cmocka_unit_test(test_rival),
	};

	return cmocka_run_group_tests_name("factory/data_volume", tests, scratch_enter,
					   scratch_leave);
}
