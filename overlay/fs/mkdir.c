/* SPDX-License-Identifier: MIT */
/* Makes a folder with its parents. */
#include "overlay/fs/mkdir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int overlay_folder_make(const char *path, mode_t mode, struct verity_error *err)
{
	char part[PATH_MAX];
	struct stat st;

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return verity_fail_errno(err, ENAMETOOLONG, "%.64s…", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return verity_fail_errno(err, errno, "%s", part);
		*slash = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		return verity_fail_errno(err, errno, "%s", part);
	if (stat(part, &st) < 0)
		return verity_fail_errno(err, errno, "%s", part);
	return S_ISDIR(st.st_mode) ? 0 : verity_fail_errno(err, ENOTDIR, "%s", part);
}
