/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/trust_private.h"
#include "tests/check.h"
#include "tests/overlay/trusts.h"
#include "verity/cleanup.h"
#include "verity/floors.h"

#define ROUNDS 25
#define BROKEN OVERLAY_RECORD_FLOORS ".broken"

DEFINE_CLEANUP(struct overlay_trust, overlay_trust_free);

static char nowhere[] = "no-such-folder";

static void floors_free_p(struct verity_floors *floors)
{
	verity_floors_free(floors);
}

static void keep_text(const struct device *device, const char *name, const char *text)
{
	struct verity_error err;

	check_ok(
		overlay_record_replace(device->record_fd, name, text, strlen(text), &err),
		&err);
}

/* What lies there, which must be sound. */
static struct verity_floors read_floors(const struct device *device)
{
	cleanup_free char *text = NULL;
	struct verity_floors floors;
	struct verity_error err;
	size_t size;

	check_ok(overlay_record_load(device->record_fd, OVERLAY_RECORD_FLOORS, 1 << 20,
				     &text, &size, &err),
		 &err);
	check_ok(verity_floors_decode(text, size, &floors, &err), &err);
	return floors;
}

/* An installation takes minutes, and meanwhile others raise floors as well. */
static void test_two_programs(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *slow = look(&device);
	cleanup_with(overlay_trust_free_p) struct overlay_trust *quick = look(&device);
	cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
	struct verity_error err;

	(void)state;
	assert_int_equal(set_denylist(quick, 9, &err), 1);
	keep_text(&device, OVERLAY_RECORD_FLOORS,
		  "{\"format\":1,\"time\":1500000000,\"denylist\":9,"
		  "\"epochs\":{\"pkg\":4}}");
	check_ok(set_unlock(slow, "SN1", NOW, &err), &err);
	floors = read_floors(&device);
	assert_int_equal(floors.denylist, 9);
	assert_int_equal(verity_floors_epoch(&floors, "pkg"), 4);
	assert_true(floors.time > 1500000000);
	/* Nor does the slow one put an older list in the place of the newer. */
	assert_int_equal(set_denylist(slow, 8, &err), -EPERM);
	check_error(&err, VERITY_E_OLD_DENYLIST,
		    "its number is 8, and number 9 is in force on this device");
}

static void raise_often(const struct device *device, const char *name)
{
	for (uint32_t epoch = 1; epoch <= ROUNDS; epoch++) {
		struct overlay_trust *trust = look(device);

		trust->floors_rose =
			verity_floors_raise_epoch(&trust->floors, name, epoch, NULL) == 1;
		if (overlay_trust_keep(trust, NULL) < 0)
			_exit(1);
		overlay_trust_free(trust);
	}
	_exit(0);
}

/* Processes of their own, each with a package of its own. */
static void test_many_processes(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
	pid_t children[4];
	int status;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0)
			raise_often(&device, names[i]);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	floors = read_floors(&device);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(verity_floors_epoch(&floors, names[i]), ROUNDS);
}

/* Neither what is damaged nor what newer firmware wrote is thrown away. */
static void test_set_aside(void **state)
{
	static const char *const texts[] = {
		"junk", "{\"format\":2,\"time\":1,\"denylist\":0,\"epochs\":{}}"};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cleanup_with(device_close_p) struct device device = device_new();
		cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = NULL;
		cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
		cleanup_free char *aside = NULL;
		size_t size;

		keep_text(&device, OVERLAY_RECORD_FLOORS, texts[i]);
		trust = look(&device);
		assert_false(is_kept(&device, BROKEN)); /* who looks changes nothing */
		assert_int_equal(set_denylist(trust, 1, &err), 1);
		floors = read_floors(&device);
		assert_int_equal(floors.denylist, 1);
		check_ok(overlay_record_load(device.record_fd, BROKEN, 100, &aside, &size,
					     &err),
			 &err);
		assert_string_equal(aside, texts[i]);
	}
}

/* What is no file would be in the way of every floor to come. */
static void test_folder_set_aside(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = NULL;
	cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
	struct verity_error err;

	(void)state;
	assert_int_equal(mkdirat(device.record_fd, OVERLAY_RECORD_FLOORS, 0700), 0);
	keep_text(&device, BROKEN, "of an earlier time");
	trust = look(&device);
	assert_int_equal(set_denylist(trust, 1, &err), 1);
	check_ok(overlay_trust_keep(trust, &err), &err);
	floors = read_floors(&device);
	assert_int_equal(floors.denylist, 1);
}

/* The power was cut after the list was put in force, and before its number was kept. */
static void test_number_is_made_up_for(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
	struct verity_error err;

	(void)state;
	assert_int_equal(set_denylist(trust, 5, &err), 1);
	overlay_trust_free(trust);
	check_ok(overlay_record_remove(device.record_fd, OVERLAY_RECORD_FLOORS, &err),
		 &err);
	trust = look(&device);
	assert_false(is_kept(&device, OVERLAY_RECORD_FLOORS));
	check_ok(overlay_trust_keep(trust, &err), &err); /* as each boot does */
	overlay_trust_free(trust);
	floors = read_floors(&device);
	assert_int_equal(floors.denylist, 5);
	assert_true(floors.time > BUILT);
}

/* A list that nobody vouches for any more denies, and that is all. */
static void test_stranger_raises_nothing(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	struct verity_error err;

	(void)state;
	assert_int_equal(set_denylist(trust, 5, &err), 1);
	overlay_trust_free(trust);
	check_ok(overlay_record_remove(device.record_fd, OVERLAY_RECORD_FLOORS, &err),
		 &err);
	device.config.keys = nowhere;
	trust = look(&device);
	assert_int_equal(verity_denylist_number(overlay_trust_denylist(trust)), 5);
	check_ok(overlay_trust_keep(trust, &err), &err);
	assert_false(is_kept(&device, OVERLAY_RECORD_FLOORS));
	overlay_trust_free(trust);
}

/* What is in force is in force, and whoever put it there is not told that it is not. */
static void test_floors_that_cannot_be_written(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = look(&device);
	struct verity_error err;

	(void)state;
	assert_int_equal(
		mkdirat(device.record_fd, "." OVERLAY_RECORD_FLOORS ".new", 0700), 0);
	assert_int_equal(set_denylist(trust, 5, &err), 1);
	check_ok(set_unlock(trust, "SN1", NOW, &err), &err);
	assert_true(is_kept(&device, OVERLAY_RECORD_DENYLIST));
	assert_true(is_kept(&device, OVERLAY_RECORD_UNLOCK));
	assert_int_equal(overlay_trust_keep(trust, &err), -EISDIR);
	check_error(&err, VERITY_E_IO, "floors: floors.json: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_programs),
		cmocka_unit_test(test_many_processes),
		cmocka_unit_test(test_set_aside),
		cmocka_unit_test(test_folder_set_aside),
		cmocka_unit_test(test_number_is_made_up_for),
		cmocka_unit_test(test_stranger_raises_nothing),
		cmocka_unit_test(test_floors_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, trusts_enter, trusts_leave);
}
