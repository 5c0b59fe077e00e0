/* SPDX-License-Identifier: MIT */

/* Making device nodes that are missing. */

#include "verity/device/device_node.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int verity_device_node_open(const char *path, int flags, mode_t type, dev_t device)
{
	int fd = open(path, flags | O_CLOEXEC);
	char folder[PATH_MAX];
	char *slash;

	if (fd < 0 && errno == ENOENT) {
		snprintf(folder, sizeof(folder), "%s", path);
		slash = strrchr(folder, '/');
		if (slash && slash != folder) {
			*slash = '\0';
			(void)mkdir(folder, 0755);
		}
		(void)mknod(path, type | 0600, device);
		fd = open(path, flags | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}
