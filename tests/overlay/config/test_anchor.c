/* SPDX-License-Identifier: MIT */
#include "overlay/config/anchor.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define VARIABLE "efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static void test_without_uefi(void **state)
{
	(void)state;
	assert_false(overlay_anchor_holds(OVERLAY_ANCHOR_NONE, "efi"));
	assert_false(overlay_anchor_holds(OVERLAY_ANCHOR_EFI, "efi"));
	assert_true(overlay_anchor_holds(OVERLAY_ANCHOR_ALWAYS, "efi"));
}

static void test_variable(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		bool holds;
	} cases[] = {
		{"\6\0\0\0\1", 5, true},
		{"\6\0\0\0\0", 5, false},
		{"\6\0\0\0\2", 5, true},
	};

	(void)state;
	assert_int_equal(mkdir("efi", 0755), 0);
	assert_int_equal(mkdir("efi/efivars", 0755), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_fd int fd =
			open(VARIABLE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		assert_int_equal(write(fd, cases[i].bytes, cases[i].size), cases[i].size);
		assert_int_equal(overlay_anchor_holds(OVERLAY_ANCHOR_EFI, "efi"),
				 cases[i].holds);
		assert_false(overlay_anchor_holds(OVERLAY_ANCHOR_NONE, "efi"));
		assert_true(overlay_anchor_holds(OVERLAY_ANCHOR_ALWAYS, "efi"));
	}
}

/*
 * Then the variables of the machine itself are asked for. Where it has none, nobody can
 * say that the anchor does not hold.
 */
static void test_unreadable(void **state)
{
	(void)state;
	if (access(OVERLAY_EFI_PATH, F_OK) == 0) {
		print_message("this machine has UEFI variables of its own\n");
		return;
	}
	assert_int_equal(truncate(VARIABLE, 4), 0);
	assert_true(overlay_anchor_holds(OVERLAY_ANCHOR_EFI, "efi"));
	assert_int_equal(truncate(VARIABLE, 65), 0);
	assert_true(overlay_anchor_holds(OVERLAY_ANCHOR_EFI, "efi"));
	assert_int_equal(unlink(VARIABLE), 0);
	assert_true(overlay_anchor_holds(OVERLAY_ANCHOR_EFI, "efi"));
	assert_int_equal(rmdir("efi/efivars"), 0);
	assert_true(overlay_anchor_holds(OVERLAY_ANCHOR_EFI, "efi"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_uefi),
		cmocka_unit_test(test_variable),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
