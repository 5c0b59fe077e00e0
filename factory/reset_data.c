/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "factory/erase.h"
#include "factory/reset_private.h"
#include "overlay/fs/clock.h"
#include "verity/util/cleanup.h"

#define TOLD_EVERY_US   2000000
#define NAMES_BYTES     4096
#define REPAIRED_STATUS 3 /* the bits of fsck(8) that say it is sound now */

static void tell_progress(void *context, uint64_t deleted)
{
	struct factory_run *run = context;
	uint64_t now = overlay_clock_us();

	if (now - run->told_us < TOLD_EVERY_US)
		return;
	run->told_us = now;
	factory_say(run, false, "%llu files and folders deleted so far",
		    (unsigned long long)deleted);
}

/* The kernel falls back to it after errors, and libmount where it is asked to. */
static void make_writable(int fd)
{
	struct statvfs fs;
	char path[64];

	if (fstatvfs(fd, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	(void)mount(NULL, path, NULL, MS_REMOUNT | MS_NODEV | MS_NOSUID | MS_NOEXEC,
		    NULL);
}

/* Access lists would be inherited by all that is made in there. */
static void remove_attributes(int fd)
{
	char names[NAMES_BYTES];
	ssize_t size = flistxattr(fd, names, sizeof(names));

	for (const char *name = names; size > 0 && name < names + size;
	     name += strlen(name) + 1)
		if (strncmp(name, "security.", 9) != 0)
			(void)fremovexattr(fd, name);
}

/* As the top of a new file system is. */
static int make_plain(int fd, struct verity_error *err)
{
	remove_attributes(fd);
	if (fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0 || fsync(fd) < 0)
		return verity_fail_errno(err, errno, "its top");
	return 0;
}

int factory_data_erase(struct factory_run *run, struct verity_error *err)
{
	const struct factory_eraser eraser = {
		.force = true,
		.keep = run->device ? factory_filesystem_kept(&run->volume.filesystem)
				    : NULL,
		.progress = tell_progress,
		.context = run,
	};
	int r = factory_data_mount(run, err);

	if (r < 0)
		return verity_context(err, r, "data");
	run->told_us = overlay_clock_us();
	make_writable(run->reset->data_fd);
	r = factory_erase_below(run->reset->data_fd, &eraser, err);
	if (r == 0 && run->device)
		r = make_plain(run->reset->data_fd, err);
	return r < 0 ? verity_context(err, r, "data") : 0;
}

int factory_data_repair(struct factory_run *run, struct verity_error *err)
{
	const struct factory_program program =
		factory_filesystem_repair(&run->volume.filesystem, run->device);
	int r = factory_data_unmount(run, err);

	if (r == 0)
		r = factory_program_run(&program, err);
	if (r < 0)
		return r;
	return r & ~REPAIRED_STATUS ? -EIO : 0;
}

int factory_data_make(struct factory_run *run, struct verity_error *err)
{
	const struct factory_program program = factory_filesystem_make(
		&run->volume.filesystem, run->device, run->reset->config->discard);
	int r = factory_data_unmount(run, err);

	/* From then on it is known by its place alone. */
	if (r == 0 && run->volume.place[0] && run->volume.bytes > 0)
		r = factory_volume_remember(run->reset->record_fd, &run->volume, err);
	if (r == 0)
		r = factory_volume_clear(run->device, err);
	if (r == 0)
		r = factory_program_run(&program, err);
	if (r != 0)
		return r < 0 ? r : -EIO;
	run->journal.made = true;
	return factory_data_mount(run, err);
}

int factory_data_discard(struct factory_run *run, struct verity_error *err)
{
	struct fstrim_range range = {.len = UINT64_MAX};

	if (ioctl(run->reset->data_fd, FITRIM, &range) < 0)
		return verity_fail_errno(err, errno, "data: discarding free blocks");
	return 0;
}
