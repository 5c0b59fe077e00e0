/* SPDX-License-Identifier: MIT */

/*
 * Whoever writes PERSIST while the device is off: what they put there is a hint. It may
 * keep something out for a while, and neither lifts what the vendor revoked nor locks the
 * vendor out.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/record/trust_private.h"
#include "tests/check.h"
#include "tests/overlay/record/trusts.h"
#include "verity/statement/floors.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"

#define COPY    OVERLAY_RECORD_DENYLIST_COPY
#define YEAR    INT64_C(31556952)
#define MAX_OLD "4294967295"

static struct keys strangers; /* a ring of their own */
static char strangers_ring[128];

static const char pkg2[] = "{\"name\":\"pkg\",\"epoch_below\":2}";

static struct statement_file make_list(const struct keys *keys, uint32_t number,
				       const char *deny)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"type\":\"denylist\",\"format\":1,\"number\":%u,\"deny\":[%s]}",
		 number, deny);
	return statement_make(keys, text, "signer");
}

static void put_list(const struct device *device, const char *name,
		     const struct keys *keys, uint32_t number, const char *deny)
{
	struct statement_file file = make_list(keys, number, deny);

	keep_file(device, name, file.bytes, file.size);
	free(file.bytes);
}

static uint32_t number_of(const struct overlay_trust *trust)
{
	return trust->denylist ? verity_denylist_text(trust->denylist)->number : 0;
}

static bool denies(const struct overlay_trust *trust, const char *name, uint32_t epoch)
{
	struct verity_manifest manifest = {.epoch = epoch};

	strcpy(manifest.name, name);
	return verity_denylist_check_manifest(trust->denylist, &manifest, NULL) < 0;
}

static void check_note(const struct overlay_trust *trust, const char *text)
{
	size_t count;
	const struct verity_error *notes = overlay_trust_notes(trust, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(notes[i].message, text) == 0)
			return;
	for (size_t i = 0; i < count; i++)
		print_error("note: %s\n", notes[i].message);
	fail_msg("no note: %s", text);
}

static void check_quiet(const struct overlay_trust *trust)
{
	size_t count;
	const struct verity_error *notes = overlay_trust_notes(trust, &count);

	if (count)
		fail_msg("note: %s", notes[0].message);
}

/* A vendor's list is accepted, and leaves nothing of what was there before. */
static void accept_list(const struct device *device, uint32_t number, const char *message)
{
	struct statement_file file = make_list(&trusts_keys, number, pkg2);
	struct overlay_trust *trust = look(device);
	struct verity_error replaced, err;

	assert_int_equal(
		overlay_trust_set_denylist(trust, file.bytes, file.size, &replaced, &err),
		1);
	assert_string_equal(replaced.code == VERITY_OK ? "" : replaced.message, message);
	overlay_trust_free(trust);
	free(file.bytes);

	trust = look(device);
	check_quiet(trust);
	assert_int_equal(number_of(trust), number);
	assert_int_equal(trust->floors.denylist, number);
	assert_true(denies(trust, "pkg", 1));
	overlay_trust_free(trust);
}

static void refuse_list(const struct device *device, uint32_t number)
{
	struct overlay_trust *trust = look(device);
	struct verity_error err;

	assert_int_equal(set_denylist(trust, number, &err), -EPERM);
	assert_int_equal(err.code, VERITY_E_OLD_DENYLIST);
	overlay_trust_free(trust);
}

/* An entry that denies the key that the vendor signs with. */
static void deny_vendor(char ret[static 128])
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = look(&device);
	char hex[2 * VERITY_KEY_ID_BYTES + 1];
	struct verity_error err;

	assert_int_equal(set_denylist(trust, 1, &err), 1);
	verity_hex_encode(verity_denylist_signer(trust->denylist)->key_id,
			  VERITY_KEY_ID_BYTES, hex);
	snprintf(ret, 128, "{\"key\":\"%s\"}", hex);
}

/* In the place of the vendor's list; the second copy of that is still there. */
static void test_stranger_in_place(void **state)
{
	static const uint32_t numbers[] = {1, 7, 8, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		cleanup_with(device_close_p) struct device device = device_new();
		struct overlay_trust *trust;
		char message[256];

		accept_list(&device, 7, "");
		put_list(&device, OVERLAY_RECORD_DENYLIST, &strangers, numbers[i], "");
		trust = look(&device);
		assert_int_equal(number_of(trust), 7);
		assert_true(denies(trust, "pkg", 1));
		snprintf(message, sizeof(message),
			 "deny list: its file holds number %u, which no key of the key "
			 "ring vouches for; number 7 stays in force by its second copy",
			 numbers[i]);
		check_note(trust, message);
		overlay_trust_free(trust);
		refuse_list(&device, 6);
		accept_list(&device, 8, "");
	}
}

/* Where nothing else is left, it may deny, and keeps no list of the vendor's out. */
static void test_stranger_alone(void **state)
{
	char vendor[128];
	const char *entries[] = {"", "{\"name\":\"other\",\"epoch_below\":" MAX_OLD "}",
				 vendor};

	(void)state;
	deny_vendor(vendor);
	for (size_t i = 0; i < 6; i++) {
		cleanup_with(device_close_p) struct device device = device_new();
		struct overlay_trust *trust;
		char message[256];

		accept_list(&device, 7, "");
		put_list(&device, OVERLAY_RECORD_DENYLIST, &strangers, UINT32_MAX,
			 entries[i / 2]);
		if (i % 2)
			put_list(&device, COPY, &strangers, UINT32_MAX - 1,
				 entries[i / 2]);
		else
			drop_file(&device, COPY);
		trust = look(&device);
		assert_int_equal(number_of(trust), UINT32_MAX);
		assert_int_equal(denies(trust, "other", 1), i / 2 == 1);
		check_note(trust, "deny list: no key of the key ring vouches for number "
				  "4294967295; it stays in force until a signed list "
				  "takes its place");
		overlay_trust_free(trust);
		snprintf(message, sizeof(message),
			 "number 1 takes the place of number 4294967295, which no key of "
			 "the key ring vouches for");
		/* what is set aside has a place, whatever lies there */
		assert_int_equal(mkdirat(device.record_fd, "denylist.broken", 0700), 0);
		assert_int_equal(mkdirat(device.record_fd, "denylist.broken/x", 0700), 0);
		accept_list(&device, 1, message);
		assert_true(is_kept(&device, OVERLAY_RECORD_DENYLIST ".broken"));
	}
}

/* A number that only the floors remember, with a list in force and without one. */
static void test_number_alone(void **state)
{
	static const char floors[] =
		"{\"format\":1,\"time\":0,\"denylist\":" MAX_OLD ",\"epochs\":{}}";
	static const char missing[] =
		"deny list: number 4294967295 was in force on this device, and is "
		"missing now";
	static const char accepted[] =
		"number 4294967295 is remembered by this device, but there is no list "
		"that vouches for it: number %u is accepted";
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;
	char message[256];

	(void)state;
	keep_file(&device, OVERLAY_RECORD_FLOORS, floors, strlen(floors));
	trust = look(&device);
	check_note(trust, missing);
	assert_int_equal(overlay_trust_keep(trust, NULL), 0);
	overlay_trust_free(trust);
	snprintf(message, sizeof(message), accepted, 5u);
	accept_list(&device, 5, message);
	refuse_list(&device, 4);

	keep_file(&device, OVERLAY_RECORD_FLOORS, floors, strlen(floors));
	trust = look(&device);
	assert_int_equal(number_of(trust), 5);
	check_note(trust, missing);
	overlay_trust_free(trust);
	refuse_list(&device, 5);
	snprintf(message, sizeof(message), accepted, 6u);
	accept_list(&device, 6, message);
}

/* The number wraps nowhere: above the highest there is none. */
static void test_highest_number(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();

	(void)state;
	accept_list(&device, UINT32_MAX - 1, "");
	accept_list(&device, UINT32_MAX, "");
	refuse_list(&device, 1);
	refuse_list(&device, UINT32_MAX);
}

static void damage_first(const struct device *device)
{
	keep_file(device, OVERLAY_RECORD_DENYLIST, "junk", 4);
}

static void drop_first(const struct device *device)
{
	drop_file(device, OVERLAY_RECORD_DENYLIST);
}

static void damage_copy(const struct device *device)
{
	keep_file(device, COPY, "junk", 4);
}

static void drop_copy(const struct device *device)
{
	drop_file(device, COPY);
}

static void folder_for_copy(const struct device *device)
{
	drop_copy(device);
	assert_int_equal(mkdirat(device->record_fd, COPY, 0700), 0);
}

static void age_copy(const struct device *device)
{
	put_list(device, COPY, &trusts_keys, 3, "");
}

/* Either copy is enough, and the next boot writes the other. */
static void test_one_copy_is_enough(void **state)
{
	static const struct {
		void (*break_it)(const struct device *device);
		const char *note; /* NULL: nothing to say */
	} cases[] = {
		{damage_first, "deny list: it is not a signed statement; number 7 stays "
			       "in force by its second copy"},
		{drop_first, "deny list: its file is missing; number 7 stays in force by "
			     "its second copy"},
		{damage_copy, NULL},
		{drop_copy, NULL},
		{folder_for_copy, NULL},
		{age_copy, NULL},
	};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_with(device_close_p) struct device device = device_new();
		struct overlay_trust *trust;

		accept_list(&device, 7, "");
		cases[i].break_it(&device);
		trust = look(&device);
		assert_int_equal(number_of(trust), 7);
		if (cases[i].note)
			check_note(trust, cases[i].note);
		else
			check_quiet(trust);
		assert_false(trust->denylist_whole);
		check_ok(overlay_trust_keep(trust, &err), &err);
		overlay_trust_free(trust);
		trust = look(&device);
		check_quiet(trust);
		assert_true(trust->denylist_whole);
		overlay_trust_free(trust);
	}
}

/* With both deleted an older one is accepted: it denies more than none does. */
static void test_deleted(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;

	(void)state;
	accept_list(&device, 9, "");
	drop_first(&device);
	drop_copy(&device);
	trust = look(&device);
	assert_null(trust->denylist);
	check_note(trust,
		   "deny list: number 9 was in force on this device, and is missing now");
	overlay_trust_free(trust);
	accept_list(&device, 8,
		    "number 9 is remembered by this device, but there is no list that "
		    "vouches for it: number 8 is accepted");
	accept_list(&device, 9, "");
}

/* A firmware with other roots: what was denied stays so until they sign a list. */
static void test_rotation(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	struct statement_file file;
	struct overlay_trust *trust;
	struct verity_error replaced, err;

	(void)state;
	accept_list(&device, 9, "");
	device.config.keys = strangers_ring;
	trust = look(&device);
	assert_int_equal(number_of(trust), 9);
	assert_true(denies(trust, "pkg", 1));
	file = make_list(&strangers, 2, "");
	assert_int_equal(
		overlay_trust_set_denylist(trust, file.bytes, file.size, &replaced, &err),
		1);
	check_error(&replaced, VERITY_E_UNTRUSTED_SIGNER,
		    "number 2 takes the place of number 9, which no key of the key ring "
		    "vouches for");
	free(file.bytes);
	overlay_trust_free(trust);
	trust = look(&device);
	assert_int_equal(number_of(trust), 2);
	check_quiet(trust);
	overlay_trust_free(trust);
}

/* What PERSIST holds in the place of a proof, and what is proven for "pkg" by it. */
static uint32_t floor_with(const struct device *device, const char *name,
			   const void *bytes, size_t size)
{
	struct overlay_trust *trust = look(device);
	uint32_t floor;
	int folder;

	(void)mkdirat(device->record_fd, OVERLAY_RECORD_PROOFS, 0700);
	folder = openat(device->record_fd, OVERLAY_RECORD_PROOFS,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	assert_int_equal(overlay_record_replace(folder, name, bytes, size, NULL), 0);
	close(folder);
	floor = verity_floors_epoch(&trust->floors, "pkg");
	overlay_trust_free(trust);
	return floor;
}

static void test_forged_epoch(void **state)
{
	const int64_t when = time(NULL);
	struct statement_file good = make_preamble(&trusts_keys, "pkg", 3, when);
	struct statement_file other = make_preamble(&trusts_keys, "other", 9, when);
	struct statement_file foreign =
		make_preamble(&strangers, "pkg", UINT32_MAX, when);
	cleanup_with(device_close_p) struct device device = device_new();
	uint8_t *bytes = good.bytes;

	(void)state;
	assert_int_equal(floor_with(&device, "pkg", good.bytes, good.size), 3);
	assert_int_equal(floor_with(&device, "pkg", other.bytes, other.size), 0);
	assert_int_equal(floor_with(&device, "pkg", foreign.bytes, foreign.size), 0);
	assert_int_equal(floor_with(&device, "pkg", good.bytes, good.size - 1), 0);
	assert_int_equal(floor_with(&device, "pkg", good.bytes, 15), 0);
	assert_int_equal(floor_with(&device, "pkg", "", 0), 0);
	assert_int_equal(floor_with(&device, "PKG", good.bytes, good.size), 0);
	/* Longer than its head says, with the same bytes in front. */
	bytes = calloc(2, good.size);
	memcpy(bytes, good.bytes, good.size);
	assert_int_equal(floor_with(&device, "pkg", bytes, 2 * good.size), 0);
	free(bytes);
	good.bytes[VERITY_HEAD_BYTES + 20] ^= 1;
	assert_int_equal(floor_with(&device, "pkg", good.bytes, good.size), 0);
	free(good.bytes);
	free(other.bytes);
	free(foreign.bytes);
}

static int64_t time_with(const struct device *device, const struct keys *keys,
			 int64_t when)
{
	struct statement_file file = make_preamble(keys, "pkg", 0, when);
	struct overlay_trust *trust;
	int64_t found;

	keep_file(device, OVERLAY_RECORD_TIME, file.bytes, file.size);
	free(file.bytes);
	trust = look(device);
	found = overlay_trust_time(trust);
	overlay_trust_free(trust);
	return found;
}

static void test_forged_time(void **state)
{
	const int64_t now = time(NULL);
	cleanup_with(device_close_p) struct device device = device_new();

	(void)state;
	device.clock = 5;
	assert_int_equal(time_with(&device, &strangers, now), BUILT);
	assert_int_equal(time_with(&device, &trusts_keys, now), now);
	/* The certificates of this test would be valid then. */
	assert_int_equal(time_with(&device, &trusts_keys, now + 10 * YEAR),
			 now + 10 * YEAR);
	device.config.firmware_years = 5;
	assert_int_equal(time_with(&device, &trusts_keys, now + 10 * YEAR), BUILT);
	keep_file(&device, OVERLAY_RECORD_TIME, "junk", 4);
	assert_int_equal(time_with(&device, &strangers, now), BUILT);
}

static void test_taken_back(void **state)
{
	const int64_t wrong = time(NULL) + 15 * YEAR;
	struct statement_file file = make_preamble(&trusts_keys, "pkg", 3, wrong);
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;
	struct verity_error err;
	struct statement_file list;
	char vendor[128];

	(void)state;
	device.clock = 5;
	assert_int_equal(floor_with(&device, "pkg", file.bytes, file.size), 3);
	keep_file(&device, OVERLAY_RECORD_TIME, file.bytes, file.size);
	free(file.bytes);
	trust = look(&device);
	assert_int_equal(overlay_trust_time(trust), wrong);
	assert_int_equal(set_unlock(trust, "SN1", wrong - 1, &err), -EPERM);
	/* By its name and epoch, and by its key: both name what it is proven by. */
	deny_vendor(vendor);
	list = make_list(&trusts_keys, 1, "{\"name\":\"pkg\",\"epoch_below\":4}");
	assert_int_equal(put_denylist(trust, &list, &err), 1);
	free(list.bytes);
	assert_in_range(overlay_trust_time(trust), BUILT, time(NULL));
	assert_int_equal(verity_floors_epoch(&trust->floors, "pkg"), 0);
	check_ok(set_unlock(trust, "SN1", wrong - 1, &err), &err);
	list = make_list(&trusts_keys, 2, vendor);
	assert_int_equal(put_denylist(trust, &list, &err), 1);
	free(list.bytes);
	assert_int_equal(verity_floors_epoch(&trust->floors, "pkg"), 0);
	assert_in_range(overlay_trust_time(trust), BUILT, time(NULL));
	overlay_trust_free(trust);
}

static void test_absurd_clock(void **state)
{
	static const int64_t clocks[] = {
		INT64_MIN,
		-1,
		0,
		BUILT - 1,
		4102444799, /* 2099: a clock of two digits */
		4294967295, /* 2106 */
		VERITY_TIME_MAX,
		VERITY_TIME_MAX + 1,
		INT64_MAX,
	};
	cleanup_with(device_close_p) struct device device = device_new();

	(void)state;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct overlay_trust *trust;

		device.clock = clocks[i];
		trust = look(&device);
		assert_int_equal(overlay_trust_time(trust), BUILT);
		if (clocks[i] > BUILT)
			check_note(trust, "device time: the system clock is more than "
					  "firmware_years after firmware_built, and is "
					  "not used (set the clock)");
		else
			check_quiet(trust);
		overlay_trust_free(trust);
	}
}

/* A record of earlier firmware, or one that somebody wrote to look like it. */
static void test_unproven(void **state)
{
	static const struct {
		const char *floors;
		int64_t time;
		uint32_t epoch;
	} cases[] = {
		{"{\"format\":1,\"time\":253402300799,\"denylist\":0,\"epochs\":{}}",
		 BUILT, 0},
		{"{\"format\":1,\"time\":1900000000,\"denylist\":0,\"epochs\":{}}",
		 1900000000, 0},
		{"{\"format\":1,\"time\":0,\"denylist\":0,\"epochs\":{\"pkg\":" MAX_OLD
		 "}}",
		 BUILT, UINT32_MAX},
	};
	const struct overlay_state idle = {.count = 0}, safe = {.safe = true};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_with(device_close_p) struct device device = device_new();
		struct overlay_trust *trust;

		device.clock = 5;
		keep_file(&device, OVERLAY_RECORD_FLOORS, cases[i].floors,
			  strlen(cases[i].floors));
		for (int round = 0; round < 2; round++) {
			trust = look(&device);
			assert_int_equal(overlay_trust_time(trust), cases[i].time);
			assert_int_equal(verity_floors_epoch(&trust->floors, "pkg"),
					 cases[i].epoch);
			/* In safe mode nothing had a chance to prove anything. */
			check_ok(overlay_trust_complete(trust, NULL, &safe, &err), &err);
			overlay_trust_free(trust);
		}
		trust = look(&device);
		check_ok(overlay_trust_complete(trust, NULL, &idle, &err), &err);
		overlay_trust_free(trust);
		trust = look(&device);
		assert_int_equal(overlay_trust_time(trust), BUILT);
		assert_int_equal(verity_floors_epoch(&trust->floors, "pkg"), 0);
		overlay_trust_free(trust);
	}
}

static void load(const struct device *device, const char *name, char **ret, size_t *size)
{
	struct verity_error err;

	check_ok(overlay_record_load(device->record_fd, name, 1 << 20, ret, size, &err),
		 &err);
}

/* Cleared is final for this statement, wherever it comes from. */
static void test_cleared(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_free char *bytes = NULL;
	struct overlay_trust *trust = look(&device);
	struct verity_error err, unspent;
	size_t size;

	(void)state;
	check_ok(set_unlock(trust, "SN1", NOW, &err), &err);
	load(&device, OVERLAY_RECORD_UNLOCK, &bytes, &size);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 1);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 0);
	/* The same text, signed again. */
	assert_int_equal(set_unlock(trust, "SN1", NOW, &err), -EPERM);
	check_error(&err, VERITY_E_SPENT,
		    "the unlock statement was cleared on this device");
	assert_false(is_kept(&device, OVERLAY_RECORD_UNLOCK));
	overlay_trust_free(trust);

	/* The file as it was, as after a power cut before it was deleted. */
	keep_file(&device, OVERLAY_RECORD_UNLOCK, bytes, size);
	trust = look(&device);
	assert_null(overlay_trust_unlock(trust));
	assert_false(overlay_trust_policy(trust)->allow_untrusted ||
		     overlay_trust_policy(trust)->allow_downgrade);
	check_note(trust, "unlock statement: the unlock statement was cleared on this "
			  "device");
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 1);
	check_ok(set_unlock(trust, "SN1", NOW + 1, &err), &err);
	overlay_trust_free(trust);
	trust = look(&device);
	assert_non_null(overlay_trust_unlock(trust));
	check_quiet(trust);
	overlay_trust_free(trust);
}

/* A stranger's file is deleted, and not remembered: it could fill the memory. */
static void test_cleared_strangers(void **state)
{
	static const char text[] =
		"{\"type\":\"unlock\",\"format\":1,\"serial\":\"SN1\",\"allow\":["
		"\"untrusted\"],\"not_after\":2000000000}";
	struct statement_file file = statement_make(&strangers, text, "unlock");
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust;
	struct verity_error err, unspent;

	(void)state;
	keep_file(&device, OVERLAY_RECORD_UNLOCK, file.bytes, file.size);
	free(file.bytes);
	trust = look(&device);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 1);
	assert_int_equal(trust->floors.spent_count, 0);
	assert_false(is_kept(&device, OVERLAY_RECORD_FLOORS));
	overlay_trust_free(trust);
}

/* It goes also where what makes that final cannot be written, and this is said. */
static void test_cleared_not_written(void **state)
{
	cleanup_with(device_close_p) struct device device = device_new();
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust = look(&device);
	struct verity_error err, unspent;
	const struct rlimit small = {4, RLIM_INFINITY};
	const struct rlimit large = {RLIM_INFINITY, RLIM_INFINITY};
	int r;

	(void)state;
	check_ok(set_unlock(trust, "SN1", NOW, &err), &err);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = overlay_trust_clear_unlock(trust, &unspent, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &large), 0);
	assert_int_equal(r, 1);
	check_error(
		&unspent, VERITY_E_NO_ROOM,
		"floors: floors.json: writing at byte 4: File too large (raise the limit on the size of files, ulimit "
		"-f, or that of the file system)");
	assert_false(is_kept(&device, OVERLAY_RECORD_UNLOCK));
	assert_null(overlay_trust_unlock(trust));
	overlay_trust_free(steal_ptr(&trust));
	trust = look(&device);
	assert_null(overlay_trust_unlock(trust));
}

/* Folders with files in them, in the place of each record and of where it is set aside.
 */
static void test_blocked(void **state)
{
	static const char *const names[] = {
		"floors.json",          "floors.json.broken", ".floors.json.new",
		"unlock.broken",        ".unlock.new",        "denylist",
		"denylist.broken",      ".denylist.new",      "denylist.copy",
		"denylist.copy.broken", ".denylist.copy.new",
	};
	cleanup_with(device_close_p) struct device device = device_new();
	struct overlay_trust *trust = look(&device);
	struct verity_error err, unspent;

	(void)state;
	check_ok(set_unlock(trust, "SN1", NOW, &err), &err);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char inner[64];

		(void)unlinkat(device.record_fd, names[i], 0);
		assert_int_equal(mkdirat(device.record_fd, names[i], 0700), 0);
		snprintf(inner, sizeof(inner), "%s/x", names[i]);
		assert_int_equal(mkdirat(device.record_fd, inner, 0700), 0);
	}
	assert_int_equal(set_denylist(trust, 8, &err), 1);
	assert_int_equal(overlay_trust_clear_unlock(trust, &unspent, &err), 1);
	assert_int_equal(unspent.code, VERITY_OK);
	assert_int_equal(set_unlock(trust, "SN1", NOW, &err), -EPERM);
	overlay_trust_free(trust);
	trust = look(&device);
	assert_null(overlay_trust_unlock(trust));
	assert_non_null(trust->denylist);
	overlay_trust_free(trust);
}

static int enter(void **state)
{
	keys_make(&strangers);
	snprintf(strangers_ring, sizeof(strangers_ring), "%s", strangers.ring);
	return trusts_enter(state);
}

static int leave(void **state)
{
	keys_delete(&strangers);
	return trusts_leave(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stranger_in_place),
		cmocka_unit_test(test_stranger_alone),
		cmocka_unit_test(test_number_alone),
		cmocka_unit_test(test_highest_number),
		cmocka_unit_test(test_one_copy_is_enough),
		cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_forged_epoch),
		cmocka_unit_test(test_forged_time),
		cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_absurd_clock),
		cmocka_unit_test(test_unproven),
		cmocka_unit_test(test_cleared),
		cmocka_unit_test(test_cleared_strangers),
		cmocka_unit_test(test_cleared_not_written),
		cmocka_unit_test(test_blocked),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
