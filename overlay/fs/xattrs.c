/* SPDX-License-Identifier: MIT */
/* Copies extended attributes through /proc/self/fd. */
#include "overlay/fs/xattrs.h"

#include <errno.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "verity/util/cleanup.h"
#include "verity/util/text.h"

bool overlay_xattrs_nosuid(int fd)
{
	struct statvfs fs;

	return fstatvfs(fd, &fs) < 0 || (fs.f_flag & ST_NOSUID);
}

static int copy_one(const char *from, const char *to, const char *name, char *value,
		    size_t *ret_left)
{
	ssize_t size = lgetxattr(from, name, value, XATTR_SIZE_MAX);

	if (size < 0) /* a security module may list what it does not have */
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
	if (lsetxattr(to, name, value, (size_t)size, 0) == 0)
		return 0;
	/* ENOSPC also where it does not fit into its block; a full disk fails elsewhere
	 */
	if (errno != EOPNOTSUPP && errno != EPERM && errno != ENOSPC && errno != E2BIG &&
	    errno != ERANGE)
		return -errno;
	if (ret_left)
		++*ret_left;
	return 0;
}

int overlay_xattrs_copy(int from_fd, int to_fd, const char *path, size_t *ret_left)
{
	cleanup_free char *buffer = NULL;
	char from[PATH_MAX], to[PATH_MAX];
	ssize_t size;
	int r = 0;

	/* links have no descriptor through which their attributes could be reached */
	if (snprintf(from, sizeof(from), "/proc/self/fd/%d/%s", from_fd, path) >=
		    PATH_MAX ||
	    snprintf(to, sizeof(to), "/proc/self/fd/%d/%s", to_fd, path) >= PATH_MAX)
		return -ENAMETOOLONG;
	size = llistxattr(from, NULL, 0);
	if (size <= 0)
		return size == 0 || errno == EOPNOTSUPP ? 0 : -errno;
	buffer = malloc(XATTR_LIST_MAX + XATTR_SIZE_MAX);
	if (!buffer)
		return -ENOMEM;
	size = llistxattr(from, buffer, XATTR_LIST_MAX);
	if (size < 0)
		return -errno;
	for (const char *name = buffer; r == 0 && name < buffer + size;
	     name += strlen(name) + 1)
		if (!verity_text_begins(name, "trusted.overlay.") &&
		    !verity_text_begins(name, "user.overlay.") &&
		    (strcmp(name, "security.capability") != 0 ||
		     !overlay_xattrs_nosuid(from_fd)))
			r = copy_one(from, to, name, buffer + XATTR_LIST_MAX, ret_left);
	return r;
}
