/* SPDX-License-Identifier: MIT */
/* Opening a file on a medium, and listing the packages nearby if there is no such file.
 */
#include "installer/media/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "overlay/fs/open_beneath.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/text.h"

#define SHOWN_MAX   8    /* packages that are named */
#define ENTRIES_MAX 4096 /* of a folder that are read */
#define PATH_SHOWN  200  /* bytes of a path in messages */

static int open_at(int root_fd, const char *path, int flags)
{
	return overlay_open_at(root_fd, path, flags,
			       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
				       RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

int media_folder_open(int root_fd, const char *path)
{
	path += strspn(path, "/");
	return open_at(root_fd, path[0] ? path : ".", O_RDONLY | O_DIRECTORY);
}

/* The first packages of a folder, in order. */
struct names {
	char *first[SHOWN_MAX];
	size_t count; /* of all packages in it */
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < SHOWN_MAX; i++)
		free(names->first[i]);
}

static void add_name(struct names *names, const char *name)
{
	size_t kept = names->count < SHOWN_MAX ? names->count : SHOWN_MAX;
	size_t at = kept;
	char *copy;

	names->count++;
	while (at > 0 && strcmp(names->first[at - 1], name) > 0)
		at--;
	copy = at < SHOWN_MAX ? strdup(name) : NULL;
	if (!copy)
		return;
	if (kept == SHOWN_MAX)
		free(names->first[--kept]);
	memmove(&names->first[at + 1], &names->first[at],
		(kept - at) * sizeof(names->first[0]));
	names->first[at] = copy;
}

/* "; packages in FOLDER: a.wmopkg, b.wmopkg, 3 more"; false if there is no such folder */
static bool list_packages(int root_fd, const char *folder, char *ret, size_t room)
{
	cleanup_with(names_done) struct names names = {.count = 0};
	cleanup_fd int fd = media_folder_open(root_fd, folder);
	cleanup_dir DIR *dir = NULL;
	struct dirent *entry;
	size_t used, shown = 0;

	if (fd < 0 || verity_dir_open(fd, ".", &dir) < 0)
		return false;
	for (int i = 0; i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
		size_t size = strlen(entry->d_name),
		       suffix = strlen(VERITY_PACKAGE_SUFFIX);

		if (size > suffix && entry->d_name[0] != '.' &&
		    strcasecmp(entry->d_name + size - suffix, VERITY_PACKAGE_SUFFIX) == 0)
			add_name(&names, entry->d_name);
	}
	used = (size_t)snprintf(ret, room, "; packages in %.*s: ", PATH_SHOWN / 2,
				folder[0] ? folder : "/");
	for (; shown < SHOWN_MAX && names.first[shown] && used < room; shown++) {
		const char *name = verity_text_plain(names.first[shown]);

		if (shown > 0 && used + strlen(name) + 16 > room)
			break;
		used += (size_t)snprintf(ret + used, room - used, "%s%s",
					 shown ? ", " : "", name);
	}
	if (shown == 0 && used < room)
		snprintf(ret + used, room - used, "none");
	else if (shown < names.count && used < room)
		snprintf(ret + used, room - used, ", %zu more", names.count - shown);
	return true;
}

static int fail_open(int root_fd, const char *path, int why, struct verity_error *err)
{
	char help[VERITY_MESSAGE_MAX / 2] = "";
	char folder[PATH_MAX];

	switch (why) {
	case ELOOP:
	case EXDEV:
		verity_fail(err, VERITY_E_NOT_A_FILE,
			    "%.*s: the path contains a link, and links on media are not "
			    "followed",
			    PATH_SHOWN, path);
		return -EXDEV;
	case ENOENT:
	case ENOTDIR:
		/* What is in the folder, or in the nearest one above that exists. */
		snprintf(folder, sizeof(folder), "%s", path);
		while (!list_packages(root_fd, folder, help, sizeof(help)) && folder[0]) {
			char *slash = strrchr(folder, '/');

			*(slash ?: folder) = '\0';
		}
		return verity_fail(err, VERITY_E_NOT_FOUND, "%.*s: no such file%s%s",
				   PATH_SHOWN, path, help,
				   strchr(path, '\\') ? " (between folders is /, not \\)"
						      : "");
	case ENOSYS:
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "this kernel has no openat2(): media need Linux 5.6");
	default:
		return verity_fail_errno(err, why, "%.*s: cannot be opened", PATH_SHOWN,
					 path);
	}
}

/* See media_file_open(). A folder with more entries than are read: as it was typed. */
static void path_as_listed(int root_fd, const char *path, const struct stat *st,
			   char ret[static PATH_MAX])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char folder[PATH_MAX] = ".";
	cleanup_fd int fd = -1;
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	char listed[NAME_MAX + 1] = "";

	snprintf(ret, PATH_MAX, "%s", path);
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	fd = open_at(root_fd, folder, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || verity_dir_open(fd, ".", &dir) < 0)
		return;
	for (int i = 0; i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
		if (strcmp(entry->d_name, name) == 0)
			return;
		if (entry->d_ino == st->st_ino)
			snprintf(listed, sizeof(listed), "%s", entry->d_name);
	}
	if (listed[0])
		snprintf(ret, PATH_MAX, "%.*s%s", (int)(name - path), path, listed);
}

int media_file_open(int root_fd, const char *path, int *ret,
		    char ret_path[static PATH_MAX], struct verity_error *err)
{
	cleanup_fd int found = -1;
	char help[VERITY_MESSAGE_MAX / 2] = "";
	struct stat st;
	int fd;

	path += strspn(path, "/");
	if (!path[0])
		return verity_fail(err, VERITY_E_USAGE,
				   "expected the path of a file on the medium");
	for (const char *at = path; *at; at += strspn(at, "/")) {
		size_t size = strcspn(at, "/");

		if (size == 2 && strncmp(at, "..", 2) == 0)
			return verity_fail(err, VERITY_E_USAGE,
					   "%.*s: '..' is not allowed in a path on a "
					   "medium",
					   PATH_SHOWN, path);
		at += size;
	}
	/* O_PATH first: a device or a pipe on a medium is never opened. */
	found = open_at(root_fd, path, O_PATH);
	if (found < 0)
		return fail_open(root_fd, path, -found, err);
	if (fstat(found, &st) < 0)
		return fail_open(root_fd, path, errno, err);
	if (S_ISDIR(st.st_mode)) {
		list_packages(root_fd, path, help, sizeof(help));
		return verity_fail(err, VERITY_E_NOT_A_FILE,
				   "%.*s: a folder, not a file%s", PATH_SHOWN, path,
				   help);
	}
	if (!S_ISREG(st.st_mode))
		return verity_fail(err, VERITY_E_NOT_A_FILE,
				   "%.*s: a device or pipe, not a file", PATH_SHOWN,
				   path);
	fd = open_at(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_open(root_fd, path, -fd, err);
	path_as_listed(root_fd, path, &st, ret_path);
	*ret = fd;
	return 0;
}
