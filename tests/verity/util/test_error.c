/* SPDX-License-Identifier: MIT */

/* Each code has the errno value and the exit status that its callers rely on. */

#include "tests/check.h"

#include <errno.h>

#define CODE(code, ...) VERITY_E_##code,
static const enum verity_code codes[] = {VERITY_ERRORS(CODE)};

/* Written down a second time: both are interfaces. */
static const struct {
	const char *name;
	int errno_value;
	int exit_status;
} expected[] = {
	{"io", EIO, 1},
	{"permission", EACCES, 1},
	{"read-only", EROFS, 1},
	{"interrupted", EINTR, 1},
	{"no-memory", ENOMEM, 1},
	{"usage", EINVAL, 2},
	{"config", EINVAL, 1},
	{"not-found", ENOENT, 4},
	{"not-a-file", EINVAL, 1},
	{"bad-name", EINVAL, 2},
	{"bad-magic", EBADMSG, 3},
	{"bad-sizes", EBADMSG, 3},
	{"bad-length", EBADMSG, 3},
	{"bad-padding", EBADMSG, 3},
	{"bad-manifest", EBADMSG, 3},
	{"unknown-feature", EBADMSG, 3},
	{"bad-signature", EBADMSG, 3},
	{"no-signature", EKEYREJECTED, 3},
	{"untrusted-signer", EKEYREJECTED, 3},
	{"weak-key", EKEYREJECTED, 3},
	{"missing-signer", EKEYREJECTED, 3},
	{"missing-timestamp", EKEYREJECTED, 3},
	{"revoked", EKEYREVOKED, 3},
	{"wrong-model", EPERM, 3},
	{"wrong-firmware", EPERM, 3},
	{"downgrade", EPERM, 3},
	{"quarantined", EPERM, 3},
	{"bad-statement", EBADMSG, 3},
	{"bad-record", EBADMSG, 1},
	{"wrong-type", EBADMSG, 3},
	{"wrong-device", EPERM, 3},
	{"expired", EPERM, 3},
	{"spent", EPERM, 3},
	{"old-denylist", EPERM, 3},
	{"old-set", EPERM, 3},
	{"old-catalog", EPERM, 3},
	{"expired-catalog", EPERM, 3},
	{"wrong-channel", EPERM, 3},
	{"rollout", EPERM, 3},
	{"not-published", EBADMSG, 3},
	{"locked", EPERM, 1},
	{"kernel-signature", EIO, 1},
	{"audit", EBADMSG, 1},
	{"tree-mismatch", EBADMSG, 3},
	{"image-mismatch", EBADMSG, 3},
	{"bad-image", EBADMSG, 3},
	{"keyring", EINVAL, 1},
	{"key", EINVAL, 1},
	{"pin", EINVAL, 1},
	{"no-room", ENOSPC, 6},
	{"busy", EBUSY, 1},
	{"transfer", ECOMM, 5},
	{"connection-lost", ECOMM, 5},
	{"login", ECOMM, 5},
	{"certificate", ECOMM, 5},
	{"host-key", ECOMM, 5},
	{"clock", ECOMM, 5},
	{"no-medium", ENOENT, 4},
	{"kernel-feature", EOPNOTSUPP, 1},
	{"device-failed", EIO, 1},
	{"mount-failed", EIO, 1},
	{"stack-failed", EIO, 1},
	{"blocks-mount", EIO, 1},
	{"too-many", E2BIG, 1},
	{"misplaced", EOPNOTSUPP, 1},
	{"duplicate", EEXIST, 1},
	{"other-name", EEXIST, 1},
	{"hides-firmware", EEXIST, 3},
	{"disabled", EIO, 1},
	{"suspect", EIO, 1},
	{"timed-out", ETIMEDOUT, 1},
	{"required", EPERM, 3},
	{"safe-mode", EIO, 1},
	{"reset", EIO, 1},
	{"bad-tree", EINVAL, 1},
	{"unsupported", EOPNOTSUPP, 1},
	{"missing-need", EPERM, 1},
	{"conflict", EPERM, 1},
	{"bad-set", EINVAL, 1},
	{"waiting-set", EIO, 1},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_every_code(void **state)
{
	(void)state;
	assert_int_equal(COUNT(codes), COUNT(expected));
	for (size_t i = 0; i < COUNT(codes); i++) {
		enum verity_code code = codes[i];
		struct verity_error err;

		assert_string_equal(verity_code_name(code), expected[i].name);
		if ((int)verity_code_exit_status(code) != expected[i].exit_status)
			fail_msg("%s: exit status %d, not %d", expected[i].name,
				 (int)verity_code_exit_status(code),
				 expected[i].exit_status);
		if (verity_fail(&err, code, "why") != -expected[i].errno_value)
			fail_msg("%s: errno %d, not %d", expected[i].name,
				 verity_fail(NULL, code, "why"),
				 -expected[i].errno_value);
		check_error(&err, code, "why");
	}
}

static void test_no_such_code(void **state)
{
	(void)state;
	assert_string_equal(verity_code_name((enum verity_code)(COUNT(codes) + 1)),
			    "unknown");
	assert_string_equal(verity_code_name(VERITY_OK), "ok");
	assert_int_equal(verity_code_exit_status(VERITY_OK), 0);
}

static void test_from_errno(void **state)
{
	static const struct {
		int errno_value;
		enum verity_code code;
	} cases[] = {
		{ENOMEM, VERITY_E_NO_MEMORY}, {ENOSPC, VERITY_E_NO_ROOM},
		{EDQUOT, VERITY_E_NO_ROOM},   {EFBIG, VERITY_E_NO_ROOM},
		{ENOENT, VERITY_E_NOT_FOUND}, {EACCES, VERITY_E_PERMISSION},
		{EPERM, VERITY_E_PERMISSION}, {EROFS, VERITY_E_READ_ONLY},
		{ENOTDIR, VERITY_E_IO},       {EIO, VERITY_E_IO},
	};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(verity_fail_errno(&err, cases[i].errno_value, "what"),
				 -cases[i].errno_value);
		assert_int_equal(err.code, cases[i].code);
	}
	verity_fail_errno(&err, ENOENT, "%s", "name");
	check_error(&err, VERITY_E_NOT_FOUND, "name: No such file or directory");
	assert_int_equal(verity_context(&err, -ENOENT, "in %s", "here"), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "in here: name: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code),
		cmocka_unit_test(test_no_such_code),
		cmocka_unit_test(test_from_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
