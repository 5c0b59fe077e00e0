/* SPDX-License-Identifier: MIT */
/* Lists packages and folders of a medium. */
#include "installer/media/browse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "installer/media/file.h"
#include "installer/media/mount.h"
#include "installer/media/view.h"
#include "verity/format/format.h"
#include "verity/util/dir.h"
#include "verity/util/text.h"

#define NAMES_BYTES_MAX (64 << 10)

void media_browse_free(struct media_browse *browse)
{
	if (!browse)
		return;
	for (size_t i = 0; i < browse->count; i++)
		free(browse->items[i].path);
	cleanup_fd_p(&browse->root_fd);
	free(browse);
}

static bool is_package(const char *name)
{
	size_t size = strlen(name), suffix = strlen(VERITY_PACKAGE_SUFFIX);

	return size > suffix &&
	       strcasecmp(name + size - suffix, VERITY_PACKAGE_SUFFIX) == 0;
}

/* The type of an entry, which file systems need not tell. */
static unsigned char type_of(int dirfd, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	return fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0
		       ? (unsigned char)IFTODT(st.st_mode)
		       : DT_UNKNOWN;
}

/* Breadth first: items that are folders are looked into in their turn. */
static int add_folder(struct media_browse *browse, const char *folder, bool packages,
		      size_t *entries, struct verity_error *err)
{
	cleanup_fd int fd = media_folder_open(browse->root_fd, folder);
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;

	if (fd < 0 || verity_dir_open(fd, ".", &dir) < 0)
		return 0;
	while (verity_dir_next(dir, &entry) > 0) {
		unsigned char type = type_of(fd, entry);
		char *path;

		browse->cut = ++*entries > MEDIA_ENTRIES_MAX ||
			      browse->count == MEDIA_FOUND_MAX;
		if (browse->cut)
			return 0;
		if (entry->d_name[0] == '.' ||
		    !verity_text_printable(entry->d_name, strlen(entry->d_name)) ||
		    (type != DT_DIR && type != DT_REG) ||
		    (packages && type == DT_REG && !is_package(entry->d_name)))
			continue;
		if (asprintf(&path, "%s%s%s", folder,
			     folder[0] && folder[strlen(folder) - 1] != '/' ? "/" : "",
			     entry->d_name) < 0)
			return verity_no_memory(err);
		browse->items[browse->count++] =
			(struct media_found){path, type == DT_DIR};
	}
	return 0;
}

static int mount_medium(struct device *device, const char *label,
			struct media_browse *browse, struct verity_error *err)
{
	cleanup_with(media_view_done) struct media_view view = {.external = NULL};
	const struct media_item *item;
	int r = media_view_read(device, label, &view, err);

	if (r == 0)
		r = media_view_get(&view, label, &item, err);
	if (r < 0)
		return r;
	media_describe(item, browse->description);
	r = media_mount(item, &browse->root_fd, err);
	return r < 0 ? verity_context(err, r, "%s", browse->description) : 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct media_found *)a)->path,
		      ((const struct media_found *)b)->path);
}

int media_browse_new(struct device *device, const char *label, const char *folder,
		     unsigned depth, bool packages, struct media_browse **ret,
		     struct verity_error *err)
{
	cleanup_with(media_browse_free_p) struct media_browse *browse =
		calloc(1, sizeof(*browse));
	size_t entries = 0, from = 0;
	int r;

	if (!browse)
		return verity_no_memory(err);
	browse->root_fd = -1;
	r = mount_medium(device, label, browse, err);
	if (r == 0)
		r = add_folder(browse, folder, packages, &entries, err);
	for (unsigned level = 1; r == 0 && level < depth; level++) {
		size_t end = browse->count;

		for (; r == 0 && from < end; from++)
			if (browse->items[from].folder)
				r = add_folder(browse, browse->items[from].path, packages,
					       &entries, err);
	}
	if (r < 0)
		return r;
	if (browse->count > 1)
		qsort(browse->items, browse->count, sizeof(browse->items[0]), compare);
	*ret = steal_ptr(&browse);
	return 0;
}

static void write_names(struct device *device, const char *label, const char *folder,
			bool packages, int fd)
{
	cleanup_with(media_browse_free_p) struct media_browse *browse = NULL;
	struct verity_error unused;

	if (media_browse_new(device, label, folder, 1, packages, &browse, &unused) < 0)
		return;
	for (size_t i = 0; i < browse->count; i++)
		dprintf(fd, "%s%s\n", browse->items[i].path,
			browse->items[i].folder ? "/" : "");
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

size_t media_browse_names(struct device *device, const char *label, const char *folder,
			  bool packages, int timeout_ms, char **ret)
{
	cleanup_free char *names = malloc(NAMES_BYTES_MAX + 1);
	int64_t end = now_ms() + timeout_ms, left;
	struct pollfd output = {.events = POLLIN};
	int ends[2] = {-1, -1};
	size_t size = 0;
	ssize_t n = -1;
	pid_t child;

	if (!names || pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	child = fork();
	if (child == 0) {
		write_names(device, label, folder, packages, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	output.fd = ends[0];
	while (child > 0 && (left = end - now_ms()) > 0 && size < NAMES_BYTES_MAX &&
	       poll(&output, 1, (int)left) > 0 &&
	       (n = read(ends[0], names + size, NAMES_BYTES_MAX - size)) > 0)
		size += (size_t)n;
	close(ends[0]);
	/* One that waits for its medium ends when that answers: nobody waits for it. */
	if (child > 0 && n != 0)
		kill(child, SIGKILL);
	if (child > 0)
		waitpid(child, NULL, n == 0 ? 0 : WNOHANG);
	names[size] = '\0';
	*ret = steal_ptr(&names);
	return size;
}
