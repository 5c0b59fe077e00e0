/* SPDX-License-Identifier: MIT */
/* The only place that calls openat2(). */
#include "overlay/fs/open_beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "verity/util/cleanup.h"

#define TRIES 16 /* where something was renamed meanwhile */

int overlay_open_at(int dirfd, const char *path, int flags, uint64_t resolve)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = resolve,
	};
	long fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = syscall(__NR_openat2, dirfd, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

int overlay_beneath_open(int dirfd, const char *path, bool mounts)
{
	int fd = overlay_open_at(dirfd, path + strspn(path, "/"),
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
				 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					 (mounts ? 0 : (uint64_t)RESOLVE_NO_XDEV));

	return fd == -ELOOP ? -ENOTDIR : fd;
}

/* One name at a time: each is looked up in the open folder above it. */
int overlay_beneath_make(int dirfd, const char *path)
{
	cleanup_fd int at = overlay_beneath_open(dirfd, "", false);
	char name[NAME_MAX + 1];

	for (path += strspn(path, "/"); at >= 0 && *path; path += strspn(path, "/")) {
		size_t size = strcspn(path, "/");
		int next;

		if (size > NAME_MAX)
			return -ENAMETOOLONG;
		snprintf(name, sizeof(name), "%.*s", (int)size, path);
		if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
			return -errno;
		next = overlay_beneath_open(at, name, false);
		close(at);
		at = next;
		path += size;
	}
	return steal_fd(&at);
}
