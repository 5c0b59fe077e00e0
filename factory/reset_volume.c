/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "factory/reset_private.h"
#include "overlay/fs/mnt.h"
#include "overlay/store/volume.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define DEFAULT_TYPE "ext4"

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Whether the folder @fd is @data, or lies in it; what cannot be told does. */
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

/* Bind mounts lead to it by other ways. */
static bool is_on(int fd, const char *device)
{
	struct stat at, st;

	return device && fstat(fd, &at) == 0 && stat(device, &st) == 0 &&
	       at.st_dev == st.st_rdev;
}

static int check_folder(const struct factory_run *run, const struct stat *data,
			const char *path, const char *what, struct verity_error *err)
{
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", path);
	if (!lies_in(fd, data) && !is_on(fd, run->device))
		return 0;
	return verity_fail(err, VERITY_E_CONFIG,
			   "%s lies in DATA, which would be deleted with it (%s)", what,
			   path);
}

/* A mistake in the configuration must not delete what it is not about. */
static int check_outside(const struct factory_run *run, struct verity_error *err)
{
	const struct factory_reset *reset = run->reset;
	struct stat data;
	int r;

	if (reset->data_fd < 0)
		return 0;
	if (fstat(reset->data_fd, &data) < 0)
		return verity_fail_errno(err, errno, "data");
	if (lies_in(reset->persist_fd, &data) || is_on(reset->persist_fd, run->device))
		return verity_fail(err, VERITY_E_CONFIG,
				   "PERSIST lies in DATA, which would be deleted with it "
				   "(%s)",
				   reset->config->persist);
	r = check_folder(run, &data, reset->root, "the root", err);
	return r < 0 ? r
		     : check_folder(run, &data, reset->config->run, "the folder `run`",
				    err);
}

/* What it was called, where nothing of that can be read any more. */
static int identify(struct factory_run *run, struct verity_error *err)
{
	struct factory_volume known;
	int r = factory_volume_probe(run->device, &run->volume, err);

	if (r < 0 || run->volume.filesystem.type[0])
		return r;
	if (factory_volume_recall(run->reset->record_fd, &known, NULL) == 0)
		run->volume.filesystem = known.filesystem;
	else
		run->volume.filesystem =
			(struct factory_filesystem){.type = DEFAULT_TYPE};
	return 0;
}

static int check_rival(const struct factory_run *run, struct verity_error *err)
{
	const char *spec = run->reset->config->data;
	cleanup_free char *rival =
		run->device
			? factory_volume_rival(run->reset->record_fd, spec, run->device)
			: NULL;

	if (!rival)
		return 0;
	return verity_fail(err, VERITY_E_CONFIG,
			   "%s is %s now, and was %s, which is there still (unplug the "
			   "other disk, or give it another name)",
			   spec, run->device, rival);
}

static int find_device(struct factory_run *run, struct verity_error *err)
{
	const char *spec = run->reset->config->data;
	struct overlay_volume_place place;
	struct factory_volume known;
	int r = overlay_volume_look(spec, run->mountpoint, &place, err);

	if (r == 0) {
		run->device = steal_ptr(&place.device);
		overlay_volume_place_free(&place);
		return check_rival(run, err);
	}
	if (spec[0] == '/' ||
	    factory_volume_recall(run->reset->record_fd, &known, NULL) < 0)
		return r;
	return factory_volume_find(&known, &run->device, err);
}

static void find_means(struct factory_run *run)
{
	const struct overlay_config *config = run->reset->config;
	const struct factory_filesystem *filesystem = &run->volume.filesystem;
	const struct factory_program repair =
		factory_filesystem_repair(filesystem, run->device);
	const struct factory_program make =
		factory_filesystem_make(filesystem, run->device, config->discard);

	run->means = (struct factory_means){
		.repair = factory_program_there(&repair),
		.make = factory_program_there(&make),
		.discard = config->discard,
	};
}

int factory_data_find(struct factory_run *run, struct verity_error *err)
{
	const struct overlay_config *config = run->reset->config;
	int r;

	snprintf(run->mountpoint, sizeof(run->mountpoint), "%s/data", config->run);
	r = find_device(run, err);
	if (r == 0)
		r = check_outside(run, err);
	if (r == 0 && run->device)
		r = identify(run, err);
	if (r < 0)
		return verity_context(err, r, "data");
	if (run->device)
		find_means(run);
	return 0;
}

/* Whether it is mounted below something of @device. */
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

/* The last one is on top. */
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
