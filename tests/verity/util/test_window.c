/* SPDX-License-Identifier: MIT */

/* Mapped parts of a file that is whole, that another process shortens, and none at all.
 */

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/check.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/window.h"

#define FILE_BYTES ((size_t)5 << 20)
#define CUT_BYTES  ((size_t)3 << 20)

static int make_file(size_t size)
{
	int fd = memfd_create("window", MFD_CLOEXEC);
	cleanup_free uint8_t *bytes = malloc(size);

	assert_true(fd >= 0);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(1 + i * 2654435761U % 255); /* never 0 */
	assert_int_equal(verity_io_write(fd, bytes, size, 0, NULL), 0);
	return fd;
}

static void test_whole(void **state)
{
	static const struct {
		size_t offset, count;
	} cases[] = {{0, 1},
		     {0, FILE_BYTES},
		     {4096, 8192},
		     {(2 << 20) - 1, 2},
		     {(2 << 20) + 4096, 2 << 20},
		     {FILE_BYTES - 1, 1}};
	cleanup_fd int fd = make_file(FILE_BYTES);
	cleanup_free uint8_t *bytes = malloc(FILE_BYTES);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_window window;
		size_t count = cases[i].count;

		assert_int_equal(verity_io_read(fd, bytes, count, cases[i].offset, NULL),
				 0);
		assert_true(verity_window_open(&window, fd, cases[i].offset, count));
		assert_memory_equal(window.bytes, bytes, count);
		assert_true(verity_window_close(&window));
	}
}

/* Return: how many bytes at the end are 0. */
static size_t count_zeros(const uint8_t *bytes, size_t count)
{
	size_t zeros = 0;

	while (zeros < count && bytes[count - 1 - zeros] == 0)
		zeros++;
	return zeros;
}

/* Before it is mapped, or after a part of it was read; the next one is whole again. */
static void test_cut(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		cleanup_fd int fd = make_file(FILE_BYTES);
		struct verity_window window;

		if (!late)
			assert_int_equal(ftruncate(fd, CUT_BYTES), 0);
		assert_true(verity_window_open(&window, fd, 0, FILE_BYTES));
		assert_int_equal(count_zeros(window.bytes, CUT_BYTES), 0);
		if (late)
			assert_int_equal(ftruncate(fd, CUT_BYTES), 0);
		assert_true(count_zeros(window.bytes, FILE_BYTES) >=
			    FILE_BYTES - CUT_BYTES);
		assert_false(verity_window_close(&window));

		assert_true(verity_window_open(&window, fd, 0, CUT_BYTES));
		assert_int_equal(count_zeros(window.bytes, CUT_BYTES), 0);
		assert_true(verity_window_close(&window));
	}
}

static void *read_cut(void *context)
{
	static int bad;

	for (int i = 0; i < 200; i++) {
		struct verity_window window;

		if (!verity_window_open(&window, *(int *)context, 0, FILE_BYTES))
			return &bad;
		if (!count_zeros(window.bytes, FILE_BYTES))
			return &bad;
		if (verity_window_close(&window))
			return &bad;
	}
	return NULL;
}

/* A window of one thread is torn; that of another at the same time is not. */
static void test_threads(void **state)
{
	cleanup_fd int whole = make_file(FILE_BYTES), cut = make_file(CUT_BYTES);
	pthread_t other;
	void *bad;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, read_cut, &cut), 0);
	for (int i = 0; i < 20; i++) {
		struct verity_window window;

		assert_true(verity_window_open(&window, whole, 0, FILE_BYTES));
		assert_int_equal(count_zeros(window.bytes, FILE_BYTES), 0);
		assert_true(verity_window_close(&window));
	}
	assert_int_equal(pthread_join(other, &bad), 0);
	assert_null(bad);
}

static void test_cannot_be_mapped(void **state)
{
	cleanup_fd int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct verity_window window;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_false(verity_window_open(&window, ends[0], 0, 1));
	assert_false(verity_window_open(&window, folder, 0, 1));
	assert_false(verity_window_open(&window, -1, 0, 1));
	close(ends[0]);
	close(ends[1]);
}

/* Beside a window, with one or without: what is no fault of a window ends the process. */
static void die(int way, int fd)
{
	const uint8_t *bytes = mmap(NULL, FILE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
	struct verity_window window;

	alarm(20);
	if (bytes == MAP_FAILED || !verity_window_open(&window, fd, 0, FILE_BYTES))
		_exit(1);
	if (way == 1)
		(void)verity_window_close(&window);
	if (way == 2)
		kill(getpid(), SIGBUS);
	else
		_exit(((const volatile uint8_t *)bytes)[CUT_BYTES] ? 2 : 3);
	_exit(4);
}

static void test_other_faults(void **state)
{
	cleanup_fd int fd = make_file(CUT_BYTES);

	(void)state;
	for (int way = 0; way < 3; way++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0)
			die(way, fd);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGBUS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_cannot_be_mapped),
		cmocka_unit_test(test_other_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
