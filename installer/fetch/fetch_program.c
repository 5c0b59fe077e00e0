/* SPDX-License-Identifier: MIT */
/* Finding the program that talks to servers. */
#include "installer/fetch/fetch_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/fs/protect.h"
#include "verity/util/cleanup.h"

#define OWN_PATH "/proc/self/exe"

/* Whether this program is beside @path, under one of its protected names. */
static bool is_beside(const char *path, const struct stat *own)
{
	static const char *const names[] = {"wmopkg", "wmopkg-web"};
	int folder = (int)(strrchr(path, '/') - path);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char beside[PATH_MAX];
		struct stat st;

		snprintf(beside, sizeof(beside), "%.*s/%s", folder, path, names[i]);
		if (stat(beside, &st) == 0 && st.st_dev == own->st_dev &&
		    st.st_ino == own->st_ino)
			return true;
	}
	return false;
}

/*
 * No package can bring a file under a protected path. So if this program has one, also by
 * links, the other one has it in the same folder. Only a build tree and copies are left.
 */
static bool find(const struct stat *own, char ret[static PATH_MAX])
{
	const char *path;
	ssize_t size;
	char *slash;

	for (size_t i = 0; (path = overlay_protected_at(NULL, i)); i++) {
		const char *name = strrchr(path, '/');

		if (!name || strcmp(name + 1, FETCH_PROGRAM) != 0)
			continue;
		snprintf(ret, PATH_MAX, "/%s", path);
		/* Without /proc, the first that is there. */
		if (own ? is_beside(ret, own) : access(ret, X_OK) == 0)
			return true;
	}
	/* A link to a file with more rights than the caller has may lie anywhere. */
	if (!own || getauxval(AT_SECURE))
		return false;
	size = readlink(OWN_PATH, ret, PATH_MAX - 1);
	if (size <= 0)
		return false;
	ret[size] = '\0';
	slash = strrchr(ret, '/');
	if (!slash || slash - ret + sizeof("/" FETCH_PROGRAM) > PATH_MAX)
		return false;
	strcpy(slash + 1, FETCH_PROGRAM);
	return true;
}

int fetch_program_open(const char *path, int *ret, struct verity_error *err)
{
	char found[PATH_MAX];
	struct stat own = {.st_uid = 0}, st;
	bool has_own = stat(OWN_PATH, &own) == 0;
	cleanup_fd int fd = -1;

	if (path)
		snprintf(found, sizeof(found), "%s", path);
	if (path || find(has_own ? &own : NULL, found))
		fd = open(found, O_PATH | O_CLOEXEC);
	else
		errno = ENOENT;
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "nothing can be fetched from a server without "
				   "%s (install it beside wmopkg)",
				   FETCH_PROGRAM);
	if (fd < 0 || fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s", found);
	if (!S_ISREG(st.st_mode) || (st.st_mode & S_IWOTH) ||
	    (st.st_uid != 0 && st.st_uid != own.st_uid && st.st_uid != geteuid()))
		return verity_fail(
			err, VERITY_E_PERMISSION,
			"%s: not a program that others cannot change (let root "
			"own it, and only its owner write to it)",
			found);
	*ret = steal_fd(&fd);
	return 0;
}
