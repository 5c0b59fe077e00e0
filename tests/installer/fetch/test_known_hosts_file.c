/* SPDX-License-Identifier: MIT */
#include "installer/fetch/known_hosts_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define PROGRAMS 4
#define KEYS     8 /* that each of them learns */

static int learn(int program)
{
	static const char blob[4 + 11 + 4 + 32] = "\0\0\0\x0bssh-ed25519\0\0\0\x20"
						  "any 32 bytes are a public key...";
	struct known_hosts_key key;

	if (!known_hosts_key_take(blob, sizeof(blob), &key))
		return 2;
	for (int i = 0; i < KEYS; i++) {
		cleanup_free char *line = NULL;
		struct verity_error err;
		char name[32];

		snprintf(name, sizeof(name), "host-%d-%d", program, i);
		line = known_hosts_line(name, &key);
		if (known_hosts_append("known_hosts", line, &err) < 0)
			return 1;
	}
	return 0;
}

/* None loses what another has learned in the same moment. */
static void test_at_once(void **state)
{
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size;
	size_t lines = 0;
	int status;

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			_exit(learn(i));
	}
	for (int i = 0; i < PROGRAMS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	check_ok(known_hosts_load("known_hosts", &text, &size, &err), &err);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	assert_int_equal(lines, PROGRAMS * KEYS);
}

/* A line more would be over the limit that a reader has, and the file is left as it is.
 */
static void test_full(void **state)
{
	static char line[1 << 19], *text = NULL;
	struct verity_error err;
	size_t size;

	(void)state;
	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	check_ok(known_hosts_append("full", line, &err), &err);
	check_ok(known_hosts_append("full", line, &err), &err);
	assert_true(known_hosts_append("full", line, &err) < 0);
	check_error(
		&err, VERITY_E_TOO_MANY,
		"full: over 1048576 bytes (delete what is not needed: wmopkg host-key "
		"forget HOST)");
	check_ok(known_hosts_load("full", &text, &size, &err), &err);
	assert_int_equal(size, 2 * (sizeof(line) - 1));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
