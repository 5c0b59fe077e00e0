/* SPDX-License-Identifier: MIT */
/* Finds DATA, checks that nothing that must be kept lies in it, mounts and unmounts it.
 */
#include "factory/reset_volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "factory/data_probe.h"
#include "overlay/fs/mnt.h"
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
 * A mistake in the configuration must not delete something else than DATA. Bind mounts
 * reach a device by other paths, so devices are compared too.
 */
static int check_outside(const struct factory_run *run, struct verity_error *err)
{
	const struct factory_reset *reset = run->reset;
	const struct {
		const char *what;
		const char *path;
		int fd; /* borrowed; AT_FDCWD: @path is opened */
	} kept[] = {
		{"PERSIST", reset->config->persist, reset->persist_fd},
		{"the root", reset->root, AT_FDCWD},
		{"the folder `run`", reset->config->run, AT_FDCWD},
	};
	struct stat data, device, at;

	if (reset->data_fd < 0)
		return 0;
	if (fstat(reset->data_fd, &data) < 0)
		return verity_fail_errno(err, errno, "data");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		cleanup_fd int opened = -1;
		int fd = kept[i].fd;

		if (fd == AT_FDCWD) {
			fd = opened =
				open(kept[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (fd < 0 && errno == ENOENT)
				continue;
			if (fd < 0)
				return verity_fail_errno(err, errno, "%s", kept[i].path);
		}
		if (lies_in(fd, &data) ||
		    (run->device && fstat(fd, &at) == 0 &&
		     stat(run->device, &device) == 0 && at.st_dev == device.st_rdev))
			return verity_fail(
				err, VERITY_E_CONFIG,
				"%s lies in DATA and would be deleted with it (%s)",
				kept[i].what, kept[i].path);
	}
	return 0;
}

/* By the configuration; where nothing is found so, as it was remembered. */
static int find_device(struct factory_run *run, struct verity_error *err)
{
	const char *spec = run->reset->config->data;
	int record = run->reset->record_fd;
	cleanup_free char *rival = NULL;
	struct overlay_volume_place place;
	struct factory_volume known;
	int r = overlay_volume_look(spec, run->mountpoint, &place, err);

	if (r < 0 && (spec[0] == '/' || factory_volume_recall(record, &known, NULL) < 0))
		return r;
	if (r < 0)
		return factory_volume_find(&known, &run->device, err);
	run->device = steal_ptr(&place.device);
	overlay_volume_place_free(&place);
	if (run->device)
		rival = factory_volume_rival(record, spec, run->device);
	if (rival)
		return verity_fail(err, VERITY_E_CONFIG,
				   "%s is %s now, but was %s, which is still connected "
				   "(unplug the other disk, or give it another name)",
				   spec, run->device, rival);
	return 0;
}

/* What its file system is called, or was, and which programs there are for it. */
static int identify(struct factory_run *run, struct verity_error *err)
{
	struct factory_filesystem *filesystem = &run->volume.filesystem;
	struct factory_program repair, make;
	struct factory_volume known;
	int r = factory_volume_probe(run->device, &run->volume, err);

	if (r < 0)
		return r;
	if (!filesystem->type[0]) {
		*filesystem = (struct factory_filesystem){.type = DEFAULT_TYPE};
		if (factory_volume_recall(run->reset->record_fd, &known, NULL) == 0)
			*filesystem = known.filesystem;
	}
	run->means.discard = run->reset->config->discard;
	repair = factory_filesystem_repair(filesystem, run->device);
	make = factory_filesystem_make(filesystem, run->device, run->means.discard);
	run->means.repair = factory_program_there(&repair);
	run->means.make = factory_program_there(&make);
	return 0;
}

int factory_data_find(struct factory_run *run, struct verity_error *err)
{
	int r;

	snprintf(run->mountpoint, sizeof(run->mountpoint), "%s/data",
		 run->reset->config->run);
	r = find_device(run, err);
	if (r == 0)
		r = check_outside(run, err);
	if (r == 0 && run->device)
		r = identify(run, err);
	return r < 0 ? verity_context(err, r, "data") : 0;
}

/* Whether it is mounted below a mount of @device. */
static bool lies_below(struct libmnt_table *table, const char *target, dev_t device)
{
	cleanup_with(mnt_free_iter_p) struct libmnt_iter *iter =
		mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;

	while (iter && mnt_table_next_fs(table, iter, &fs) == 0)
		if (overlay_mnt_is_of(fs, device) &&
		    overlay_mnt_below(target, mnt_fs_get_target(fs)))
			return true;
	return false;
}

/* From the last mount to the first: the last one is on top. */
static int unmount_all(dev_t device, struct verity_error *err)
{
	cleanup_with(mnt_free_iter_p) struct libmnt_iter *iter =
		mnt_new_iter(MNT_ITER_BACKWARD);
	cleanup_with(mnt_unref_table_p) struct libmnt_table *table =
		mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_fs *fs;

	if (!iter || !table)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if ((overlay_mnt_is_of(fs, device) ||
		     lies_below(table, target, device)) &&
		    umount2(target, UMOUNT_NOFOLLOW) < 0)
			return verity_fail_errno(err, errno, "unmounting %s", target);
	}
	return 0;
}

int factory_data_unmount(struct factory_run *run, struct verity_error *err)
{
	struct stat st;
	int r;

	cleanup_fd_p(&run->reset->data_fd);
	run->reset->data_fd = -1;
	if (stat(run->device, &st) < 0)
		return verity_fail_errno(err, errno, "%s", run->device);
	r = unmount_all(st.st_rdev, err);
	return r < 0 ? verity_context(err, r, "data") : 0;
}

int factory_data_mount(struct factory_run *run, struct verity_error *err)
{
	const char *spec = run->device ? run->device : run->reset->config->data;

	if (run->reset->data_fd >= 0)
		return 0;
	return overlay_volume_open(spec, run->mountpoint, &run->reset->data_fd, err);
}
