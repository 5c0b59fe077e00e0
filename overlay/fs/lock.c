/* SPDX-License-Identifier: MIT */
/* Takes locks, and finds out who holds them. */
#include "overlay/fs/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "overlay/fs/erase_force.h"
#include "overlay/fs/mkdir.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#define STEP_MS      50
#define OTHERS       (S_IRWXG | S_IRWXO)
#define REPLACES_MAX 4
#define LINE_BYTES   256
#define HOLDER_BYTES 64

void overlay_folder_protect(int fd, int parent)
{
	struct stat st, above;

	if (fstat(fd, &st) < 0 || fstat(parent, &above) < 0)
		return;
	/* A tree of a user stays one, also where root has worked in it. */
	if (geteuid() == 0 && st.st_uid != above.st_uid && above.st_uid == 0)
		(void)!fchown(fd, 0, 0);
	if (st.st_mode & OTHERS)
		(void)!fchmod(fd, 0700);
}

int overlay_lock_folder_open(const char *run, int *ret, struct verity_error *err)
{
	cleanup_fd int parent = -1;
	cleanup_fd int fd = -1;
	struct stat above;
	int r = overlay_folder_make(run, 0755, err);

	if (r < 0)
		return r;
	parent = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || fstat(parent, &above) < 0)
		return verity_fail_errno(err, errno, "%s", run);
	/* Others may read in it, and put nothing there. */
	if (above.st_mode & (S_IWGRP | S_IWOTH))
		(void)!fchmod(parent, above.st_mode & ~(mode_t)(S_IWGRP | S_IWOTH));
	if (mkdirat(parent, OVERLAY_LOCK_FOLDER, 0700) == 0)
		(void)!fchownat(parent, OVERLAY_LOCK_FOLDER, above.st_uid, above.st_gid,
				AT_SYMLINK_NOFOLLOW);
	fd = openat(parent, OVERLAY_LOCK_FOLDER,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s/" OVERLAY_LOCK_FOLDER, run);
	overlay_folder_protect(fd, parent);
	*ret = steal_fd(&fd);
	return 0;
}

/* One that only we, or whoever owns the folder, can have opened. */
static bool is_private(const struct stat *st, const struct stat *folder)
{
	return S_ISREG(st->st_mode) && !(st->st_mode & OTHERS) &&
	       (st->st_uid == folder->st_uid || st->st_uid == geteuid());
}

/* A folder that is not empty can only be renamed. */
static void put_away(int dirfd, const char *name)
{
	char away[NAME_MAX + 1];
	unsigned number = 0;

	overlay_unprotect_at(dirfd, name);
	if (unlinkat(dirfd, name, 0) == 0 || unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
		return;
	(void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
	snprintf(away, sizeof(away), "%s.%08x", name, number);
	(void)!renameat(dirfd, name, dirfd, away);
}

/* What is not known to be a file is not opened: opening a device may start it. */
static int open_file(int dirfd, const char *name)
{
	struct stat st, folder;

	if (fstat(dirfd, &folder) < 0)
		return -errno;
	for (int i = 0; i < REPLACES_MAX; i++) {
		cleanup_fd int fd = -1;

		if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !is_private(&st, &folder))
			put_away(dirfd, name);
		fd = openat(dirfd, name,
			    O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				    O_CLOEXEC,
			    0600);
		if (fd < 0)
			return -errno;
		if (fstat(fd, &st) < 0)
			return -errno;
		if (!is_private(&st, &folder))
			continue;
		if (st.st_uid != folder.st_uid)
			(void)!fchown(fd, folder.st_uid, folder.st_gid);
		return steal_fd(&fd);
	}
	return -EEXIST;
}

/* " 08:01:131077 " as in /proc/locks, whose lines name process and file. */
static void find_holder(int fd, char ret[static HOLDER_BYTES])
{
	cleanup_file FILE *locks = fopen("/proc/locks", "re");
	char line[LINE_BYTES], wanted[64], path[64];
	cleanup_free char *name = NULL;
	struct stat st;
	size_t size;
	int pid;

	ret[0] = '\0';
	if (!locks || fstat(fd, &st) < 0)
		return;
	snprintf(wanted, sizeof(wanted), " %02x:%02x:%" PRIuMAX " ", major(st.st_dev),
		 minor(st.st_dev), (uintmax_t)st.st_ino);
	while (fgets(line, sizeof(line), locks)) {
		if (!strstr(line, wanted) || strstr(line, "->") ||
		    sscanf(line, "%*s FLOCK %*s %*s %d", &pid) != 1 || pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		if (verity_io_load(AT_FDCWD, path, 64, &name, &size, NULL) == 0)
			name[strcspn(name, "\n")] = '\0';
		snprintf(ret, HOLDER_BYTES, ": %s%sprocess %d",
			 name ? verity_text_plain(name) : "", name ? ", " : "", pid);
		return;
	}
}

int overlay_lock_take(int dirfd, const char *name, const char *busy, bool shared,
		      unsigned wait_ms, int *ret, struct verity_error *err)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
	char holder[HOLDER_BYTES];
	struct stat ours, there;
	unsigned waited = 0;

	for (;;) {
		cleanup_fd int fd = open_file(dirfd, name);
		bool is_file = fd >= 0;
		int why = -fd;

		if (why == EROFS || why == ENOSPC || why == EDQUOT) {
			fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			why = errno;
		}
		if (fd < 0)
			return verity_fail_errno(err, why, "lock '%s'", name);
		while (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK && errno != EINTR)
				return verity_fail_errno(err, errno, "lock '%s'", name);
			if (waited >= wait_ms) {
				find_holder(fd, holder);
				return verity_fail(err, VERITY_E_BUSY, "%s%s", busy,
						   holder);
			}
			nanosleep(&step, NULL);
			waited += STEP_MS;
		}
		/* The file that is locked has to be the one of that name still. */
		if (is_file &&
		    (fstat(fd, &ours) < 0 ||
		     fstatat(dirfd, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
		     ours.st_ino != there.st_ino || ours.st_dev != there.st_dev))
			continue;
		*ret = steal_fd(&fd);
		return 0;
	}
}
