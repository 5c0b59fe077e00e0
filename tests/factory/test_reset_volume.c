/* SPDX-License-Identifier: MIT */
#include "factory/reset_volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

static int open_folder(const char *path)
{
	int fd;

	(void)mkdir(path, 0700);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* @persist, @run_folder: in the current folder, as DATA is; @persist may be NULL */
static int find(const char *persist, const char *run_folder, struct verity_error *err)
{
	cleanup_free char *here = getcwd(NULL, 0);
	cleanup_fd int data_fd = open_folder("data");
	cleanup_fd int persist_fd = persist ? open_folder(persist) : -1;
	char data[PATH_MAX + 8], run[PATH_MAX + 16];
	struct overlay_config config = {
		.data = data, .persist = (char[]){"LABEL=persist"}, .run = run};
	struct factory_reset reset = {.config = &config,
				      .persist_fd = persist_fd,
				      .record_fd = -1,
				      .root = "/",
				      .data_fd = data_fd};
	struct factory_run factory_run = {.reset = &reset, .device_fd = -1};

	assert_non_null(here);
	snprintf(data, sizeof(data), "%s/data", here);
	snprintf(run, sizeof(run), "%s/%s", here, run_folder);
	return factory_data_find(&factory_run, err);
}

static void test_outside(void **state)
{
	struct verity_error err;

	(void)state;
	check_ok(find("persist", "run", &err), &err);
}

/* Also where nobody knows. */
static void test_persist_inside(void **state)
{
	static const char *const folders[] = {"data", "data/persist", NULL};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(find(folders[i], "run", &err), -EINVAL);
		check_error(&err, VERITY_E_CONFIG,
			    "data: PERSIST lies in DATA and would be deleted with it "
			    "(LABEL=persist)");
	}
}

/* Whoever writes to the file system that the folder is in. */
static void test_symbolic_link(void **state)
{
	static const char *const targets[] = {"elsewhere", "../", "elsewhere/deeper"};
	struct verity_error err;

	(void)state;
	close(open_folder("elsewhere"));
	close(open_folder("elsewhere/deeper"));
	assert_int_equal(rename("data", "data.away"), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(symlink(targets[i], "data"), 0);
		assert_int_equal(find("persist", "run", &err), -EINVAL);
		assert_non_null(strstr(err.message,
				       "/data leads through a symbolic link (configure "
				       "the folder itself)"));
		assert_int_equal(unlink("data"), 0);
	}
	assert_int_equal(rename("data.away", "data"), 0);
}

static void test_run_inside(void **state)
{
	struct verity_error err;

	(void)state;
	close(open_folder("data"));
	close(open_folder("data/run"));
	assert_int_equal(find("persist", "data/run", &err), -EINVAL);
	assert_int_equal(err.code, VERITY_E_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_persist_inside),
		cmocka_unit_test(test_symbolic_link),
		cmocka_unit_test(test_run_inside),
	};

	return cmocka_run_group_tests_name("factory/reset_volume", tests, scratch_enter,
					   scratch_leave);
}
