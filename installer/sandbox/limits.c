/* SPDX-License-Identifier: MIT */
/* Descriptors, environment, limits and user of a sandbox. */
#include "installer/sandbox/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES_MAX 64
#define USED_UNKNOWN_BYTES                                                               \
	(256U << 20) /* without /proc: more than programs and libraries take */
#define THREADS_MAX                                                                      \
	256 /* of the user, whoever started them: name servers are asked in one */

/* Values that stay are moved out of the old strings, which are wiped: they hold secrets.
 */
static int clear_environment(const char *const *names)
{
	static char *kept[16]; /* environ points to it */
	size_t count = 0;

	for (; names && *names && count + 1 < sizeof(kept) / sizeof(kept[0]); names++) {
		const char *value = getenv(*names);

		if (value && asprintf(&kept[count++], "%s=%s", *names, value) < 0)
			return -ENOMEM;
	}
	for (char **entry = environ; entry && *entry; entry++)
		explicit_bzero(*entry, strlen(*entry));
	environ = kept;
	return 0;
}

/* Those above the largest one that is kept at once; before Linux 5.9 one by one. */
static void close_others(const int *keep, size_t count)
{
	int fd = STDERR_FILENO + 1, largest = STDERR_FILENO;
	struct rlimit limit;

	for (size_t i = 0; i < count; i++)
		largest = keep[i] > largest ? keep[i] : largest;
	for (; fd <= largest; fd++) {
		bool kept = false;

		for (size_t i = 0; i < count; i++)
			kept = kept || keep[i] == fd;
		if (!kept)
			close(fd);
	}
	if (syscall(__NR_close_range, (unsigned)fd, UINT_MAX, 0) == 0 ||
	    getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	for (; fd < (int)limit.rlim_max; fd++)
		close(fd);
}

int sandbox_forget(const char *const *environment, const int *keep, size_t count)
{
	const struct sigaction standard = {.sa_handler = SIG_DFL};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* A device may lack the node: a file in memory, which cannot grow, does as well.
	 */
	if (null < 0)
		null = memfd_create("null", MFD_CLOEXEC);
	/* Ctrl-C goes to the parent, which decides. */
	if (null < 0 || (setsid() < 0 && errno != EPERM))
		return -errno;
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &standard, NULL);
	/* Writing to a parent that is gone, or over a limit, is an error. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGXFSZ, &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_others(keep, count);
	return clear_environment(environment);
}

size_t sandbox_used_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (file && fscanf(file, "%lu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages ? pages * (size_t)sysconf(_SC_PAGESIZE) : USED_UNKNOWN_BYTES;
}

int sandbox_limit(const struct sandbox_rules *rules, size_t used_bytes, bool switched)
{
	const struct {
		int resource;
		rlim_t most;
		bool wanted;
	} limits[] = {
		{RLIMIT_CORE, 0, true},
		{RLIMIT_FSIZE, 0, true},
		{RLIMIT_NOFILE, FILES_MAX, true},
		{RLIMIT_MEMLOCK, 0, true},
		{RLIMIT_MSGQUEUE, 0, true},
		{RLIMIT_AS, used_bytes + rules->memory_bytes, true},
		/* It counts the processes of a user, not those of this program. */
		{RLIMIT_NPROC, 0, !rules->has_threads},
		{RLIMIT_NPROC, THREADS_MAX, rules->has_threads && switched},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit;

		if (!limits[i].wanted)
			continue;
		if (getrlimit(limits[i].resource, &limit) < 0)
			return -errno;
		if (limit.rlim_max > limits[i].most)
			limit.rlim_max = limits[i].most;
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	return 0;
}

int sandbox_switch_user(const struct sandbox_rules *rules)
{
	uid_t real, effective, saved;

	if (rules->uid == 0 || rules->gid == 0)
		return -EINVAL;
	if (setgroups(0, NULL) < 0 || setresgid(rules->gid, rules->gid, rules->gid) < 0 ||
	    setresuid(rules->uid, rules->uid, rules->uid) < 0)
		return -errno;
	if (getresuid(&real, &effective, &saved) < 0 || real != rules->uid ||
	    effective != rules->uid || saved != rules->uid || setuid(0) == 0)
		return -EPERM;
	return 0;
}
