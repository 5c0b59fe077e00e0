/* SPDX-License-Identifier: MIT */
/* Opens, locks, reads and replaces the small files of PERSIST/wmopkg. */
#include "overlay/record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/erase.h"
#include "overlay/fs/erase_force.h"
#include "overlay/fs/lock.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/io.h"
#include "verity/util/sys.h"

#define CLEANED_MAX 256 /* names that are looked at */
#define NAME_BYTES  64
#define LOCK_FILE   ".lock"

/* Of what is in the way of a record, so much is deleted, and the rest is moved away. */
#define CLEARED_MAX 1024
#define MOVED_MAX   10000

int overlay_record_open(int persist_fd, bool make, int *ret, struct verity_error *err)
{
	int fd;

	if (make && mkdirat(persist_fd, OVERLAY_RECORD_FOLDER, 0700) == 0)
		(void)fsync(persist_fd);
	else if (make && errno != EEXIST)
		return verity_fail_errno(err, errno, "PERSIST/" OVERLAY_RECORD_FOLDER);
	fd = openat(persist_fd, OVERLAY_RECORD_FOLDER,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return verity_fail_errno(err, errno, "PERSIST/" OVERLAY_RECORD_FOLDER);
	if (make) {
		overlay_unprotect(fd);
		overlay_folder_protect(fd, persist_fd);
	}
	*ret = fd;
	return 0;
}

int overlay_record_lock(int record_fd, const char *what, bool shared, int *ret,
			struct verity_error *err)
{
	char busy[NAME_BYTES + 32];

	snprintf(busy, sizeof(busy), "%.*s: another program is using it", NAME_BYTES,
		 what);
	return overlay_lock_take(record_fd, LOCK_FILE, busy, shared, OVERLAY_LOCK_WAIT_MS,
				 ret, err);
}

void overlay_record_unprotect(int record_fd, const char *name)
{
	overlay_unprotect(record_fd);
	overlay_unprotect_at(record_fd, name);
}

/* A folder with very many files must not take the time of a boot. */
static void clear(int record_fd, const char *name)
{
	char other[NAME_BYTES];

	if (overlay_erase_some(record_fd, name, CLEARED_MAX) != -E2BIG)
		return;
	for (unsigned i = 1; i < MOVED_MAX; i++)
		if (snprintf(other, sizeof(other), "%s.%u", name, i) < NAME_BYTES &&
		    (sys_renameat2(record_fd, name, record_fd, other, RENAME_NOREPLACE) ==
			     0 ||
		     errno != EEXIST))
			return;
}

int overlay_record_set_aside(int record_fd, const char *name, struct verity_error *err)
{
	char aside[NAME_BYTES];

	if (snprintf(aside, sizeof(aside), "%s.broken", name) >= (int)sizeof(aside))
		return verity_fail_errno(err, ENAMETOOLONG, "%s", name);
	clear(record_fd, aside);
	if (renameat(record_fd, name, record_fd, aside) == 0)
		return 0;
	overlay_record_unprotect(record_fd, name);
	clear(record_fd, aside);
	if (renameat(record_fd, name, record_fd, aside) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	return 0;
}

int overlay_record_clear_folder(int record_fd, const char *name, struct verity_error *err)
{
	struct stat st;

	if (fstatat(record_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return 0;
	return overlay_record_set_aside(record_fd, name, err);
}

static int load(int record_fd, const char *name, size_t max, char **ret, size_t *ret_size,
		struct verity_error *err)
{
	cleanup_fd int fd = -1;
	int r = verity_io_open(record_fd, name, O_RDONLY | O_NOFOLLOW, &fd, NULL, err);

	return r < 0 ? r : verity_io_load_fd(fd, name, max, ret, ret_size, err);
}

int overlay_record_load(int record_fd, const char *name, size_t max, char **ret,
			size_t *ret_size, struct verity_error *err)
{
	int r = load(record_fd, name, max, ret, ret_size, err);

	return r == -EIO ? load(record_fd, name, max, ret, ret_size, err) : r;
}

bool overlay_record_is_damage(int r)
{
	return r == -EBADMSG || r == -EINVAL || r == -EFBIG || r == -EIO || r == -EUCLEAN;
}

/* A flag on the old file, or what has the name of the new one. */
int overlay_record_replace(int record_fd, const char *name, const void *bytes,
			   size_t size, struct verity_error *err)
{
	int r = verity_io_replace(record_fd, name, 0600, bytes, size, err);
	char new_name[NAME_BYTES];

	if (r != -EPERM && r != -EISDIR)
		return r;
	overlay_record_unprotect(record_fd, name);
	if (snprintf(new_name, sizeof(new_name), ".%s.new", name) < NAME_BYTES)
		clear(record_fd, new_name);
	return verity_io_replace(record_fd, name, 0600, bytes, size, err);
}

int overlay_record_put(int record_fd, const char *name, const void *bytes, size_t size,
		       struct verity_error *err)
{
	int r = overlay_record_clear_folder(record_fd, name, err);

	return r < 0 ? r : overlay_record_replace(record_fd, name, bytes, size, err);
}

/* The names of verity_io_replace(). */
void overlay_record_clean(int record_fd)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int r = verity_dir_open(record_fd, ".", &dir);

	for (unsigned seen = 0;
	     r == 0 && seen < CLEANED_MAX && verity_dir_next(dir, &entry) > 0; seen++) {
		const char *end = strrchr(entry->d_name, '.');

		if (entry->d_name[0] == '.' && end != entry->d_name &&
		    strcmp(end, ".new") == 0)
			unlinkat(record_fd, entry->d_name, 0);
	}
}

/* The space is allocated before the first byte is changed. */
int overlay_record_overwrite(int record_fd, const char *name, const void *bytes,
			     size_t size, struct verity_error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	int r = verity_io_open(record_fd, name, O_WRONLY | O_NOFOLLOW, &fd, &st, err);

	if (r < 0)
		return r;
	/* By another one it may be a package. */
	if (st.st_nlink > 1)
		return verity_fail_errno(err, EMLINK, "%s", name);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	r = verity_io_write(fd, bytes, size, 0, err);
	if (r < 0)
		return verity_context(err, r, "%s", name);
	if (ftruncate(fd, (off_t)size) < 0 || fsync(fd) < 0)
		return verity_fail_errno(err, errno, "%s", name);
	return 0;
}

int overlay_record_keep(int record_fd, const char *name, const void *bytes, size_t size,
			struct verity_error *err)
{
	int r = overlay_record_replace(record_fd, name, bytes, size, err);

	if ((r == -ENOSPC || r == -EDQUOT) &&
	    overlay_record_overwrite(record_fd, name, bytes, size, NULL) == 0)
		return 0;
	return r;
}

int overlay_record_remove(int record_fd, const char *name, struct verity_error *err)
{
	int r = unlinkat(record_fd, name, 0);

	if (r < 0 && errno == EPERM) {
		overlay_record_unprotect(record_fd, name);
		r = unlinkat(record_fd, name, 0);
	}
	if (r < 0)
		return errno == ENOENT ? 0 : verity_fail_errno(err, errno, "%s", name);
	if (fsync(record_fd) < 0)
		return verity_fail_errno(err, errno, "PERSIST/" OVERLAY_RECORD_FOLDER);
	return 0;
}
