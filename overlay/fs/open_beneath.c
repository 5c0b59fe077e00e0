/* SPDX-License-Identifier: MIT */
#include "overlay/fs/open_beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "verity/util/cleanup.h"

int overlay_beneath_open(int fd, const char *path, bool mounts)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   (mounts ? 0 : (uint64_t)RESOLVE_NO_XDEV),
	};
	long opened;

	path += strspn(path, "/");
	opened = syscall(SYS_openat2, fd, *path ? path : ".", &how, sizeof(how));
	if (opened >= 0)
		return (int)opened;
	return errno == ELOOP ? -ENOTDIR : -errno;
}

/* One name at a time: each is looked up in the open folder above it. */
int overlay_beneath_make(int fd, const char *path)
{
	cleanup_fd int at = overlay_beneath_open(fd, "", false);
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
