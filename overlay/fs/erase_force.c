/* SPDX-License-Identifier: MIT */
/* Flags, mounts and subvolumes that protect files from being deleted. */
#include "overlay/fs/erase_force.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

#define SUBVOLUME_INODE 256  /* BTRFS_FIRST_FREE_OBJECTID, the top of each subvolume */
#define MOUNTS_MAX      4096 /* on top of each other */

/* Whether the folder @fd is the top of a btrfs subvolume. */
static bool is_subvolume(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(fd, &fs) == 0 && (uint32_t)fs.f_type == BTRFS_SUPER_MAGIC &&
	       fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && st.st_ino == SUBVOLUME_INODE;
}

void overlay_unprotect(int fd)
{
	/* The kernel reads and writes an int, whatever the number of the call says. */
	unsigned flags = 0;
	uint64_t subvolume;

	if (is_subvolume(fd) && ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &subvolume) == 0 &&
	    (subvolume & BTRFS_SUBVOL_RDONLY)) {
		subvolume &= ~BTRFS_SUBVOL_RDONLY;
		(void)ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &subvolume);
	}
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 ||
	    !(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
		return;
	flags &= ~(unsigned)(FS_IMMUTABLE_FL | FS_APPEND_FL);
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* Opening a device has effects of its own. */
void overlay_unprotect_at(int dir_fd, const char *name)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		overlay_unprotect(fd);
}

/* umount2() takes paths only: this one leads to @name, whatever its length. */
bool overlay_unmount_at(int dir_fd, const char *name)
{
	char path[NAME_MAX + 64];
	int count = 0;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	while (count < MOUNTS_MAX && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		count++;
	return count > 0;
}

bool overlay_delete_subvolume(int dir_fd, const char *name)
{
	cleanup_fd int fd =
		openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct btrfs_ioctl_vol_args args = {.fd = 0};

	if (fd < 0 || !is_subvolume(fd) || strlen(name) >= sizeof(args.name))
		return false;
	memcpy(args.name, name, strlen(name) + 1);
	return ioctl(dir_fd, BTRFS_IOC_SNAP_DESTROY, &args) == 0;
}
