/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/record/trust_private.h"
#include "tests/check.h"
#include "tests/overlay/record/trusts.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"

#define ROUNDS (25 / check_step(5))

/* Its number was not kept, as after a power cut: the list itself says what is in force.
 */
static void drop_floors(const struct device *device)
{
	struct verity_error err;

	check_ok(overlay_record_remove(device->record_fd, OVERLAY_RECORD_FLOORS, &err),
		 &err);
}

static void test_newer_list_counts(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *slow = look(&device);
	cleanup_with(overlay_trust_free_p) struct overlay_trust *quick = look(&device);
	struct verity_error err;

	(void)state;
	assert_int_equal(set_denylist(quick, 9, &err), 1);
	drop_floors(&device);
	assert_int_equal(set_denylist(slow, 8, &err), -EPERM);
	check_error(&err, VERITY_E_OLD_DENYLIST,
		    "its number is 8, and number 9 is in force on this device");
	assert_int_equal(
		verity_denylist_text(overlay_trust_policy(slow)->denylist)->number, 9);
	assert_ptr_equal(overlay_trust_policy(slow)->denylist,
			 overlay_trust_policy(slow)->denylist);
}

/* Both were handed the same: whoever comes second finds it in force, and says which. */
static void test_same_list(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	cleanup_with(overlay_trust_free_p) struct overlay_trust *slow = NULL;
	cleanup_with(overlay_trust_free_p) struct overlay_trust *quick = NULL;
	struct statement_file file = make_denylist(9, "");
	struct verity_error err;

	(void)state;
	assert_int_equal(set_denylist(trust, 5, &err), 1);
	overlay_trust_free(trust);
	slow = look(&device);
	quick = look(&device);
	assert_int_equal(put_denylist(quick, &file, &err), 1);
	assert_int_equal(put_denylist(slow, &file, &err), 0);
	assert_int_equal(
		verity_denylist_text(overlay_trust_policy(slow)->denylist)->number, 9);
	free(file.bytes);
}

static struct statement_file deny_signer(unsigned number,
					 const struct verity_signer *signer)
{
	char hex[2 * VERITY_KEY_ID_BYTES + 1], deny[128];

	verity_hex_encode(signer->key_id, VERITY_KEY_ID_BYTES, hex);
	snprintf(deny, sizeof(deny), "{\"key\":\"%s\"}", hex);
	return make_denylist(number, deny);
}

/* A key that was denied meanwhile signs nothing any more, neither lists nor unlocks. */
static void test_key_denied_meanwhile(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	cleanup_with(overlay_trust_free_p) struct overlay_trust *slow = NULL;
	struct statement_file file;
	struct verity_error err;

	(void)state;
	assert_int_equal(set_denylist(trust, 1, &err), 1);
	check_ok(set_unlock(trust, "SN1", NOW, &err), &err);
	slow = look(&device);
	file = deny_signer(2, verity_unlock_signer(overlay_trust_unlock(trust)));
	assert_int_equal(put_denylist(trust, &file, &err), 1);
	free(file.bytes);
	assert_non_null(overlay_trust_unlock(slow));
	assert_int_equal(set_unlock(slow, "SN1", NOW, &err), -EKEYREVOKED);
	assert_null(overlay_trust_unlock(slow));
	assert_false(overlay_trust_policy(slow)->allow_untrusted);

	overlay_trust_free(steal_ptr(&slow));
	slow = look(&device);
	file = deny_signer(3,
			   verity_denylist_signer(overlay_trust_policy(trust)->denylist));
	assert_int_equal(put_denylist(trust, &file, &err), 1);
	free(file.bytes);
	overlay_trust_free(trust);
	assert_int_equal(set_denylist(slow, 4, &err), -EKEYREVOKED);
}

/* A list that nobody vouches for is gone by, and raises nothing, also when read again. */
static void test_stranger_meanwhile(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	static char nowhere[] = "no-such-folder";
	struct verity_error err, unspent;

	(void)state;
	assert_int_equal(set_denylist(trust, 9, &err), 1);
	overlay_trust_free(trust);
	drop_floors(&device);
	device.config.keys = nowhere;
	trust = look(&device);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 0);
	assert_int_equal(
		verity_denylist_text(overlay_trust_policy(trust)->denylist)->number, 9);
	check_ok(overlay_trust_keep(trust, &err), &err);
	assert_false(is_kept(&device, OVERLAY_RECORD_FLOORS));
	overlay_trust_free(trust);
}

/* Each process has a device of its own, as programs have. */
static void run_twice(const struct device *device,
		      void (*work)(const struct device *device, unsigned which))
{
	pid_t children[2];
	int status;

	for (unsigned i = 0; i < 2; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			work(device, i);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
}

static void unlock_often(const struct device *device, unsigned which)
{
	struct verity_error err;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct overlay_trust *trust = look(device);

		if (set_unlock(trust, "SN1", NOW + which, &err) < 0) {
			print_error("%s\n", err.message);
			_exit(1);
		}
		overlay_trust_free(trust);
	}
}

/* Neither has its half-written file renamed, or deleted, by the other. */
static void test_two_unlock(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;

	(void)state;
	run_twice(&device, unlock_often);
	trust = look(&device);
	assert_non_null(overlay_trust_unlock(trust));
	overlay_trust_free(trust);
}

/* Two programs that count up in each other's way: old and new lists, and all the same. */
static void deny_often(const struct device *device, unsigned which)
{
	struct verity_error err;

	for (unsigned i = 1; i <= ROUNDS; i++) {
		struct overlay_trust *trust = look(device);
		int r = set_denylist(trust, 2 * i + which, &err);

		if (r != 1 && (r != -EPERM || err.code != VERITY_E_OLD_DENYLIST)) {
			print_error("%s\n", err.message);
			_exit(1);
		}
		if (verity_denylist_text(overlay_trust_policy(trust)->denylist)->number <
		    2 * i + which)
			_exit(2);
		overlay_trust_free(trust);
	}
}

static void test_two_deny(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;
	size_t notes;

	(void)state;
	run_twice(&device, deny_often);
	trust = look(&device);
	overlay_trust_notes(trust, &notes);
	assert_int_equal(notes, 0);
	assert_int_equal(
		verity_denylist_text(overlay_trust_policy(trust)->denylist)->number,
		2 * ROUNDS + 1);
	assert_int_equal(trust->floors.denylist, 2 * ROUNDS + 1);
	assert_false(trust->floors_changed);
	overlay_trust_free(trust);
}

/* A folder in the place of a statement is in nobody's way. */
static void test_folders_in_place(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;
	struct verity_error err, unspent;
	struct stat st;

	(void)state;
	assert_int_equal(mkdirat(device.record_fd, OVERLAY_RECORD_DENYLIST, 0700), 0);
	assert_int_equal(mkdirat(device.record_fd, OVERLAY_RECORD_UNLOCK, 0700), 0);
	trust = look(&device);
	assert_int_equal(set_denylist(trust, 1, &err), 1);
	check_ok(set_unlock(trust, "SN1", NOW, &err), &err);
	assert_int_equal(fstatat(device.record_fd, OVERLAY_RECORD_DENYLIST ".broken", &st,
				 AT_SYMLINK_NOFOLLOW),
			 0);
	assert_true(S_ISDIR(st.st_mode));
	overlay_trust_free(trust);

	trust = look(&device);
	assert_non_null(overlay_trust_policy(trust)->denylist);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 1);
	assert_int_equal(mkdirat(device.record_fd, OVERLAY_RECORD_UNLOCK, 0700), 0);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 1);
	assert_false(is_kept(&device, OVERLAY_RECORD_UNLOCK));
	overlay_trust_free(trust);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newer_list_counts),
		cmocka_unit_test(test_same_list),
		cmocka_unit_test(test_key_denied_meanwhile),
		cmocka_unit_test(test_stranger_meanwhile),
		cmocka_unit_test(test_two_unlock),
		cmocka_unit_test(test_two_deny),
		cmocka_unit_test(test_folders_in_place),
	};

	return cmocka_run_group_tests(tests, trusts_enter, trusts_leave);
}
