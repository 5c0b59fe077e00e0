/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/record/record.h"
#include "overlay/record/trust.h"
#include "tests/check.h"
#include "tests/overlay/record/trusts.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"

static char nowhere[] = "no-such-folder";

static void check_notes(const struct overlay_trust *trust, size_t count,
			enum verity_code code, const char *message)
{
	size_t found;
	const struct verity_error *notes = overlay_trust_notes(trust, &found);

	for (size_t i = 0; i < found; i++)
		print_message("note: %s\n", notes[i].message);
	assert_int_equal(found, count);
	if (count > 0)
		check_error(&notes[0], code, message);
}

static void test_new_device(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = look(&device);
	const struct verity_policy *policy = overlay_trust_policy(trust);
	struct verity_error err;

	(void)state;
	check_notes(trust, 0, VERITY_OK, "");
	assert_non_null(policy->keyring);
	assert_null(policy->denylist);
	assert_string_equal(policy->model, "Switch");
	assert_string_equal(policy->firmware, "1.2");
	assert_int_equal(policy->required.count, 0);
	assert_false(policy->allow_untrusted || policy->allow_downgrade);
	check_error(overlay_trust_locked(trust), VERITY_E_LOCKED,
		    "Allow Untrusted does not count on this device without an unlock "
		    "statement (serial number: SN1): the configuration sets "
		    "anchor = always");
	check_ok(overlay_trust_keep(trust, &err), &err);
	assert_false(is_kept(&device, OVERLAY_RECORD_FLOORS));
}

static void test_key_rings(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;

	(void)state;
	device.config.keys = nowhere;
	trust = look(&device);
	check_notes(trust, 1, VERITY_E_KEYRING,
		    "key ring: no-such-folder holds no certificate (only files count "
		    "whose names end in .pem, .crt, .cer or .der)");
	overlay_trust_free(trust);
	assert_int_equal(mkdir("skipped", 0755), 0);
	scratch_write("skipped/empty.pem", "");
	scratch_write("skipped/other.crt", "");
	device.config.keys = strdup("skipped");
	trust = look(&device);
	check_notes(trust, 2, VERITY_E_KEYRING,
		    "2 files skipped, the first: key ring skipped: empty.pem: no "
		    "certificate in PEM or DER");
	overlay_trust_free(trust);
	free(device.config.keys);
	scratch_write("not-a-folder", "");
	device.config.keys = strdup("not-a-folder");
	trust = look(&device);
	check_notes(trust, 1, VERITY_E_IO, "key ring not-a-folder: Not a directory");
	assert_null(overlay_trust_policy(trust)->keyring);
	assert_null(overlay_trust_policy(trust)->keyring);
	overlay_trust_free(trust);
	free(device.config.keys);
}

static void test_time(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;
	struct verity_error err;

	(void)state;
	device.clock = 5; /* a device whose battery is empty */
	trust = look(&device);
	assert_int_equal(overlay_trust_time(trust), BUILT);
	check_ok(set_denylist(trust, 1, &err), &err);
	overlay_trust_free(trust);

	trust = look(&device); /* by when the list was signed */
	assert_in_range(overlay_trust_time(trust), BUILT + 1, NOW - 1);
	overlay_trust_free(trust);

	device.clock = NOW; /* what a clock says is not remembered */
	trust = look(&device);
	assert_int_equal(overlay_trust_time(trust), NOW);
	check_ok(set_denylist(trust, 2, &err), &err);
	overlay_trust_free(trust);
	device.clock = 5;
	trust = look(&device);
	assert_in_range(overlay_trust_time(trust), BUILT + 1, NOW - 1);
	overlay_trust_free(trust);
}

/* After the end of 32 bits, with a sign in 2038 and without one in 2106. */
static void test_far_time(void **state)
{
	static const int64_t times[] = {INT32_MAX, INT64_C(2208988800), UINT32_MAX,
					INT64_C(4294967296), INT64_C(5000000000)};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		cleanup_with(device_close_p) struct device device = device_new();
		struct overlay_trust *trust;

		device.config.firmware_built = times[i];
		device.config.firmware_years = 100;
		device.clock = 5;
		trust = look(&device);
		assert_int_equal(overlay_trust_time(trust), times[i]);
		overlay_trust_free(trust);
		device.clock = times[i] + 1;
		trust = look(&device);
		assert_int_equal(overlay_trust_time(trust), times[i] + 1);
		overlay_trust_free(trust);
	}
}

static void test_denylist(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	struct verity_error err;

	(void)state;
	assert_int_equal(set_denylist(trust, 7, &err), 1);
	assert_int_equal(set_denylist(trust, 6, &err), -EPERM);
	check_error(&err, VERITY_E_OLD_DENYLIST,
		    "its number is 6, and number 7 is in force on this device");
	overlay_trust_free(trust);

	trust = look(&device);
	check_notes(trust, 0, VERITY_OK, "");
	assert_int_equal(
		verity_denylist_text(overlay_trust_policy(trust)->denylist)->number, 7);
	assert_int_equal(set_denylist(trust, 8, &err), 1);
	assert_int_equal(
		verity_denylist_text(overlay_trust_policy(trust)->denylist)->number, 8);
	overlay_trust_free(trust);

	/* Both copies are deleted: the note says what is gone, and any list is better
	 * than none. */
	drop_file(&device, OVERLAY_RECORD_DENYLIST);
	drop_file(&device, OVERLAY_RECORD_DENYLIST_COPY);
	trust = look(&device);
	check_notes(trust, 1, VERITY_E_OLD_DENYLIST,
		    "deny list: number 8 was in force on this device, and is missing "
		    "now");
	assert_null(overlay_trust_policy(trust)->denylist);
	assert_int_equal(set_denylist(trust, 7, &err), 1);
	assert_int_equal(set_denylist(trust, 7, &err), -EPERM);
	assert_int_equal(set_denylist(trust, 8, &err), 1);
	overlay_trust_free(trust);
}

static void test_same_denylist(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = look(&device);
	struct statement_file file = make_denylist(3, "");
	struct verity_error err;

	(void)state;
	assert_int_equal(put_denylist(trust, &file, &err), 1);
	assert_int_equal(put_denylist(trust, &file, &err), 0);
	free(file.bytes);
}

/* Keys rotate: what they denied stays denied. What is damaged denies nothing, loudly. */
static void test_kept_denylist(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	struct verity_error err;
	char *bytes;
	size_t size;

	(void)state;
	assert_int_equal(set_denylist(trust, 7, &err), 1);
	overlay_trust_free(trust);
	device.config.keys = nowhere;
	trust = look(&device);
	assert_int_equal(
		verity_denylist_text(overlay_trust_policy(trust)->denylist)->number, 7);
	overlay_trust_free(trust);

	device.config.keys = trusts_keys.ring;
	check_ok(overlay_record_load(device.record_fd, OVERLAY_RECORD_DENYLIST, 1 << 20,
				     &bytes, &size, &err),
		 &err);
	bytes[size / 2] ^= 1;
	keep_file(&device, OVERLAY_RECORD_DENYLIST, bytes, size);
	keep_file(&device, OVERLAY_RECORD_DENYLIST_COPY, bytes, size);
	free(bytes);
	trust = look(&device);
	assert_null(overlay_trust_policy(trust)->denylist);
	assert_int_equal(overlay_trust_notes(trust, &size)->code, VERITY_E_BAD_SIGNATURE);
	assert_int_equal(size, 3); /* twice, and that number 7 is missing */
	overlay_trust_free(trust);
}

static void test_unlock(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	struct verity_error err, unspent;

	(void)state;
	assert_int_equal(set_unlock(trust, "SN2", NOW, &err), -EPERM);
	check_error(&err, VERITY_E_WRONG_DEVICE,
		    "the unlock statement is for serial number SN2, and this device is "
		    "SN1");
	assert_int_equal(set_unlock(trust, "SN1", NOW - 1, &err), -EPERM);
	assert_int_equal(err.code, VERITY_E_EXPIRED);
	assert_false(is_kept(&device, OVERLAY_RECORD_UNLOCK));
	check_ok(set_unlock(trust, "SN1", NOW, &err), &err);
	assert_true(overlay_trust_policy(trust)->allow_untrusted);
	overlay_trust_free(trust);

	trust = look(&device);
	assert_true(overlay_trust_policy(trust)->allow_untrusted);
	assert_true(overlay_trust_policy(trust)->allow_downgrade);
	assert_null(overlay_trust_locked(trust));
	check_notes(trust, 0, VERITY_OK, "");
	overlay_trust_free(trust);

	device.bootconf.allow_untrusted = false;
	trust = look(&device);
	assert_false(overlay_trust_policy(trust)->allow_untrusted);
	assert_true(overlay_trust_policy(trust)->allow_downgrade);
	overlay_trust_free(trust);

	device.clock = NOW + 1;
	trust = look(&device);
	assert_false(overlay_trust_policy(trust)->allow_downgrade);
	check_notes(trust, 1, VERITY_E_EXPIRED,
		    "the unlock statement was good until 2033-05-18 03:33:20 UTC, and by "
		    "this device it is 2033-05-18 03:33:21 UTC");
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 1);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 0);
	assert_null(overlay_trust_unlock(trust));
	overlay_trust_free(trust);
	assert_false(is_kept(&device, OVERLAY_RECORD_UNLOCK));
}

/* What the vendor gives, the vendor can take back. */
static void test_unlock_denied(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = look(&device);
	char hex[2 * VERITY_KEY_ID_BYTES + 1], deny[128];
	struct statement_file file;
	struct verity_error err;

	(void)state;
	check_ok(set_unlock(trust, "SN1", NOW, &err), &err);
	verity_hex_encode(verity_unlock_signer(overlay_trust_unlock(trust))->key_id,
			  VERITY_KEY_ID_BYTES, hex);
	snprintf(deny, sizeof(deny), "{\"key\":\"%s\"}", hex);
	file = make_denylist(1, deny);
	assert_int_equal(put_denylist(trust, &file, &err), 1);
	free(file.bytes);
	assert_null(overlay_trust_unlock(trust));
	assert_false(overlay_trust_policy(trust)->allow_untrusted ||
		     overlay_trust_policy(trust)->allow_downgrade);
	check_error(overlay_trust_locked(trust), VERITY_E_LOCKED,
		    "Allow Untrusted does not count on this device without an unlock "
		    "statement (serial number: SN1): the configuration sets "
		    "anchor = always");
	assert_int_equal(set_unlock(trust, "SN1", NOW, &err), -EKEYREVOKED);
}

static void test_damaged(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	static const char junk[] = "junk";
	struct verity_error err;
	struct overlay_trust *trust;
	size_t count;

	(void)state;
	check_ok(overlay_record_replace(device.record_fd, OVERLAY_RECORD_FLOORS, junk, 4,
					&err),
		 &err);
	check_ok(overlay_record_replace(device.record_fd, OVERLAY_RECORD_UNLOCK, junk, 4,
					&err),
		 &err);
	trust = look(&device);
	assert_false(overlay_trust_policy(trust)->allow_untrusted);
	assert_false(overlay_trust_policy(trust)->allow_downgrade);
	overlay_trust_notes(trust, &count);
	assert_int_equal(count, 2);
	overlay_trust_free(trust);
}

static void test_without_persist(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;
	struct verity_error err, unspent;

	(void)state;
	cleanup_fd_p(&device.record_fd);
	device.record_fd = -1;
	trust = look(&device);
	check_notes(trust, 0, VERITY_OK, "");
	assert_int_equal(set_denylist(trust, 1, &err), -ENOENT);
	assert_int_equal(err.code, VERITY_E_NOT_FOUND);
	assert_int_equal(set_unlock(trust, "SN1", NOW, &err), -ENOENT);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 0);
	check_ok(overlay_trust_keep(trust, &err), &err);
	overlay_trust_free(trust);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_device),
		cmocka_unit_test(test_key_rings),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_far_time),
		cmocka_unit_test(test_denylist),
		cmocka_unit_test(test_same_denylist),
		cmocka_unit_test(test_kept_denylist),
		cmocka_unit_test(test_unlock),
		cmocka_unit_test(test_unlock_denied),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_without_persist),
	};

	return cmocka_run_group_tests(tests, trusts_enter, trusts_leave);
}
