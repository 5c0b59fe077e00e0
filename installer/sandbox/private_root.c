/* SPDX-License-Identifier: MIT */
/* Making a root folder in memory, and leaving the one of the system. */
#include "installer/sandbox/private_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* Any folder that every system has: it is covered only for this process. */
#define PLACE      "/proc"
#define OPTIONS    "size=16m,nr_inodes=64,mode=755"
#define COPY_MAX   (1U << 20) /* bytes of a file of the system */
#define FILE_MODE  0444
#define OWNER_MODE 0644

static int put(int root, const struct sandbox_file *file)
{
	cleanup_fd int fd =
		openat(root, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		       file->writable ? OWNER_MODE : FILE_MODE);

	if (fd < 0)
		return -errno;
	if (!file->bytes)
		return ftruncate(fd, (off_t)file->size) < 0 ? -errno : 0;
	return verity_io_write(fd, file->bytes, file->size, 0, NULL);
}

/* A file with its folders; what is too large, or no file, is left out like a missing one.
 */
static int copy(int root, const char *path)
{
	cleanup_fd int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct sandbox_file file = {.name = path + 1};
	cleanup_free char *bytes = NULL;
	char folder[PATH_MAX];
	struct stat st;
	ssize_t count;

	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size > (off_t)COPY_MAX)
		return 0;
	bytes = malloc(COPY_MAX);
	count = bytes ? read(from, bytes, COPY_MAX) : -1;
	if (count < 0)
		return bytes ? 0 : -ENOMEM;
	for (const char *slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path - 1),
			 path + 1);
		if (mkdirat(root, folder, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	file.bytes = bytes;
	file.size = (size_t)count;
	return put(root, &file);
}

/*
 * The root of the system is unmounted for this process: otherwise it would keep a stick
 * busy that the system unmounts. What runs from an initramfs cannot be left so (EINVAL).
 */
static int leave_system(int root)
{
	if (fchdir(root) < 0)
		return -errno;
	if (syscall(SYS_pivot_root, ".", ".") < 0) {
		if (errno != EINVAL || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
		    chroot(".") < 0)
			return -errno;
	} else if (umount2(".", MNT_DETACH) < 0) {
		return -errno;
	}
	return chdir("/") < 0 ? -errno : 0;
}

/* In a mount namespace of its own, whose mounts reach no other. */
int sandbox_root_enter(const struct sandbox_rules *rules, const char *const *copied)
{
	cleanup_fd int root = -1;
	mode_t mask;
	int r;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("wmopkg", PLACE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, OPTIONS) <
		    0)
		return -errno;
	root = open(PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mask = umask(0);
	r = root < 0 ? -errno : 0;
	for (; r == 0 && *copied; copied++)
		r = copy(root, *copied);
	for (size_t i = 0; r == 0 && i < rules->file_count; i++)
		r = put(root, &rules->files[i]);
	umask(mask);
	if (r == 0)
		r = leave_system(root);
	if (r < 0)
		umount2(PLACE, MNT_DETACH);
	return r;
}
