/* SPDX-License-Identifier: MIT */

/*
 * timed COMMAND…: run it, and print as the last line of standard error how long that
 * took, the most memory that it had, and what it used of the processors: NANOSECONDS KIB
 * MICROSECONDS. GNU time counts hundredths of seconds.
 */

#include <err.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long us_of(struct timeval time)
{
	return time.tv_sec * 1000000LL + time.tv_usec;
}

int main(int argc, char **argv)
{
	long long start = now_ns();
	long long end;
	struct rusage usage;
	int status;
	pid_t child;
	int r;

	if (argc < 2)
		errx(2, "usage: timed COMMAND...");
	r = posix_spawnp(&child, argv[1], NULL, NULL, argv + 1, environ);
	if (r != 0)
		errx(127, "%s: %s", argv[1], strerror(r));
	while (wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			err(1, "wait4");
	end = now_ns();
	fprintf(stderr, "%lld %ld %lld\n", end - start, usage.ru_maxrss,
		us_of(usage.ru_utime) + us_of(usage.ru_stime));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
