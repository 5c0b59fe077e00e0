/* SPDX-License-Identifier: MIT */
/* Follows a block device through sysfs to the disks that it lies on. */
#include "overlay/fs/disks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "overlay/fs/mountinfo.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

#define LINE_BYTES 512

/* The first line of FOLDER/FILE. */
static bool read_line(const char *folder, const char *file, char ret[static LINE_BYTES])
{
	cleanup_file FILE *stream = NULL;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path))
		return false;
	stream = fopen(path, "re");
	if (!stream || !fgets(ret, LINE_BYTES, stream))
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

static bool file_is(const char *folder, const char *file, const char *wanted)
{
	char line[LINE_BYTES];

	return read_line(folder, file, line) && strcmp(line, wanted) == 0;
}

static bool has(const char *folder, const char *file)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", folder, file) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

char *overlay_disks_folder(const char *sysfs, dev_t device)
{
	char link[PATH_MAX];

	if (snprintf(link, sizeof(link), "%s/dev/block/%u:%u", sysfs, major(device),
		     minor(device)) >= (int)sizeof(link))
		return NULL;
	return realpath(link, NULL);
}

bool overlay_disks_have(const struct overlay_disks *disks, dev_t device)
{
	for (size_t i = 0; i < disks->count; i++)
		if (disks->devices[i] == device)
			return true;
	return false;
}

bool overlay_disks_meet(const struct overlay_disks *one,
			const struct overlay_disks *other)
{
	for (size_t i = 0; i < one->count; i++)
		if (overlay_disks_have(other, one->devices[i]))
			return true;
	return false;
}

static void add(struct overlay_disks *disks, dev_t device)
{
	if (major(device) == 0 || overlay_disks_have(disks, device))
		return;
	if (disks->count == OVERLAY_DISKS_MAX)
		disks->unread = true;
	else
		disks->devices[disks->count++] = device;
}

/* FOLDER/FILE has the number of a device: "8:1" */
static void add_number(struct overlay_disks *disks, const char *folder, const char *file)
{
	char line[LINE_BYTES];
	unsigned first, second;

	if (read_line(folder, file, line) && sscanf(line, "%u:%u", &first, &second) == 2)
		add(disks, makedev(first, second));
	else
		disks->unread = true;
}

static void add_slaves(struct overlay_disks *disks, const char *folder)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	char path[PATH_MAX];
	int r;

	if (snprintf(path, sizeof(path), "%s/slaves", folder) >= (int)sizeof(path))
		r = -ENAMETOOLONG;
	else
		r = verity_dir_open(AT_FDCWD, path, &dir);
	while (r == 0 && (r = verity_dir_next(dir, &item)) > 0) {
		char file[NAME_MAX + 8];

		snprintf(file, sizeof(file), "%s/dev", item->d_name);
		add_number(disks, path, file);
		r = 0;
	}
	if (r < 0 && r != -ENOENT)
		disks->unread = true;
}

/* The kernel knows where the file is when no path leads to it any more. */
static bool add_file_of_loop(struct overlay_disks *disks, const char *folder)
{
	const char *name = strrchr(folder, '/') + 1;
	struct loop_info64 info;
	char path[NAME_MAX + 8];
	cleanup_fd int fd = -1;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
		return false;
	/* both as the kernel packs a number, which is as makedev() does */
	add(disks, info.lo_rdevice ? (dev_t)info.lo_rdevice : (dev_t)info.lo_device);
	return true;
}

static void add_below(struct overlay_disks *disks, const char *sysfs, dev_t device,
		      bool files)
{
	cleanup_free char *folder = overlay_disks_folder(sysfs, device);
	char line[LINE_BYTES];
	struct stat st;

	if (!folder) {
		disks->unread = true;
		return;
	}
	if (has(folder, "partition"))
		add_number(disks, folder, "../dev");
	else
		add_slaves(disks, folder);
	if (!files || !has(folder, "loop/backing_file") ||
	    add_file_of_loop(disks, folder))
		return;
	if (read_line(folder, "loop/backing_file", line) && stat(line, &st) == 0)
		add(disks, S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev);
	else
		disks->unread = true;
}

void overlay_disks_below(const char *sysfs, dev_t device, bool files,
			 struct overlay_disks *ret)
{
	ret->count = 0;
	ret->unread = false;
	add(ret, device);
	for (size_t i = 0; i < ret->count; i++)
		add_below(ret, sysfs, ret->devices[i], files);
}

/*
 * "removable" is 1 of a disk whose medium is; of a device on USB or PCI it is a word for
 * the port that it is at.
 */
static bool is_plugged(const char *sysfs, dev_t device)
{
	cleanup_free char *folder = overlay_disks_folder(sysfs, device);
	char *slash;

	if (!folder)
		return false;
	if (strstr(folder, "/usb") || file_is(folder, "device/type", "SD") ||
	    file_is(folder, "../device/type", "SD"))
		return true;
	while ((slash = strrchr(folder, '/')) && slash > folder) {
		if (file_is(folder, "removable", "1") ||
		    file_is(folder, "removable", "removable"))
			return true;
		*slash = '\0';
	}
	return false;
}

bool overlay_disks_plugged(const char *sysfs, const struct overlay_disks *disks)
{
	for (size_t i = 0; i < disks->count; i++)
		if (is_plugged(sysfs, disks->devices[i]))
			return true;
	return false;
}

/* Some file systems, as btrfs, have a number of their own: then by their source. */
dev_t overlay_disks_of_fd(int fd)
{
	cleanup_with(overlay_mountinfo_free_p) struct overlay_mountinfo *info = NULL;
	char path[64];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return 0;
	if (major(st.st_dev) != 0)
		return st.st_dev;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (overlay_mountinfo_get(path, &info, NULL) < 0 || info->source[0] != '/' ||
	    stat(info->source, &st) < 0 || !S_ISBLK(st.st_mode))
		return 0;
	return st.st_rdev;
}
