/* SPDX-License-Identifier: MIT */
/* fallocate(), with a message that says how much is missing where. */
#include "overlay/fs/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "overlay/fs/mountinfo.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define DESCRIPTION_BYTES 256

/* "/mnt/data/packages (ext4 on /dev/vda3)", as far as it is known. */
static void describe(int folder, char ret[static DESCRIPTION_BYTES])
{
	cleanup_with(overlay_mountinfo_free_p) struct overlay_mountinfo *info = NULL;
	char link[32], path[DESCRIPTION_BYTES / 2];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
	size = readlink(link, path, sizeof(path) - 1);
	snprintf(ret, DESCRIPTION_BYTES, "the file system");
	if (size <= 0)
		return;
	path[size] = '\0';
	if (overlay_mountinfo_get(link, &info, NULL) < 0)
		snprintf(ret, DESCRIPTION_BYTES, "%s", path);
	else if (info->source[0] == '/')
		snprintf(ret, DESCRIPTION_BYTES, "%s (%s on %s)", path, info->type,
			 info->source);
	else
		snprintf(ret, DESCRIPTION_BYTES, "%s (%s)", path, info->type);
}

static int fail(int folder, uint64_t bytes, uint64_t available, uint64_t replaced,
		struct verity_error *err)
{
	char where[DESCRIPTION_BYTES], missing[128], old[128] = "";
	char needed[VERITY_TEXT_SIZE_BYTES], room[VERITY_TEXT_SIZE_BYTES];
	char size[VERITY_TEXT_SIZE_BYTES];

	describe(folder, where);
	verity_text_format_size(bytes, needed);
	verity_text_format_size(available, room);
	/* By its own count there may be enough: a file system needs some for itself. */
	snprintf(missing, sizeof(missing), "some more has to be freed");
	if (available < bytes) {
		verity_text_format_size(bytes - available, size);
		snprintf(missing, sizeof(missing), "%s more have to be freed", size);
	}
	if (replaced > 0) {
		verity_text_format_size(replaced, size);
		snprintf(old, sizeof(old),
			 "; the old package has %s, and is kept until the new one is "
			 "complete",
			 size);
	}
	return verity_fail(err, VERITY_E_NO_ROOM,
			   "it needs %s and there is room for %s on %s: %s%s", needed,
			   room, where, missing, old);
}

int overlay_reserve(int fd, int folder, uint64_t bytes, uint64_t replaced,
		    struct verity_error *err)
{
	struct statvfs fs;
	/* before anything is taken, so that the message has what was free until now */
	bool known = fstatvfs(fd, &fs) == 0;
	uint64_t available = known ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;

	if (bytes == 0)
		return 0;
	if (bytes > INT64_MAX || (known && bytes > available))
		return fail(folder, bytes, available, replaced, err);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return fail(folder, bytes, available, replaced, err);
	return verity_fail_errno(err, errno, "reserving space");
}
