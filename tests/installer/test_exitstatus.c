/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "installer/common/exitstatus.h"

#define STEP(code, name, meaning, hint) name,
static const char *const names[] = {"ok", VERITY_ERRORS(STEP)};

/* What is not named here is a plain failure. */
static const struct {
	const char *name;
	int status;
} statuses[] = {
	{"ok", 0},
	{"usage", 2},
	{"bad-name", 2},
	{"bad-magic", 3},
	{"bad-sizes", 3},
	{"bad-length", 3},
	{"bad-padding", 3},
	{"bad-manifest", 3},
	{"unknown-feature", 3},
	{"bad-signature", 3},
	{"no-signature", 3},
	{"untrusted-signer", 3},
	{"weak-key", 3},
	{"missing-signer", 3},
	{"revoked", 3},
	{"wrong-model", 3},
	{"wrong-firmware", 3},
	{"downgrade", 3},
	{"quarantined", 3},
	{"bad-statement", 3},
	{"wrong-type", 3},
	{"wrong-device", 3},
	{"expired", 3},
	{"old-denylist", 3},
	{"tree-mismatch", 3},
	{"image-mismatch", 3},
	{"bad-image", 3},
	{"not-found", 4},
	{"no-medium", 4},
	{"transfer", 5},
	{"connection-lost", 5},
	{"login", 5},
	{"certificate", 5},
	{"clock", 5},
	{"host-key", 5},
	{"no-room", 6},
};

static int expected(const char *name)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strcmp(statuses[i].name, name) == 0)
			return statuses[i].status;
	return 1;
}

static void test_every_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum verity_code code = verity_code_from_name(names[i]);

		assert_string_equal(verity_code_name(code), names[i]);
		if ((int)exit_status_of(code) != expected(names[i]))
			fail_msg("%s: exit status %d, not %d", names[i],
				 (int)exit_status_of(code), expected(names[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
