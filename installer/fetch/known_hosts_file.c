/* SPDX-License-Identifier: MIT */
#include "installer/fetch/known_hosts_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"

int known_hosts_path(int record_fd, char **ret, struct verity_error *err)
{
	char link[64];
	char folder[PATH_MAX];
	char *path = NULL;
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", record_fd);
	size = readlink(link, folder, sizeof(folder) - 1);
	if (size < 0)
		return verity_fail_errno(err, errno, "%s", link);
	folder[size] = '\0';
	if (asprintf(&path, "%s/" KNOWN_HOSTS_FILE, folder) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = path;
	return 0;
}

/* The folder, which the file is replaced in; @ret_name: borrowed from @path. */
static int open_folder(const char *path, int *ret, const char **ret_name,
		       struct verity_error *err)
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *folder = NULL;
	int fd;

	if (!slash)
		folder = strdup(".");
	else
		folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!folder)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
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
		return *ret ? 0 : verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	}
	if (r < 0) {
		/* Its message has the name alone. */
		if (err)
			*err = why;
		return verity_context(err, r, "the known hosts of ssh, %s", path);
	}
	return 0;
}

int known_hosts_load(const char *path, char **ret, size_t *ret_size,
		     struct verity_error *err)
{
	cleanup_fd int folder_fd = -1;
	const char *name = "";
	int r = path ? open_folder(path, &folder_fd, &name, err) : -ENOENT;

	if (r == -ENOENT) {
		*ret = strdup("");
		*ret_size = 0;
		return *ret ? 0 : verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	}
	return r < 0 ? r : load_at(folder_fd, path, name, ret, ret_size, err);
}

int known_hosts_add(const char *path, const char *name, const struct known_hosts_key *key,
		    struct verity_error *err)
{
	cleanup_fd int folder_fd = -1;
	cleanup_fd int lock = -1; /* two programs may learn a key each at once */
	cleanup_free char *text = NULL;
	cleanup_free char *line = known_hosts_line(name, key);
	cleanup_free char *whole = NULL;
	const char *file;
	size_t size;
	int written;
	int r = open_folder(path, &folder_fd, &file, err);

	if (r == 0)
		r = overlay_record_lock(folder_fd, file, false, &lock, err);
	if (r == 0)
		r = load_at(folder_fd, path, file, &text, &size, err);
	if (r < 0)
		return r;
	if (!line)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (strlen(text) != size)
		return verity_fail(err, VERITY_E_NOT_A_FILE, "%s: not a text", path);
	written = asprintf(&whole, "%s%s%s", text,
			   size && text[size - 1] != '\n' ? "\n" : "", line);
	if (written < 0) {
		whole = NULL;
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	}
	if ((size_t)written > KNOWN_HOSTS_BYTES_MAX)
		return verity_fail_errno(err, EFBIG, "%s", path);
	return overlay_record_replace(folder_fd, file, whole, (size_t)written, err);
}
