/* SPDX-License-Identifier: MIT */
/* Reads sysfs, the mounts of all processes, and the swap areas. */
#include "factory/reset_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "overlay/fs/mounts.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

#define NAMESPACES_MAX 64

static void unread(struct factory_target *target, const char *what)
{
	if (!target->unread[0])
		snprintf(target->unread, sizeof(target->unread), "%s", what);
}

/* Each device once for each use: a long list of mounts is of few devices. */
static void add_user(struct factory_target *target, enum factory_use use,
		     const char *name, dev_t device)
{
	struct factory_user *users = target->users;

	for (size_t i = 0; i < target->users_count; i++)
		if (users[i].use == use && users[i].on.count > 0 &&
		    users[i].on.devices[0] == device)
			return;
	users = reallocarray(users, target->users_count + 1, sizeof(*users));
	if (!users) {
		unread(target, "out of memory");
		return;
	}
	target->users = users;
	users += target->users_count++;
	users->use = use;
	snprintf(users->name, sizeof(users->name), "%s", name);
	overlay_disks_below(OVERLAY_SYSFS, device, true, &users->on);
}

/* @path: opened where @fd is AT_FDCWD */
static void add_kept(struct factory_target *target, const char *name, const char *path,
		     int fd)
{
	cleanup_fd int opened = -1;
	dev_t device;

	if (fd == AT_FDCWD) {
		fd = opened = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			return;
	}
	if (fd < 0) {
		unread(target, name);
		return;
	}
	device = overlay_disks_of_fd(fd);
	if (device != 0)
		add_user(target, FACTORY_USE_KEPT, name, device);
}

/* The number of a mount's block device; 0: it has none. */
static dev_t device_of_mount(const struct overlay_mount *mount)
{
	struct stat st;

	if (major(mount->device) != 0)
		return mount->device;
	return mount->source && stat(mount->source, &st) == 0 && S_ISBLK(st.st_mode)
		       ? st.st_rdev
		       : 0;
}

static void add_mounts(struct factory_target *target, const char *mountinfo,
		       const char *own)
{
	cleanup_with(overlay_mounts_free) struct overlay_mounts mounts = {.count = 0};
	int r = overlay_mounts_read(mountinfo, &mounts);

	/* a process that has ended meanwhile has no mounts */
	if (r < 0 && (r == -ENOMEM || access(mountinfo, F_OK) == 0)) {
		unread(target, mountinfo);
		return;
	}
	for (size_t i = 0; i < mounts.count; i++) {
		const struct overlay_mount *mount = &mounts.items[i];
		dev_t device = device_of_mount(mount);

		if (device == 0 ||
		    (device == target->on.devices[0] && strcmp(mount->target, own) == 0))
			continue;
		add_user(target, FACTORY_USE_MOUNTED, mount->target, device);
	}
}

/* The mount namespaces that were read already. */
struct namespaces {
	ino_t numbers[NAMESPACES_MAX];
	size_t count;
};

static bool is_new(struct factory_target *target, struct namespaces *seen,
		   const char *pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.16s/ns/mnt", pid);
	if (stat(path, &st) < 0) {
		/* the process has ended, or the kernel has no namespaces */
		if (errno != ENOENT && errno != ESRCH)
			unread(target, path);
		return false;
	}
	for (size_t i = 0; i < seen->count; i++)
		if (seen->numbers[i] == st.st_ino)
			return false;
	if (seen->count < NAMESPACES_MAX)
		seen->numbers[seen->count++] = st.st_ino;
	return true;
}

/* What is mounted for another process alone, as for a service, is in use as well. */
static void add_all_mounts(struct factory_target *target, const char *own)
{
	cleanup_dir DIR *dir = NULL;
	struct namespaces seen = {.count = 0};
	const struct dirent *item;
	char path[64];
	int r;

	add_mounts(target, "/proc/self/mountinfo", own);
	(void)is_new(target, &seen, "self");
	r = verity_dir_open(AT_FDCWD, "/proc", &dir);
	while (r == 0 && (r = verity_dir_next(dir, &item)) > 0) {
		r = 0;
		if (item->d_name[0] < '0' || item->d_name[0] > '9' ||
		    !is_new(target, &seen, item->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", item->d_name);
		add_mounts(target, path, own);
	}
	if (r < 0)
		unread(target, "/proc");
}

/* "FILENAME TYPE SIZE …" after a line of headings; a kernel without swap has no list. */
static void add_swaps(struct factory_target *target)
{
	cleanup_file FILE *file = fopen("/proc/swaps", "re");
	cleanup_free char *line = NULL;
	size_t room = 0;
	struct stat st;

	if (!file && errno != ENOENT)
		unread(target, "/proc/swaps");
	while (file && getline(&line, &room, file) > 0) {
		if (line[0] != '/')
			continue;
		line[strcspn(line, " \t\n")] = '\0';
		if (stat(line, &st) < 0)
			unread(target, line);
		else
			add_user(target, FACTORY_USE_SWAP, line,
				 S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev);
	}
}

/* Devices of device-mapper and md, also those that are in no other use. */
static void add_holders(struct factory_target *target, const char *folder)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	char path[PATH_MAX];
	int r = -ENAMETOOLONG;

	if (snprintf(path, sizeof(path), "%s/holders", folder) < (int)sizeof(path))
		r = verity_dir_open(AT_FDCWD, path, &dir);
	while (r == 0 && (r = verity_dir_next(dir, &item)) > 0) {
		add_user(target, FACTORY_USE_HOLDER, item->d_name, target->on.devices[0]);
		r = 0;
	}
	if (r < 0)
		unread(target, "holders");
}

/* Partitions of a disk are folders in its own. */
static bool find_partitions(struct factory_target *target, const char *folder)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	char path[PATH_MAX];
	int r = verity_dir_open(AT_FDCWD, folder, &dir);

	while (r == 0 && (r = verity_dir_next(dir, &item)) > 0) {
		r = 0;
		if (snprintf(path, sizeof(path), "%s/%s/partition", folder,
			     item->d_name) < (int)sizeof(path) &&
		    access(path, F_OK) == 0)
			return true;
	}
	if (r < 0)
		unread(target, "partitions");
	return false;
}

static void read_sysfs(struct factory_target *target)
{
	cleanup_free char *folder =
		overlay_disks_folder(OVERLAY_SYSFS, target->on.devices[0]);
	char path[PATH_MAX];

	if (!folder) {
		unread(target, "sysfs");
		return;
	}
	target->is_partition = snprintf(path, sizeof(path), "%s/partition", folder) <
				       (int)sizeof(path) &&
			       access(path, F_OK) == 0;
	if (!target->is_partition)
		target->has_partitions = find_partitions(target, folder);
	add_holders(target, folder);
}

void factory_facts_read(const struct factory_reset *reset, dev_t number,
			const struct factory_probe *probe, const char *own,
			bool keeps_persist, struct factory_target *ret)
{
	*ret = (struct factory_target){.is_filesystem = probe->is_filesystem};
	overlay_disks_below(OVERLAY_SYSFS, number, false, &ret->on);
	memcpy(ret->filesystem, probe->volume.filesystem.type, sizeof(ret->filesystem));
	memcpy(ret->table, probe->table, sizeof(ret->table));
	memcpy(ret->partition_type, probe->partition_type, sizeof(ret->partition_type));
	if (ret->on.count == 0)
		return;
	if (keeps_persist)
		add_kept(ret, "PERSIST", reset->config->persist, reset->persist_fd);
	add_kept(ret, "the root", reset->root, AT_FDCWD);
	add_kept(ret, "the folder `run`", reset->config->run, AT_FDCWD);
	add_all_mounts(ret, own);
	add_swaps(ret);
	read_sysfs(ret);
}
