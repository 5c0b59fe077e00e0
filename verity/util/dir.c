/* SPDX-License-Identifier: MIT */

/* Opening a directory to read its entries. */

#include "verity/util/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "verity/util/cleanup.h"

int verity_dir_open(int dirfd, const char *name, DIR **ret)
{
	cleanup_fd int fd =
		openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		return -errno;
	(void)steal_fd(&fd);
	*ret = dir;
	return 0;
}

int verity_dir_next(DIR *dir, const struct dirent **ret)
{
	do {
		errno = 0;
		*ret = readdir(dir);
		if (!*ret)
			return -errno;
	} while (strcmp((*ret)->d_name, ".") == 0 || strcmp((*ret)->d_name, "..") == 0);
	return 1;
}
