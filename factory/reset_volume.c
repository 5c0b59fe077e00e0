/* SPDX-License-Identifier: MIT */
/* Finds DATA, has it checked, mounts and unmounts it. */
#include "factory/reset_volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "factory/data_probe.h"
#include "factory/reset_facts.h"
#include "overlay/fs/mounts.h"
#include "overlay/fs/open_beneath.h"
#include "overlay/store/superblock.h"
#include "overlay/store/volume.h"
#include "verity/util/cleanup.h"

#define DEFAULT_TYPE "ext4"

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Whether the folder @fd is @data, or lies in it. On an error, yes. */
static bool lies_in(int fd, const struct stat *data)
{
	cleanup_fd int at = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat here, above;

	while (at >= 0 && fstat(at, &here) == 0 && !is_same(&here, data)) {
		int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (up < 0 || fstat(up, &above) < 0)
			return true;
		close(at);
		at = up;
		if (is_same(&here, &above))
			return false;
	}
	return true;
}

/*
 * A folder: nothing else may lie in it, by whichever path.
 * @what: "DATA", "PERSIST": which of them it is
 */
static int check_outside(const struct factory_reset *reset, int folder_fd,
			 const char *what, struct verity_error *err)
{
	const struct {
		const char *what;
		const char *path;
		int fd; /* borrowed; AT_FDCWD: @path is opened */
	} kept[] = {
		{"PERSIST", reset->config->persist, reset->persist_fd},
		{"the root", reset->root, AT_FDCWD},
		{"the folder `run`", reset->config->run, AT_FDCWD},
	};
	struct stat folder;

	if (fstat(folder_fd, &folder) < 0)
		return verity_fail_errno(err, errno, "its folder");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		cleanup_fd int opened = -1;
		int fd = kept[i].fd;

		if (strcmp(kept[i].what, what) == 0)
			continue;
		if (fd == AT_FDCWD) {
			fd = opened =
				open(kept[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (fd < 0 && errno == ENOENT)
				continue;
			if (fd < 0)
				return verity_fail_errno(err, errno, "%s", kept[i].path);
		}
		if (lies_in(fd, &folder))
			return verity_fail(
				err, VERITY_E_CONFIG,
				"%s lies in %s and would be deleted with it (%s)",
				kept[i].what, what, kept[i].path);
	}
	return 0;
}

/*
 * A folder of a file system that others write to: a symbolic link in its place would lead
 * to what is to be deleted.
 * @opened: the folder, where it is open already; -1
 */
static int check_folder(const struct factory_reset *reset, const char *path,
			const char *what, int *opened, struct verity_error *err)
{
	cleanup_fd int fd = overlay_open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY,
					    RESOLVE_NO_SYMLINKS);
	struct stat direct, folder;

	if (fd == -ELOOP)
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s leads through a symbolic link (configure the "
				   "folder itself)",
				   path);
	if (fd < 0)
		return verity_fail_errno(err, -fd, "%s", path);
	if (*opened < 0) {
		*opened = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*opened < 0)
			return verity_fail_errno(err, errno, "%s", path);
	}
	if (fstat(fd, &direct) < 0 || fstat(*opened, &folder) < 0 ||
	    !is_same(&direct, &folder))
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s has been replaced by another folder", path);
	return check_outside(reset, *opened, what, err);
}

/* By the configuration, and by nothing that lies on a disk. */
static int find_device(struct factory_run *run, struct verity_error *err)
{
	const char *spec = run->reset->config->data;
	const struct overlay_volume volume = {spec, run->mountpoint, run->reset->root,
					      false};
	cleanup_free char *rival = NULL;
	struct overlay_volume_place place;
	struct verity_error why;
	struct stat st;
	int r = overlay_volume_look(&volume, &place, err);

	if (r == -ENOENT &&
	    (strncmp(spec, "LABEL=", 6) == 0 || strncmp(spec, "UUID=", 5) == 0)) {
		why = *err;
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "%s: a name that is lost with the file system "
				   "(configure PARTLABEL= or PARTUUID= of the partition)",
				   why.message);
	}
	if (r < 0)
		return r;
	run->device = steal_ptr(&place.device);
	overlay_volume_place_free(&place);
	if (!run->device)
		return 0;
	rival = factory_volume_rival(run->reset->record_fd, spec, run->device);
	if (rival)
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s is %s now, but was %s, which is still connected "
				   "(unplug the other disk, or give it another name)",
				   spec, run->device, rival);
	run->device_fd = open(run->device, O_RDONLY | O_CLOEXEC);
	if (run->device_fd < 0 || fstat(run->device_fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s", run->device);
	if (!S_ISBLK(st.st_mode))
		return verity_fail(err, VERITY_E_CONFIG, "%s is not a block device",
				   run->device);
	run->number = st.st_rdev;
	return 0;
}

/* Whether the configuration means the device by the name of its file system. */
static bool is_named(const char *spec, const struct factory_filesystem *filesystem)
{
	return (strncmp(spec, "LABEL=", 6) == 0 &&
		strcmp(spec + 6, filesystem->label) == 0) ||
	       (strncmp(spec, "UUID=", 5) == 0 &&
		strcmp(spec + 5, filesystem->uuid) == 0);
}

static int check_device(const struct factory_run *run, const struct factory_probe *probe,
			struct verity_error *err)
{
	const struct factory_reset *reset = run->reset;
	cleanup_with(factory_target_free) struct factory_target target;

	factory_facts_read(reset, run->number, probe, run->mountpoint, true, &target);
	target.is_named = is_named(reset->config->data, &probe->volume.filesystem);
	return factory_target_check(&target, "DATA", run->device, err);
}

/* The device that PERSIST is mounted from, and not what has its name by now. */
static int check_persist_device(const struct factory_reset *reset, const char *mountpoint,
				const char *device, struct verity_error *err)
{
	cleanup_with(factory_target_free) struct factory_target target = {.users = NULL};
	cleanup_fd int fd = open(device, O_RDONLY | O_CLOEXEC);
	struct factory_probe probe;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s", device);
	if (st.st_rdev != overlay_disks_of_fd(reset->persist_fd))
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s has been replaced by another device", device);
	r = factory_volume_probe(fd, device, &probe, err);
	if (r < 0)
		return r;
	factory_facts_read(reset, st.st_rdev, &probe, mountpoint, false, &target);
	target.is_named = is_named(reset->config->persist, &probe.volume.filesystem);
	r = factory_target_check(&target, "PERSIST", device, err);
	return r < 0 ? r
		     : overlay_superblock_check_device(fd, probe.volume.filesystem.type,
						       device, err);
}

int factory_persist_check(const struct factory_run *run, struct verity_error *err)
{
	struct factory_reset *reset = run->reset;
	char mountpoint[PATH_MAX];
	const struct overlay_volume volume = {reset->config->persist, mountpoint,
					      reset->root, false};
	cleanup_with(overlay_volume_place_free) struct overlay_volume_place place = {
		.device = NULL};
	int r;

	snprintf(mountpoint, sizeof(mountpoint), "%s/persist", reset->config->run);
	r = overlay_volume_look(&volume, &place, err);
	if (r == 0 && place.device)
		r = check_persist_device(reset, mountpoint, place.device, err);
	else if (r == 0)
		r = check_folder(reset, reset->config->persist, "PERSIST",
				 &reset->persist_fd, err);
	return r < 0 ? verity_context(err, r, "persist") : 0;
}

/*
 * The type, label and UUID of a file system that cannot be recognised any more are hints,
 * where they were remembered of a device of this size: they say what a new one is called.
 */
static void identify(struct factory_run *run, const struct factory_probe *probe)
{
	struct factory_filesystem *filesystem = &run->volume.filesystem;
	struct factory_program repair, make;
	struct factory_volume known;

	run->volume = probe->volume;
	if (!filesystem->type[0]) {
		*filesystem = (struct factory_filesystem){.type = DEFAULT_TYPE};
		if (factory_volume_recall(run->reset->record_fd, &known, NULL) == 0 &&
		    known.bytes == run->volume.bytes)
			*filesystem = known.filesystem;
	}
	run->means.discard = run->reset->config->discard || run->means.purge;
	repair = factory_filesystem_repair(filesystem, run->device);
	make = factory_filesystem_make(filesystem, run->device, run->means.discard);
	run->means.repair = factory_program_there(&repair);
	run->means.make = factory_program_there(&make);
}

/*
 * The kernel and the programs that repair it follow what it says about other devices and
 * hosts; who makes a new file system does not read it.
 */
static int check_superblock(struct factory_run *run, const char *type,
			    struct verity_error *err)
{
	int r = overlay_superblock_check_device(run->device_fd, type, run->device, err);

	if (r == 0 || !run->means.make)
		return r;
	factory_run_say(run, true, "%s", err->message);
	run->sealed = true;
	return 0;
}

/* Whether it is mounted below a mount of @device. */
static bool lies_below(const struct overlay_mounts *mounts, const char *target,
		       dev_t device)
{
	for (size_t i = 0; i < mounts->count; i++)
		if (overlay_mount_is_of(&mounts->items[i], device) &&
		    overlay_mount_below(target, mounts->items[i].target))
			return true;
	return false;
}

/* From the last mount to the first: the last one is on top. */
static int unmount_all(dev_t device, struct verity_error *err)
{
	cleanup_with(overlay_mounts_free) struct overlay_mounts mounts = {.count = 0};
	int r = overlay_mounts_read(OVERLAY_MOUNTINFO, &mounts);

	if (r < 0)
		return verity_fail_errno(err, -r, OVERLAY_MOUNTINFO);
	for (size_t i = mounts.count; i-- > 0;) {
		const struct overlay_mount *mount = &mounts.items[i];

		if ((overlay_mount_is_of(mount, device) ||
		     lies_below(&mounts, mount->target, device)) &&
		    umount2(mount->target, UMOUNT_NOFOLLOW) < 0)
			return verity_fail_errno(err, errno, "unmounting %s",
						 mount->target);
	}
	return 0;
}

static int close_and_unmount(struct factory_run *run, struct verity_error *err)
{
	run->unmounted = run->unmounted || run->reset->data_fd >= 0;
	cleanup_fd_p(&run->reset->data_fd);
	run->reset->data_fd = -1;
	return unmount_all(run->number, err);
}

/*
 * The kernel knows of more users than can be listed, and lets nobody else have a device
 * that is in use. So DATA is unmounted, and then nobody may be left.
 */
static int claim(struct factory_run *run, struct verity_error *err)
{
	cleanup_fd int fd = -1;
	char path[64];
	int r = close_and_unmount(run, err);

	if (r < 0)
		return r;
	factory_data_path(run, path);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
	run->claimed = fd >= 0;
	if (run->claimed)
		return 0;
	if (errno == EBUSY)
		return verity_fail(err, VERITY_E_BUSY,
				   "%s is in use by something else than DATA",
				   run->device);
	return verity_fail_errno(err, errno, "%s", run->device);
}

int factory_data_find(struct factory_run *run, struct verity_error *err)
{
	struct factory_probe probe;
	int r;

	snprintf(run->mountpoint, sizeof(run->mountpoint), "%s/data",
		 run->reset->config->run);
	r = find_device(run, err);
	if (r == 0 && !run->device) {
		r = check_folder(run->reset, run->reset->config->data, "DATA",
				 &run->reset->data_fd, err);
	} else if (r == 0) {
		r = factory_volume_probe(run->device_fd, run->device, &probe, err);
		if (r == 0)
			r = check_device(run, &probe, err);
		if (r == 0) {
			identify(run, &probe);
			r = check_superblock(run, probe.volume.filesystem.type, err);
		}
		if (r == 0)
			r = claim(run, err);
	}
	return r < 0 ? verity_context(err, r, "data") : 0;
}

void factory_data_path(const struct factory_run *run, char ret[static 64])
{
	snprintf(ret, 64, "/proc/self/fd/%d", run->device_fd);
}

int factory_data_unmount(struct factory_run *run, struct verity_error *err)
{
	int r = close_and_unmount(run, err);

	return r < 0 ? verity_context(err, r, "data") : 0;
}

/* Where the device was not found to be DATA, its other mounts are not ours. */
int factory_data_leave(struct factory_run *run, struct verity_error *err)
{
	if (run->claimed)
		return factory_data_unmount(run, err);
	cleanup_fd_p(&run->reset->data_fd);
	run->reset->data_fd = -1;
	(void)umount2(run->mountpoint, UMOUNT_NOFOLLOW);
	return 0;
}

int factory_data_mount(struct factory_run *run, struct verity_error *err)
{
	const struct overlay_volume volume = {run->device ? run->device
							  : run->reset->config->data,
					      run->mountpoint, run->reset->root, false};
	cleanup_fd int fd = -1;
	int r;

	if (run->reset->data_fd >= 0)
		return 0;
	r = overlay_volume_open(&volume, &fd, err);
	if (r < 0)
		return r;
	if (run->device && overlay_disks_of_fd(fd) != run->number)
		return verity_fail(err, VERITY_E_MOUNT,
				   "%s has been replaced by another device", run->device);
	run->reset->data_fd = steal_fd(&fd);
	return 0;
}
