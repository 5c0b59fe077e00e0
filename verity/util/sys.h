/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * System calls that not every C library has: musl has none of them, or only since a
 * recent version, and glibc has those for mounts since 2.36. They are made directly with
 * every C library, so that a test with one is true for all. Each takes and returns what
 * its manual page in section 2 says. The numbers are those of the kernel's headers: the
 * names with SYS_ are of the age of the C library.
 */

#include <errno.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * FSOPEN_CLOEXEC, MOUNT_ATTR_RDONLY, RENAME_NOREPLACE. After sys/mount.h, and in no other
 * place before it: glibc before 2.36 cannot read them in the other order.
 */
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <linux/mount.h>

/* Only where the C library has no struct statx: both together are an error. */
#ifndef STATX_TYPE
#include <linux/stat.h>
#endif

static inline int sys_fsopen(const char *type, unsigned flags)
{
	return (int)syscall(__NR_fsopen, type, flags);
}

static inline int sys_fsconfig(int fd, unsigned command, const char *key,
			       const void *value, int number)
{
	return (int)syscall(__NR_fsconfig, fd, command, key, value, number);
}

static inline int sys_fsmount(int fd, unsigned flags, unsigned attributes)
{
	return (int)syscall(__NR_fsmount, fd, flags, attributes);
}

static inline int sys_open_tree(int dirfd, const char *path, unsigned flags)
{
	return (int)syscall(__NR_open_tree, dirfd, path, flags);
}

static inline int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to,
				 unsigned flags)
{
	return (int)syscall(__NR_move_mount, from_fd, from, to_fd, to, flags);
}

static inline int sys_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(__NR_pidfd_open, pid, flags);
}

static inline int sys_renameat2(int from_fd, const char *from, int to_fd, const char *to,
				unsigned flags)
{
	return (int)syscall(__NR_renameat2, from_fd, from, to_fd, to, flags);
}

static inline int sys_statx(int dirfd, const char *path, int flags, unsigned mask,
			    struct statx *ret)
{
	return (int)syscall(__NR_statx, dirfd, path, flags, mask, ret);
}

static inline int sys_add_key(const char *type, const char *description,
			      const void *payload, size_t bytes, int keyring)
{
	return (int)syscall(__NR_add_key, type, description, payload, bytes, keyring);
}

static inline int sys_keyctl_unlink(int key, int keyring)
{
	return (int)syscall(__NR_keyctl, KEYCTL_UNLINK, key, keyring);
}
