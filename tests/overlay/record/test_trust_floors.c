/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/record/trust_private.h"
#include "tests/check.h"
#include "tests/overlay/record/trusts.h"
#include "verity/statement/floors.h"
#include "verity/util/cleanup.h"

#define ROUNDS (25 / check_step(5))
#define BROKEN OVERLAY_RECORD_FLOORS ".broken"

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
	assert_int_equal(floors.time, 1500000000);
	/* Nor does the slow one put an older list in the place of the newer. */
	assert_int_equal(set_denylist(slow, 8, &err), -EPERM);
	check_error(&err, VERITY_E_OLD_DENYLIST,
		    "its number is 8, and number 9 is in force on this device");
}

static void number_digest(uint8_t digest[static VERITY_DIGEST_BYTES], char name,
			  uint32_t number)
{
	memset(digest, name, VERITY_DIGEST_BYTES);
	digest[0] = (uint8_t)number;
}

static void spend(struct overlay_trust *trust, char name, uint32_t number)
{
	uint8_t digest[VERITY_DIGEST_BYTES];

	number_digest(digest, name, number);
	trust->floors_changed = verity_floors_spend(&trust->floors, digest, NULL) == 1;
}

static void raise_epoch(const struct overlay_trust *trust, const char *name,
			uint32_t epoch)
{
	struct statement_file file = make_preamble(&trusts_keys, name, epoch, NOW - 1);
	struct verity_error err;
	int lock;

	if (overlay_record_lock(trust->record_fd, name, false, &lock, &err) < 0 ||
	    overlay_proofs_add(&trust->proofs, file.bytes, file.size, &err) < 0) {
		print_error("%s\n", err.message);
		_exit(1);
	}
	close(lock);
	free(file.bytes);
}

static void raise_often(const struct device *device, const char *name)
{
	for (uint32_t epoch = 1; epoch <= ROUNDS; epoch++) {
		struct overlay_trust *trust = look(device);

		spend(trust, name[0], epoch);
		if (overlay_trust_keep(trust, NULL) < 0)
			_exit(1);
		raise_epoch(trust, "common", epoch);
		raise_epoch(trust, name, epoch);
		overlay_trust_free(trust);
	}
	_exit(0);
}

/* Processes of their own, each with a package of its own, and one that all have. */
static void test_many_processes(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = NULL;
	const struct verity_floors *floors;
	uint8_t digest[VERITY_DIGEST_BYTES];
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
	trust = look(&device);
	floors = overlay_trust_policy(trust)->floors;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(verity_floors_epoch(floors, names[i]), ROUNDS);
		for (uint32_t number = 1; number <= ROUNDS; number++) {
			number_digest(digest, names[i][0], number);
			assert_true(verity_floors_is_spent(floors, digest));
		}
	}
	assert_int_equal(verity_floors_epoch(floors, "common"), ROUNDS);
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

static void make_folder(int record_fd)
{
	assert_int_equal(mkdirat(record_fd, OVERLAY_RECORD_FLOORS, 0700), 0);
}

static void make_link(int record_fd)
{
	assert_int_equal(symlinkat("victim", record_fd, OVERLAY_RECORD_FLOORS), 0);
}

static void make_dead_link(int record_fd)
{
	assert_int_equal(symlinkat("nowhere", record_fd, OVERLAY_RECORD_FLOORS), 0);
}

static void make_pipe(int record_fd)
{
	assert_int_equal(mkfifoat(record_fd, OVERLAY_RECORD_FLOORS, 0600), 0);
}

static void make_socket(int record_fd)
{
	assert_int_equal(mknodat(record_fd, OVERLAY_RECORD_FLOORS, S_IFSOCK | 0600, 0),
			 0);
}

static void (*const makers[])(int record_fd) = {make_folder, make_link, make_dead_link,
						make_pipe, make_socket};

/* What is no file would be in the way of every floor to come. */
static void test_no_file(void **state)
{
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		cleanup_with(device_close_p) struct device device = device_new();
		cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = NULL;
		cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
		cleanup_free char *victim = NULL;
		struct stat before, after;
		size_t count;

		makers[i](device.record_fd);
		keep_text(&device, BROKEN, "of an earlier time");
		keep_text(&device, "victim", "{}");
		assert_int_equal(fstatat(device.record_fd, OVERLAY_RECORD_FLOORS, &before,
					 AT_SYMLINK_NOFOLLOW),
				 0);
		trust = look(&device);
		check_error(overlay_trust_notes(trust, &count), VERITY_E_NOT_A_FILE,
			    "floors: floors.json: not a file");
		assert_int_equal(set_denylist(trust, 1, &err), 1);
		check_ok(overlay_trust_keep(trust, &err), &err);
		floors = read_floors(&device);
		assert_int_equal(floors.denylist, 1);
		assert_int_equal(
			fstatat(device.record_fd, BROKEN, &after, AT_SYMLINK_NOFOLLOW),
			0);
		assert_int_equal(after.st_ino, before.st_ino);
		check_ok(overlay_record_load(device.record_fd, "victim", 100, &victim,
					     &count, &err),
			 &err);
		assert_string_equal(victim, "{}");
	}
}

/* Files that this process may have open: those that it has, and @more. */
static void limit_files(int more, struct rlimit *ret_before)
{
	struct rlimit limit;
	int next = dup(0);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_before), 0);
	limit = *ret_before;
	limit.rlim_cur = (rlim_t)next + (rlim_t)more;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* That it cannot be opened now says nothing about what is in it. */
static void test_out_of_files(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *slow = look(&device);
	struct overlay_trust *trust = look(&device);
	cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
	struct verity_error err;
	struct rlimit before;
	int r;

	(void)state;
	spend(slow, 'a', 1);
	spend(trust, 'b', 2);
	check_ok(overlay_trust_keep(trust, &err), &err);
	overlay_trust_free(trust);
	limit_files(1, &before); /* for the lock alone */
	r = overlay_trust_keep(slow, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, -EMFILE);
	check_error(&err, VERITY_E_IO, "floors: floors.json: Too many open files");
	assert_false(is_kept(&device, BROKEN));
	check_ok(overlay_trust_keep(slow, &err), &err);
	floors = read_floors(&device);
	assert_int_equal(floors.spent_count, 2);
}

/* A device does not go by what it cannot get at: that would be no deny list at all. */
static void test_load_out_of_files(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	const struct overlay_trust_inputs inputs = {&device.config, &device.bootconf,
						    &device.identity, device.record_fd,
						    NOW};
	struct overlay_trust *trust = NULL;
	struct verity_error err;
	struct rlimit before;
	int r;

	(void)state;
	limit_files(0, &before);
	r = overlay_trust_load(&inputs, &trust, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r, -EMFILE);
	check_error(&err, VERITY_E_IO, "PERSIST/wmopkg: Too many open files");
	assert_null(trust);
}

/* As many names as there may be, and all of them as long as they may be. */
static char *full_floors(void)
{
	size_t size = VERITY_FLOORS_MAX * (VERITY_NAME_MAX + 16) + 128;
	char *text = malloc(size);
	size_t used;

	assert_non_null(text);
	used = (size_t)snprintf(text, size,
				"{\"format\":1,\"time\":0,\"denylist\":0,\"epochs\":{");
	for (unsigned i = VERITY_FLOORS_MAX; i-- > 0;)
		used += (size_t)snprintf(text + used, size - used,
					 "\"%0*u\":4294967295%s", VERITY_NAME_MAX, i,
					 i ? "," : "}}");
	assert_true(used < size);
	return text;
}

/* Names that fill it are in nobody's way: neither of a deny list, nor of a proof. */
static void test_full(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = NULL;
	cleanup_with(floors_free_p) struct verity_floors floors = {.time = 0};
	cleanup_free char *text = full_floors();
	struct verity_error err;
	size_t notes;

	(void)state;
	keep_text(&device, OVERLAY_RECORD_FLOORS, text);
	trust = look(&device);
	overlay_trust_notes(trust, &notes);
	assert_int_equal(notes, 0);
	raise_epoch(trust, "new", 1);
	assert_int_equal(verity_floors_epoch(&trust->floors, "new"), 1);
	assert_int_equal(set_denylist(trust, 5, &err), 1);
	floors = read_floors(&device);
	assert_int_equal(floors.count, VERITY_FLOORS_MAX);
	assert_int_equal(floors.denylist, 5);
	assert_int_equal(floors.time, 0);
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
	assert_int_equal(
		verity_denylist_text(overlay_trust_policy(trust)->denylist)->number, 5);
	check_ok(overlay_trust_keep(trust, &err), &err);
	assert_false(is_kept(&device, OVERLAY_RECORD_FLOORS));
	overlay_trust_free(trust);
}

/* A folder in the place of the file that is written first keeps nothing from being
 * written. */
static void test_folder_in_the_way(void **state)
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
	check_ok(overlay_trust_keep(trust, &err), &err);
	assert_true(is_kept(&device, OVERLAY_RECORD_FLOORS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_programs),
		cmocka_unit_test(test_many_processes),
		cmocka_unit_test(test_set_aside),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_out_of_files),
		cmocka_unit_test(test_load_out_of_files),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_number_is_made_up_for),
		cmocka_unit_test(test_stranger_raises_nothing),
		cmocka_unit_test(test_folder_in_the_way),
	};

	return cmocka_run_group_tests(tests, trusts_enter, trusts_leave);
}
