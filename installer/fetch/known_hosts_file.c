/* SPDX-License-Identifier: MIT */
/* Loading known_hosts, and appending to it. */
#include "installer/fetch/known_hosts_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "overlay/fs/lock.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"

static int no_memory(struct verity_error *err)
{
	return verity_no_memory(err);
}

int known_hosts_path(int record_fd, char **ret, struct verity_error *err)
{
	char link[64], folder[PATH_MAX];
	char *path = NULL;
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", record_fd);
	size = readlink(link, folder, sizeof(folder) - 1);
	if (size < 0)
		return verity_fail_errno(err, errno, "%s", link);
	if (asprintf(&path, "%.*s/" KNOWN_HOSTS_FILE, (int)size, folder) < 0)
		return no_memory(err);
	*ret = path;
	return 0;
}

/* The folder, in which the file is replaced; @ret_name: borrowed from @path. */
static int open_folder(const char *path, int *ret, const char **ret_name,
		       struct verity_error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *folder =
		slash ? strndup(path, (size_t)(slash - path) + (slash == path))
		      : strdup(".");
	int fd;

	if (!folder)
		return no_memory(err);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", folder);
	*ret = fd;
	*ret_name = slash ? slash + 1 : path;
	return 0;
}

static int load_at(int folder_fd, const char *path, const char *name, char **ret,
		   size_t *ret_size, struct verity_error *err)
{
	struct verity_error why;
	int r = overlay_record_load(folder_fd, name, KNOWN_HOSTS_BYTES_MAX, ret, ret_size,
				    &why);

	if (r == -ENOENT) {
		*ret = strdup("");
		*ret_size = 0;
		return *ret ? 0 : no_memory(err);
	}
	if (r == 0)
		return 0;
	if (err)
		*err = why;
	return verity_context(err, r, "the known hosts of ssh, %s", path);
}

int known_hosts_load(const char *path, char **ret, size_t *ret_size,
		     struct verity_error *err)
{
	cleanup_fd int folder_fd = -1;
	const char *name = "";
	int r = path ? open_folder(path, &folder_fd, &name, err) : -ENOENT;

	if (r == 0)
		return load_at(folder_fd, path, name, ret, ret_size, err);
	if (r != -ENOENT)
		return r;
	*ret = strdup("");
	*ret_size = 0;
	return *ret ? 0 : no_memory(err);
}

/* The file while it is changed: two programs may do that at the same time. */
struct change {
	int folder_fd, lock;
	const char *name; /* borrowed from the path */
	char *text;       /* 0-terminated, owned */
	size_t size;
};

static void change_end(struct change *change)
{
	free(change->text);
	cleanup_fd_p(&change->lock);
	cleanup_fd_p(&change->folder_fd);
}

static int change_begin(const char *path, struct change *ret, struct verity_error *err)
{
	char lock_name[NAME_MAX + 1], busy[NAME_MAX + 32];
	int r = open_folder(path, &ret->folder_fd, &ret->name, err);

	if (r < 0)
		return r;
	snprintf(lock_name, sizeof(lock_name), ".%.200s.lock", ret->name);
	snprintf(busy, sizeof(busy), "%.200s: another program is using it", ret->name);
	r = overlay_lock_take(ret->folder_fd, lock_name, busy, false,
			      OVERLAY_LOCK_WAIT_MS, &ret->lock, err);
	if (r == 0)
		r = load_at(ret->folder_fd, path, ret->name, &ret->text, &ret->size, err);
	if (r == 0 && strlen(ret->text) != ret->size)
		r = verity_fail(err, VERITY_E_NOT_A_FILE, "%s: not a text", path);
	return r;
}

int known_hosts_append(const char *path, const char *line, struct verity_error *err)
{
	cleanup_with(change_end) struct change change = {.folder_fd = -1, .lock = -1};
	cleanup_free char *whole = NULL;
	int written;
	int r = change_begin(path, &change, err);

	if (r < 0)
		return r;
	written = asprintf(
		&whole, "%s%s%s", change.text,
		change.size && change.text[change.size - 1] != '\n' ? "\n" : "", line);
	if (written < 0) {
		whole = NULL;
		return no_memory(err);
	}
	if ((size_t)written > KNOWN_HOSTS_BYTES_MAX)
		return verity_fail(
			err, VERITY_E_TOO_MANY,
			"%s: over %zu bytes (delete what is not needed: wmopkg "
			"host-key forget HOST)",
			path, (size_t)KNOWN_HOSTS_BYTES_MAX);
	return overlay_record_replace(change.folder_fd, change.name, whole,
				      (size_t)written, err);
}

int known_hosts_forget(const char *path, const char *host, struct verity_error *err)
{
	cleanup_with(change_end) struct change change = {.folder_fd = -1, .lock = -1};
	cleanup_free char *rest = NULL;
	size_t count = 0;
	int r = change_begin(path, &change, err);

	if (r < 0)
		return r;
	rest = known_hosts_without(change.text, change.size, host, &count);
	if (!rest)
		return no_memory(err);
	if (count > 0)
		r = overlay_record_replace(change.folder_fd, change.name, rest,
					   strlen(rest), err);
	return r < 0 ? r : (int)count;
}
