/* SPDX-License-Identifier: MIT */
#include "installer/device/serial_console.h"

#include <stdio.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"

static void make_terminal(const char *name, const char *number)
{
	char path[128];

	snprintf(path, sizeof(path), "class/tty/%s", name);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "class/tty/%s/dev", name);
	scratch_write(path, number);
}

static int set_up(void **state)
{
	if (scratch_enter(state) < 0 || mkdir("class", 0755) < 0 ||
	    mkdir("class/tty", 0755) < 0 || mkdir("class/tty/console", 0755) < 0)
		return -1;
	make_terminal("tty0", "4:0\n");
	make_terminal("tty1", "4:1\n");
	make_terminal("ttyS0", "4:64\n");
	make_terminal("ttyS1", "4:65\n");
	make_terminal("ttyAMA0", "204:64\n");
	make_terminal("ttyX", "511:1048575\n");
	return 0;
}

static void test_terminals(void **state)
{
	static const struct {
		const char *terminal; /* field 7 of /proc/PID/stat */
		const char *active;
		bool ours;
	} cases[] = {
		{"1088", "tty0 ttyS0\n", true},
		{"1088", "ttyS0\n", true},
		{"1088", "ttyS0 tty0", true},
		{"1089", "tty0 ttyS0\n", false},  /* serial, and no console */
		{"1024", "tty0 ttyS0\n", false},  /* a screen */
		{"1025", "tty1 ttyS0\n", false},  /* likewise */
		{"34816", "tty0 ttyS0\n", false}, /* 136:0, a network session */
		{"0", "tty0 ttyS0\n", false},     /* none at all */
		{"52288", "ttyAMA0\n", true},
		{"52288", "ttyS0\n", false},
		{"4294967295", "ttyX\n", false},
		{"4294901759", "ttyX\n", false},
		{"4294442239", "ttyX\n", false},
		{"1088", "", false},
		{"1088", "ttyS9 nothing ../ttyS0\n", false},
	};
	char stat[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(stat, sizeof(stat), "7 (a) S 0 0) S 1 2 3 %s 5 6 7\n",
			 cases[i].terminal);
		scratch_write("stat", stat);
		scratch_write("class/tty/console/active", cases[i].active);
		if (serial_console_is_ours("stat", ".") != cases[i].ours)
			fail_msg("%s, %s", cases[i].terminal, cases[i].active);
	}
}

static void test_nothing_to_read(void **state)
{
	(void)state;
	scratch_write("class/tty/console/active", "ttyS0\n");
	scratch_write("stat", "7 (a) S 1 2 3 1088 5 6 7\n");
	assert_true(serial_console_is_ours("stat", "."));
	assert_false(serial_console_is_ours("not-there", "."));
	assert_false(serial_console_is_ours("stat", "not-there"));
	scratch_write("stat", "7 (a");
	assert_false(serial_console_is_ours("stat", "."));
	scratch_write("stat", "7 (a) S 1");
	assert_false(serial_console_is_ours("stat", "."));
	/* and of this system */
	(void)serial_console_is_ours("/proc/self/stat", "/sys");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminals),
		cmocka_unit_test(test_nothing_to_read),
	};

	return cmocka_run_group_tests_name("installer/serial_console", tests, set_up,
					   scratch_leave);
}
