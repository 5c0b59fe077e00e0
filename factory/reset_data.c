/* SPDX-License-Identifier: MIT */
/* Empties DATA: deletes what is on it, or repairs or makes its file system. */
#include "factory/reset_data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "factory/data_probe.h"
#include "factory/reset_volume.h"
#include "overlay/fs/clock.h"
#include "overlay/fs/erase.h"
#include "overlay/store/survey.h"
#include "overlay/store/volume_find.h"
#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

#define NAMES_BYTES     4096
#define REPAIRED_STATUS 3 /* the bits of fsck(8) that say it is repaired */
#define REPAIR_SECONDS  600

int factory_data_erase(struct factory_run *run, struct verity_error *err)
{
	const struct overlay_eraser eraser = {
		.force = true,
		.keep = run->device ? factory_filesystem_kept(&run->volume.filesystem)
				    : NULL,
		.progress = factory_run_progress,
		.context = run,
	};
	char names[NAMES_BYTES], path[64];
	struct statvfs fs;
	struct stat st;
	ssize_t size;
	int fd, r;

	factory_run_say(run, false, "deleting all that is on DATA (%s)",
			run->device ? run->device : run->reset->config->data);
	r = factory_data_mount(run, err);
	if (r < 0)
		return verity_context(err, r, "data");
	fd = run->reset->data_fd;
	run->reported_us = overlay_clock_us();
	/* The kernel makes it read-only after errors, and libmount where it is asked to.
	 */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY)
		(void)mount(NULL, path, NULL,
			    MS_REMOUNT | MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL);
	/* a boot does not use such a file system, and reading it may not end */
	if (run->means.repair && fstat(fd, &st) == 0 &&
	    st.st_size > OVERLAY_SURVEY_FOLDER_MAX)
		return verity_fail(err, VERITY_E_IO,
				   "data: its top folder is larger than %d MiB",
				   OVERLAY_SURVEY_FOLDER_MAX >> 20);
	r = overlay_erase_below(fd, &eraser, err);
	if (r < 0)
		return verity_context(err, r, "data");
	if (!run->device)
		return 0;
	/* As in a new file system: what is made in there would inherit access lists. */
	size = flistxattr(fd, names, sizeof(names));
	for (const char *name = names; size > 0 && name < names + size;
	     name += strlen(name) + 1)
		if (strncmp(name, "security.", 9) != 0)
			(void)fremovexattr(fd, name);
	if (fchown(fd, 0, 0) < 0 || fchmod(fd, 0755) < 0 || fsync(fd) < 0)
		return verity_fail_errno(err, errno, "data: its top");
	return 0;
}

int factory_data_repair(struct factory_run *run, struct verity_error *err)
{
	struct factory_program program =
		factory_filesystem_repair(&run->volume.filesystem, FACTORY_PROGRAM_FILE);
	int r;

	program.file = run->device_fd;
	program.limit_seconds = REPAIR_SECONDS;
	factory_run_say(run, false, "repairing the file system of DATA (%s, %s)",
			run->device, run->volume.filesystem.type);
	r = factory_data_unmount(run, err);
	if (r == 0)
		r = factory_program_run(&program, err);
	if (r < 0)
		return r;
	return r & ~REPAIRED_STATUS ? -EIO : 0;
}

/*
 * What a new file system is called was read from the old one or from PERSIST, where
 * anything may be written: never as another file system is called, or the next boot would
 * take it for that one. What the configuration says is no hint.
 */
static void check_names(struct factory_run *run)
{
	struct factory_filesystem *filesystem = &run->volume.filesystem;
	const char *spec = run->reset->config->data;
	size_t digits = strspn(filesystem->uuid, "0123456789abcdefABCDEF-");

	if (strncmp(spec, "LABEL=", 6) == 0)
		snprintf(filesystem->label, sizeof(filesystem->label), "%s", spec + 6);
	else if (overlay_volume_is_taken("LABEL", filesystem->label, run->number))
		filesystem->label[0] = '\0';
	if (strncmp(spec, "UUID=", 5) == 0)
		snprintf(filesystem->uuid, sizeof(filesystem->uuid), "%s", spec + 5);
	else if (digits != 36 || filesystem->uuid[digits] || /* as mke2fs's "random" */
		 overlay_volume_is_taken("UUID", filesystem->uuid, run->number))
		filesystem->uuid[0] = '\0';
}

int factory_data_make(struct factory_run *run, struct verity_error *err)
{
	struct factory_filesystem *filesystem = &run->volume.filesystem;
	struct factory_program program;
	cleanup_fd int fd = -1;
	char path[64];
	int r;

	check_names(run);
	program = factory_filesystem_make(filesystem, FACTORY_PROGRAM_FILE,
					  run->means.discard);
	program.file = run->device_fd;

	factory_run_say(run, false, "making a new file system on DATA (%s, %s%s%s)",
			run->device, filesystem->type,
			filesystem->label[0] ? ", label " : "", filesystem->label);
	r = factory_data_unmount(run, err);
	/* From then on only its position in the system identifies it. */
	if (r == 0 && run->volume.place[0] && run->volume.bytes > 0)
		r = factory_volume_remember(run->reset->record_fd, &run->volume, err);
	if (r < 0)
		return r;
	/* Not while another process uses it. */
	factory_data_path(run, path);
	fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", run->device);
	r = factory_volume_clear(fd, run->device, err);
	if (r < 0)
		return r;
	cleanup_fd_p(&fd);
	fd = -1;
	r = factory_program_run(&program, err);
	if (r != 0)
		return r < 0 ? r : -EIO;
	run->journal.made = true;
	return factory_data_mount(run, err);
}

int factory_data_discard(struct factory_run *run, struct verity_error *err)
{
	struct fstrim_range range = {.len = UINT64_MAX};

	factory_run_say(run, false, "discarding the free blocks of DATA");
	if (ioctl(run->reset->data_fd, FITRIM, &range) < 0)
		/* not every storage can, and a purge asks each */
		return errno == EOPNOTSUPP && !run->reset->config->discard
			       ? 0
			       : verity_fail_errno(err, errno,
						   "data: discarding free blocks");
	return 0;
}
