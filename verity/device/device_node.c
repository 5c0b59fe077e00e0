/* SPDX-License-Identifier: MIT */
#include "verity/device/device_node.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void verity_device_node(const char *path, mode_t type, dev_t device)
{
	char folder[PATH_MAX];
	char *slash;

	if (access(path, F_OK) == 0)
		return;
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		(void)mkdir(folder, 0755);
	}
	(void)mknod(path, type | 0600, device);
}
