/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "tests/check.h"
#include "verity/device/kernel_requirement.h"

#define REQUIRES                                                                         \
	"the kernel requires a signature of the root hash "                              \
	"(dm_verity.require_signatures) and "
#define RELOAD "device-mapper: reload ioctl on wmopkg-x (253:0) failed: "

static void test_messages(void **state)
{
	static const struct {
		const char *complaint, *message;
	} cases[] = {
		{RELOAD "Required key not available",
		 REQUIRES "does not know the key of the package's signature"},
		{RELOAD "Key was rejected by service",
		 REQUIRES "does not accept the package's: Key was rejected by service"},
		{"Kernel keyring is not supported by the kernel.", REQUIRES
		 "does not accept the package's: Kernel keyring is not supported "
		 "by the kernel."},
	};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(verity_kernel_fail_signature(cases[i].complaint, &err),
				 -EIO);
		check_error(&err, VERITY_E_KERNEL_SIGNATURE, cases[i].message);
	}
	assert_int_equal(verity_kernel_fail_signature(NULL, &err), -EIO);
	check_error(&err, VERITY_E_KERNEL_SIGNATURE, REQUIRES "the package has none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
