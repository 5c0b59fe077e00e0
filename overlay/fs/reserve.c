/* SPDX-License-Identifier: MIT */
#include "overlay/fs/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "overlay/fs/mountinfo.h"
#include "verity/util/cleanup.h"

#define PLACE_BYTES 256

/* "/mnt/data/packages (ext4 on /dev/vda3)", as far as it can be told. */
static void name_place(int folder, char ret[static PLACE_BYTES])
{
	cleanup_with(overlay_mountinfo_free_p) struct overlay_mountinfo *info = NULL;
	char link[32], path[PLACE_BYTES / 2];
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
	size = readlink(link, path, sizeof(path) - 1);
	snprintf(ret, PLACE_BYTES, "the file system");
	if (size <= 0)
		return;
	path[size] = '\0';
	if (overlay_mountinfo_get(link, &info, NULL) < 0)
		snprintf(ret, PLACE_BYTES, "%s", path);
	else if (info->source[0] == '/')
		snprintf(ret, PLACE_BYTES, "%s (%s on %s)", path, info->type,
			 info->source);
	else
		snprintf(ret, PLACE_BYTES, "%s (%s)", path, info->type);
}

static int fail(const struct overlay_room *wanted, uint64_t room,
		struct verity_error *err)
{
	char place[PLACE_BYTES], missing[128], replaced[128] = "";

	name_place(wanted->folder, place);
	/* By its own count there may be enough: a file system needs some for itself. */
	snprintf(missing, sizeof(missing), "some more has to be freed");
	if (room < wanted->bytes)
		snprintf(missing, sizeof(missing), "%" PRIu64 " more have to be freed",
			 wanted->bytes - room);
	if (wanted->replaced > 0)
		snprintf(replaced, sizeof(replaced),
			 "; the one it replaces has %" PRIu64
			 ", and stays until the new one is whole",
			 wanted->replaced);
	return verity_fail(err, VERITY_E_NO_ROOM,
			   "it needs %" PRIu64 " bytes and there is room for %" PRIu64
			   " on %s: %s%s",
			   wanted->bytes, room, place, missing, replaced);
}

/* Asked first, so that the number told is what was free before anything was taken. */
int overlay_room_reserve(int fd, const struct overlay_room *wanted,
			 struct verity_error *err)
{
	uint64_t bytes = wanted->bytes;
	uint64_t room = 0;
	struct statvfs fs;
	bool known = fstatvfs(fd, &fs) == 0;

	if (known)
		room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (bytes == 0)
		return 0;
	if (bytes > INT64_MAX || (known && bytes > room))
		return fail(wanted, room, err);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return fail(wanted, room, err);
	return verity_fail_errno(err, errno, "setting room aside");
}
