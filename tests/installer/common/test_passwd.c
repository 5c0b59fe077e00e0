/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installer/common/passwd.h"
#include "tests/overlay/scratch.h"

#define NO_UID 4294967295U

static void test_find(void **state)
{
	static const struct {
		const char *name;
		uid_t uid;
		const char *found, *home; /* NULL: none */
		gid_t gid;
	} cases[] = {
		{"root", NO_UID, "root", "/root", 0},
		{NULL, 0, "root", "/root", 0},
		{NULL, 1000, "alice", "/home/alice", 100},
		{"bob", NO_UID, "bob", "/home/bob", 1001}, /* no shell, no line end */
		{"ali", NO_UID, NULL, NULL, 0},
		{"alice2", NO_UID, NULL, NULL, 0},
		{"", NO_UID, NULL, NULL, 0},
		{NULL, 7, NULL, NULL, 0},
		{"+nis", NO_UID, NULL, NULL, 0},
		{"malformed", NO_UID, NULL, NULL, 0},
		{"number", NO_UID, NULL, NULL, 0},
		{"short", NO_UID, NULL, NULL, 0},
	};

	(void)state;
	scratch_write("passwd", "# comment\n"
				"+nis:x:0:0:::\n"
				"-:x:0:0:::\n"
				"malformed\n"
				"number:x:seven:7::/:/bin/sh\n"
				"short:x:7\n"
				"root:x:0:0:root:/root:/bin/sh\n"
				"toor:x:0:0:second:/toor:/bin/sh\n"
				"\n"
				"alice:x:1000:100:Alice,,,:/home/alice:/bin/sh\n"
				"bob:x:1001:1001::/home/bob:");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct passwd_user user = {.uid = NO_UID};
		bool found = passwd_find("passwd", cases[i].name, cases[i].uid, &user);

		assert_int_equal(found, cases[i].found != NULL);
		if (!found) {
			assert_int_equal(user.uid, NO_UID);
			continue;
		}
		assert_string_equal(user.name, cases[i].found);
		assert_string_equal(user.home, cases[i].home);
		assert_int_equal(user.gid, cases[i].gid);
	}
}

/* What does not fit is no user; what is no file, or too large, has none. */
static void test_bounds(void **state)
{
	char line[2 * PASSWD_HOME_SIZE];
	struct passwd_user user;

	(void)state;
	snprintf(line, sizeof(line), "%0*d:x:5:5::/:\n", PASSWD_NAME_SIZE, 0);
	scratch_write("passwd", line);
	assert_false(passwd_find("passwd", NULL, 5, &user));
	scratch_write("passwd", line + 1);
	assert_true(passwd_find("passwd", NULL, 5, &user));
	snprintf(line, sizeof(line), "a:x:5:5::%0*d:\n", PASSWD_HOME_SIZE, 0);
	scratch_write("passwd", line);
	assert_false(passwd_find("passwd", NULL, 5, &user));
	snprintf(line, sizeof(line), "a:x:5:5::%0*d:\n", PASSWD_HOME_SIZE - 1, 0);
	scratch_write("passwd", line);
	assert_true(passwd_find("passwd", NULL, 5, &user));
	assert_int_equal(truncate("passwd", 1 << 20), 0);
	assert_true(passwd_find("passwd", NULL, 5, &user));
	assert_int_equal(truncate("passwd", (1 << 20) + 1), 0);
	assert_false(passwd_find("passwd", NULL, 5, &user));
	scratch_write("passwd", "");
	assert_false(passwd_find("passwd", NULL, 5, &user));
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_false(passwd_find("pipe", NULL, 5, &user));
	assert_false(passwd_find("none", NULL, 5, &user));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
