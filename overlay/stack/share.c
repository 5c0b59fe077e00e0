/* SPDX-License-Identifier: MIT */
/* Opens the path of a hierarchy within a layer. */
#include "overlay/stack/share.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"

int overlay_share_look(const char *folder, const char *hierarchy, enum overlay_share *ret,
		       struct verity_error *err)
{
	cleanup_fd int layer = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = -1;
	char opaque = '\0';

	if (layer < 0)
		return verity_fail_errno(err, errno, "%s", folder);
	fd = overlay_beneath_open(layer, hierarchy, false);
	if (fd == -ENOENT)
		*ret = OVERLAY_SHARE_NONE;
	else if (fd == -ENOTDIR)
		*ret = OVERLAY_SHARE_OTHER;
	else if (fd < 0)
		return verity_fail_errno(err, -fd, "%s%s", folder, hierarchy);
	else if (fgetxattr(fd, "trusted.overlay.opaque", &opaque, 1) == 1 &&
		 opaque == 'y')
		*ret = OVERLAY_SHARE_OPAQUE;
	else
		*ret = OVERLAY_SHARE_FOLDER;
	return 0;
}
