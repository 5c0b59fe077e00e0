/* SPDX-License-Identifier: MIT */
#include "installer/media/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/open_beneath.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"
#include "verity/util/name.h"
#include "verity/util/text.h"

#define SHOWN_MAX   8    /* packages that are named */
#define ENTRIES_MAX 4096 /* of a folder that are looked at */
#define PATH_SHOWN  200  /* bytes of a path in messages */

static int open_beneath(int root_fd, const char *path, int flags)
{
	return overlay_open_at(root_fd, path, flags,
			       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
				       RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

static bool holds_dotdot(const char *path)
{
	for (const char *at = path; *at; at += strspn(at, "/")) {
		size_t size = strcspn(at, "/");

		if (size == 2 && strncmp(at, "..", 2) == 0)
			return true;
		at += size;
	}
	return false;
}

static bool is_package(const char *name)
{
	size_t size = strlen(name), suffix = strlen(VERITY_PACKAGE_SUFFIX);

	return size > suffix && name[0] != '.' &&
	       strcmp(name + size - suffix, VERITY_PACKAGE_SUFFIX) == 0;
}

/* The names that come first, in order. */
struct names {
	char *first[SHOWN_MAX];
	size_t count; /* of all packages there are */
};

static void names_free(struct names *names)
{
	for (size_t i = 0; i < SHOWN_MAX; i++)
		free(names->first[i]);
}

static void add_name(struct names *names, const char *name)
{
	size_t kept = names->count < SHOWN_MAX ? names->count : SHOWN_MAX;
	size_t place = kept;
	char *copy;

	names->count++;
	while (place > 0 && strcmp(names->first[place - 1], name) > 0)
		place--;
	copy = place < SHOWN_MAX ? strdup(name) : NULL;
	if (!copy)
		return;
	if (kept == SHOWN_MAX)
		free(names->first[--kept]);
	memmove(&names->first[place + 1], &names->first[place],
		(kept - place) * sizeof(names->first[0]));
	names->first[place] = copy;
}

/* "; packages in FOLDER: a.wmopkg, b.wmopkg, 3 more" */
static void print_names(const struct names *names, const char *folder, char *ret,
			size_t room)
{
	size_t used = (size_t)snprintf(ret, room, "; packages in %.*s: ", PATH_SHOWN / 2,
				       folder[0] ? folder : "/");
	size_t shown = 0;

	for (; shown < SHOWN_MAX && names->first[shown] && used < room; shown++) {
		char *name = verity_text_plain(names->first[shown]);

		if (shown > 0 && used + strlen(name) + 16 > room)
			break;
		used += (size_t)snprintf(ret + used, room - used, "%s%s",
					 shown ? ", " : "", name);
	}
	if (shown == 0 && used < room)
		snprintf(ret + used, room - used, "none");
	else if (shown < names->count && used < room)
		snprintf(ret + used, room - used, ", %zu more", names->count - shown);
}

static bool list_packages(int root_fd, const char *folder, char *ret, size_t room)
{
	cleanup_with(names_free) struct names names = {.count = 0};
	cleanup_fd int fd =
		open_beneath(root_fd, folder[0] ? folder : ".", O_RDONLY | O_DIRECTORY);
	cleanup_dir DIR *dir = NULL;
	struct dirent *entry;

	if (fd < 0 || verity_dir_open(fd, ".", &dir) < 0)
		return false;
	for (int i = 0; i < ENTRIES_MAX && (entry = readdir(dir)); i++)
		if (is_package(entry->d_name))
			add_name(&names, entry->d_name);
	print_names(&names, folder, ret, room);
	return true;
}

/* What is in the folder, or in the nearest one above that is there. */
static void help_nearby(int root_fd, const char *path, char *ret, size_t room)
{
	char folder[PATH_MAX];
	char *slash;

	ret[0] = '\0';
	snprintf(folder, sizeof(folder), "%s", path);
	while (!list_packages(root_fd, folder, ret, room) && folder[0]) {
		slash = strrchr(folder, '/');
		*(slash ? slash : folder) = '\0';
	}
}

static int fail_open(int root_fd, const char *path, int why, struct verity_error *err)
{
	char help[VERITY_MESSAGE_MAX / 2];

	switch (why) {
	case ELOOP:
	case EXDEV:
		verity_fail(err, VERITY_E_NOT_A_FILE,
			    "%.*s: there is a link in the way, and links on media are "
			    "not followed",
			    PATH_SHOWN, path);
		return -EXDEV;
	case ENOENT:
	case ENOTDIR:
		help_nearby(root_fd, path, help, sizeof(help));
		return verity_fail(err, VERITY_E_NOT_FOUND, "%.*s: no such file%s",
				   PATH_SHOWN, path, help);
	case ENOSYS:
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "this kernel has no openat2(): media take Linux 5.6");
	default:
		return verity_fail_errno(err, why, "%.*s: cannot be opened", PATH_SHOWN,
					 path);
	}
}

/* Looked at before it is opened: a pipe or a device there is none to be opened. */
static int check_kind(int root_fd, const char *path, struct verity_error *err)
{
	cleanup_fd int fd = open_beneath(root_fd, path, O_PATH);
	char help[VERITY_MESSAGE_MAX / 2] = "";
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_open(root_fd, path, fd < 0 ? -fd : errno, err);
	if (S_ISREG(st.st_mode))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return verity_fail(err, VERITY_E_NOT_A_FILE,
				   "%.*s: a device or pipe, not a file", PATH_SHOWN,
				   path);
	list_packages(root_fd, path, help, sizeof(help));
	return verity_fail(err, VERITY_E_NOT_A_FILE, "%.*s: a folder, not a file%s",
			   PATH_SHOWN, path, help);
}

int media_file_open(int root_fd, const char *path, int *ret, struct verity_error *err)
{
	int fd, r;

	path += strspn(path, "/");
	if (!path[0])
		return verity_fail(err, VERITY_E_USAGE,
				   "the path of a file on the medium is expected");
	if (holds_dotdot(path))
		return verity_fail(err, VERITY_E_USAGE,
				   "%.*s: '..' may not be part of a path on a medium",
				   PATH_SHOWN, path);
	r = check_kind(root_fd, path, err);
	if (r < 0)
		return r;
	fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_open(root_fd, path, -fd, err);
	*ret = fd;
	return 0;
}
