/* SPDX-License-Identifier: MIT */
/* Looks at the firmware below all packages, by openat2(). */
#include "overlay/contents/firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"

int overlay_firmware_open(const char *folder, int *ret, struct verity_error *err)
{
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return verity_fail_errno(err, errno, "the firmware's tree: %s", folder);
	*ret = fd;
	return 0;
}

/* None of the links on the way is followed. */
static int open_beneath(int root_fd, const char *path, uint64_t resolve)
{
	return overlay_open_at(root_fd, path, O_PATH | O_NOFOLLOW,
			       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | resolve);
}

static int open_at(int root_fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *above = NULL;
	cleanup_fd int folder = -1;
	int fd = open_beneath(root_fd, path, RESOLVE_NO_XDEV);

	if (fd == -EXDEV) {
		/* What is mounted on hides what is there, but not that it is there. */
		above = strndup(path, slash ? (size_t)(slash - path) : 0);
		if (above)
			folder = open_beneath(root_fd, above, RESOLVE_NO_XDEV);
		fd = folder >= 0 ? open_beneath(root_fd, path, 0) : -ENOENT;
	}
	return fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
}

int overlay_firmware_look(int root_fd, const char *path,
			  struct overlay_contents_look *ret, struct verity_error *err)
{
	cleanup_fd int fd = open_at(root_fd, path);
	struct stat st;

	if (fd == -ENOENT)
		return -ENOENT;
	if (fd < 0)
		return verity_fail_errno(err, -fd, "the firmware's /%s", path);
	if (fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "the firmware's /%s", path);
	*ret = (struct overlay_contents_look){
		.kind = S_ISDIR(st.st_mode)   ? OVERLAY_CONTENTS_FOLDER
			: S_ISREG(st.st_mode) ? OVERLAY_CONTENTS_FILE
			: S_ISLNK(st.st_mode) ? OVERLAY_CONTENTS_LINK
			: S_ISCHR(st.st_mode) && st.st_rdev == 0
				? OVERLAY_CONTENTS_WHITEOUT
				: OVERLAY_CONTENTS_SPECIAL,
		.mode = st.st_mode & 07777,
		.uid = st.st_uid,
		.gid = st.st_gid,
	};
	return 0;
}

int overlay_firmware_target(int root_fd, const char *path, char ret[static PATH_MAX],
			    struct verity_error *err)
{
	cleanup_fd int fd = open_at(root_fd, path);
	ssize_t size = fd < 0 ? -1 : readlinkat(fd, "", ret, PATH_MAX - 1);

	if (size < 0)
		return verity_fail_errno(err, fd < 0 ? -fd : errno, "the firmware's /%s",
					 path);
	ret[size] = '\0';
	return 0;
}

int overlay_firmware_at(const struct overlay_firmware *firmware, const char *path,
			const char **ret_rest)
{
	for (size_t i = 0; i < firmware->count; i++) {
		const struct overlay_firmware_part *part = &firmware->parts[i];
		size_t size = strlen(part->path);

		if (strncmp(path, part->path, size) != 0 ||
		    (path[size] && path[size] != '/'))
			continue;
		*ret_rest = path + size + (path[size] == '/');
		return part->fd;
	}
	*ret_rest = path;
	return firmware->root;
}
