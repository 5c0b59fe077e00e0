/* SPDX-License-Identifier: MIT */

/* What the packages of a completed boot prove. */

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
#include "tests/overlay/scratch.h"
#include "verity/statement/floors.h"
#include "verity/util/cleanup.h"

#define PACKAGES_MAX 4

/* A device with packages, and the boot that it has just completed. */
struct booted {
	struct device device;
	char data[32];
	struct overlay_store *store;
	struct overlay_state_entry entries[PACKAGES_MAX];
	struct overlay_state state;
};

static void booted_free_p(struct booted *booted)
{
	overlay_store_free(booted->store);
	device_close_p(&booted->device);
}

static struct booted booted_new(void)
{
	static unsigned number;
	struct booted booted = {.device = device_new()};
	struct verity_error err;
	char folder[64];
	int fd;

	booted.device.clock = 5;
	snprintf(booted.data, sizeof(booted.data), "data%u", number++);
	snprintf(folder, sizeof(folder), "%s/packages", booted.data);
	assert_int_equal(mkdir(booted.data, 0700), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	fd = open(booted.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_ok(overlay_store_open(fd, -1, &booted.store, &err), &err);
	close(fd);
	return booted;
}

/* Installed as @file before the boot, which made it active. */
static struct overlay_state_entry *install(struct booted *booted, const char *file,
					   const struct statement_file *preamble)
{
	struct overlay_state_entry *entry = &booted->entries[booted->state.count++];
	int folder = overlay_store_folder(booted->store, OVERLAY_ORDINARY);
	char name[OVERLAY_FILE_BYTES];
	struct stat st;

	snprintf(entry->entry.name, sizeof(entry->entry.name), "%s", file);
	entry->entry.kind = OVERLAY_ORDINARY;
	entry->active = true;
	overlay_entry_file(&entry->entry, name);
	assert_int_equal(overlay_record_replace(folder, name, preamble->bytes,
						preamble->size, NULL),
			 0);
	assert_int_equal(fstatat(folder, name, &st, 0), 0);
	overlay_file_id_take(&st, &entry->file);
	booted->state.entries = booted->entries;
	return entry;
}

static void complete(struct booted *booted)
{
	struct overlay_trust *trust = look(&booted->device);
	struct verity_error err;

	check_ok(overlay_trust_complete(trust, booted->store, &booted->state, &err),
		 &err);
	overlay_trust_free(trust);
}

static void check_floors(const struct booted *booted, uint32_t epoch, int64_t time)
{
	struct overlay_trust *trust = look(&booted->device);

	assert_int_equal(verity_floors_epoch(overlay_trust_policy(trust)->floors, "pkg"),
			 epoch);
	assert_int_equal(overlay_trust_time(trust), time);
	overlay_trust_free(trust);
}

static void test_rise(void **state)
{
	const int64_t now = time(NULL);
	struct statement_file second = make_preamble(&trusts_keys, "pkg", 2, now - 50);
	struct statement_file third = make_preamble(&trusts_keys, "pkg", 3, now - 100);
	struct statement_file none = make_preamble(&trusts_keys, "other", 0, now - 20);
	cleanup_with(booted_free_p) struct booted booted = booted_new();

	(void)state;
	install(&booted, "any", &second);
	check_floors(&booted, 0, BUILT);
	complete(&booted);
	check_floors(&booted, 2, now - 50);
	complete(&booted);
	check_floors(&booted, 2, now - 50);
	/* Another name on disk, an older signature; and one without an epoch. */
	install(&booted, "else", &third);
	install(&booted, "more", &none);
	complete(&booted);
	check_floors(&booted, 3, now - 20);
	/* They do not fall with what proved them. */
	booted.state.count = 1;
	complete(&booted);
	check_floors(&booted, 3, now - 20);
	free(second.bytes);
	free(third.bytes);
	free(none.bytes);
}

static void leave_out(struct booted *booted, struct overlay_state_entry *entry)
{
	(void)booted;
	entry->active = false;
}

static void go_safe(struct booted *booted, struct overlay_state_entry *entry)
{
	(void)entry;
	booted->state.safe = true;
}

static void remove_it(struct booted *booted, struct overlay_state_entry *entry)
{
	struct verity_error err;

	check_ok(overlay_store_remove(booted->store, &entry->entry, &err), &err);
}

static void install_again(struct booted *booted, struct overlay_state_entry *entry)
{
	struct statement_file same =
		make_preamble(&trusts_keys, "pkg", 9, time(NULL) - 1);
	struct overlay_state_entry before = *entry;

	booted->state.count = 0;
	install(booted, before.entry.name, &same);
	*entry = before;
	free(same.bytes);
}

static void put_link(struct booted *booted, struct overlay_state_entry *entry)
{
	int folder = overlay_store_folder(booted->store, OVERLAY_ORDINARY);
	char name[OVERLAY_FILE_BYTES];

	overlay_entry_file(&entry->entry, name);
	assert_int_equal(renameat(folder, name, folder, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", folder, name), 0);
}

/* What did not run, or is not what ran, proves nothing. */
static void test_what_did_not_run(void **state)
{
	static void (*const changes[])(struct booted * booted,
				       struct overlay_state_entry * entry) = {
		leave_out, go_safe, remove_it, install_again, put_link};
	const int64_t now = time(NULL);
	struct statement_file file = make_preamble(&trusts_keys, "pkg", 3, now);

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		cleanup_with(booted_free_p) struct booted booted = booted_new();
		struct overlay_state_entry *entry = install(&booted, "pkg", &file);

		changes[i](&booted, entry);
		complete(&booted);
		check_floors(&booted, 0, BUILT);
	}
	free(file.bytes);
}

/* A clock that was wrong when the vendor signed raises no time, and the epoch all the
 * same. */
static void test_wrong_clock(void **state)
{
	const int64_t wrong = time(NULL) + 4 * 31556952;
	struct statement_file file = make_preamble(&trusts_keys, "pkg", 3, wrong);
	cleanup_with(booted_free_p) struct booted booted = booted_new();

	(void)state;
	booted.device.config.firmware_years = 3;
	install(&booted, "pkg", &file);
	complete(&booted);
	check_floors(&booted, 3, BUILT);
	assert_false(is_kept(&booted.device, OVERLAY_RECORD_TIME));
	booted.device.config.firmware_years = 30;
	complete(&booted);
	check_floors(&booted, 3, wrong);
	free(file.bytes);
}

/* Of strangers, also where Allow Untrusted let it run. */
static void test_strangers(void **state)
{
	struct keys strangers;
	struct statement_file file;
	cleanup_with(booted_free_p) struct booted booted = booted_new();

	(void)state;
	keys_make(&strangers);
	file = make_preamble(&strangers, "pkg", 3, time(NULL));
	keys_delete(&strangers);
	install(&booted, "pkg", &file);
	complete(&booted);
	check_floors(&booted, 0, BUILT);
	assert_false(is_kept(&booted.device, OVERLAY_RECORD_PROOFS));
	free(file.bytes);
}

static int make_folder(const struct device *device)
{
	int fd;

	assert_int_equal(mkdirat(device->record_fd, OVERLAY_RECORD_PROOFS, 0700), 0);
	fd = openat(device->record_fd, OVERLAY_RECORD_PROOFS,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Whatever is in the way of the folder, of a file in it, or fills it. */
static void test_in_the_way(void **state)
{
	const int64_t now = time(NULL);
	struct statement_file file = make_preamble(&trusts_keys, "pkg", 3, now);
	struct statement_file other = make_preamble(&trusts_keys, "other", 3, now - 1);

	(void)state;
	for (int i = 0; i < 7; i++) {
		cleanup_with(booted_free_p) struct booted booted = booted_new();
		struct device *device = &booted.device;
		char name[16];
		int fd = -1;

		install(&booted, "pkg", &file);
		if (i == 0)
			keep_file(device, OVERLAY_RECORD_PROOFS, "junk", 4);
		else if (i == 1)
			assert_int_equal(
				symlinkat("..", device->record_fd, OVERLAY_RECORD_PROOFS),
				0);
		else if (i == 2)
			assert_int_equal(
				mkdirat(device->record_fd, OVERLAY_RECORD_TIME, 0700), 0);
		else
			fd = make_folder(device);
		if (i == 3)
			assert_int_equal(mkdirat(fd, "pkg", 0700), 0);
		if (i == 4)
			assert_int_equal(mkfifoat(fd, "pkg", 0600), 0);
		for (int n = 0; i == 5 && n < VERITY_FLOORS_MAX; n++) {
			snprintf(name, sizeof(name), "junk%d", n);
			close(openat(fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		}
		/* a good one, under its name and very many others */
		if (i == 6)
			assert_int_equal(overlay_record_replace(fd, "other", other.bytes,
								other.size, NULL),
					 0);
		for (int n = 1; i == 6 && n < VERITY_FLOORS_MAX; n++) {
			snprintf(name, sizeof(name), "name%d", n);
			assert_int_equal(linkat(fd, "other", fd, name, 0), 0);
		}
		if (fd >= 0)
			close(fd);
		complete(&booted);
		check_floors(&booted, 3, now);
	}
	free(file.bytes);
	free(other.bytes);
}

/* A record that cannot be written is said, and does not keep an unproven number alive. */
static void test_not_written(void **state)
{
	static const char floors[] =
		"{\"format\":1,\"time\":0,\"denylist\":0,\"epochs\":{\"pkg\":7}}";
	const struct rlimit small = {4, RLIM_INFINITY};
	const struct rlimit large = {RLIM_INFINITY, RLIM_INFINITY};
	struct statement_file file = make_preamble(&trusts_keys, "pkg", 3, time(NULL));
	cleanup_with(booted_free_p) struct booted booted = booted_new();
	struct overlay_trust *trust;
	struct verity_error err;
	int folder = make_folder(&booted.device);
	int r;

	(void)state;
	close(folder);
	keep_file(&booted.device, OVERLAY_RECORD_FLOORS, floors, strlen(floors));
	install(&booted, "pkg", &file);
	trust = look(&booted.device);
	assert_int_equal(verity_floors_epoch(&trust->floors, "pkg"), 7);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = overlay_trust_complete(trust, booted.store, &booted.state, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &large), 0);
	assert_int_equal(r, -EFBIG);
	check_error(
		&err, VERITY_E_NO_ROOM,
		"floors: time: writing at byte 4: File too large (raise the limit on the size of files, ulimit "
		"-f, or that of the file system)");
	assert_int_equal(verity_floors_epoch(&trust->floors, "pkg"), 0);
	overlay_trust_free(trust);
	free(file.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rise),
		cmocka_unit_test(test_what_did_not_run),
		cmocka_unit_test(test_wrong_clock),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_in_the_way),
		cmocka_unit_test(test_not_written),
	};

	return cmocka_run_group_tests(tests, trusts_enter, trusts_leave);
}
