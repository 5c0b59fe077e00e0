/* SPDX-License-Identifier: MIT */

/* Mapped parts of files, and the handler of SIGBUS that they need. */

#include "verity/util/window.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

/* A whole number of pages of any kind: the kernel maps a huge one as one. */
#define ALIGNMENT (UINT64_C(2) << 20)

/*
 * What the handler, which runs in the thread that reads, may mend. At a place that is
 * known from the start: a handler may not wait until the C library has made room.
 */
static _Thread_local
	__attribute__((tls_model("initial-exec"))) struct verity_window *window_here;

static void mend(int number, siginfo_t *info, void *context)
{
	struct verity_window *window = window_here;
	int before = errno;

	(void)context;
	/* The kernel's own signals only: those of a process have no address. */
	if (window && info->si_code > 0 &&
	    (uintptr_t)info->si_addr - (uintptr_t)window->start < window->size &&
	    mmap(window->start, window->size, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
		window->torn = 1;
	} else {
		signal(number, SIG_DFL);
		raise(number);
	}
	errno = before;
}

bool verity_window_open(struct verity_window *window, int fd, uint64_t offset,
			size_t count)
{
	/* Each time, as a child process sets its signals back. */
	const struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
	size_t before = (size_t)(offset % ALIGNMENT);
	void *start;

	assert(!window_here);
	if (sigaction(SIGBUS, &action, NULL) < 0)
		return false;
	start = mmap(NULL, before + count, PROT_READ, MAP_PRIVATE, fd,
		     (off_t)(offset - before));
	if (start == MAP_FAILED)
		return false;
	*window = (struct verity_window){(const uint8_t *)start + before, start,
					 before + count, 0};
	window_here = window;
	return true;
}

bool verity_window_close(struct verity_window *window)
{
	window_here = NULL;
	munmap(window->start, window->size);
	return !window->torn;
}
