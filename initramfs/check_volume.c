/* SPDX-License-Identifier: MIT */
/* Runs e2fsck, and remembers the check of DATA that does not end. */
#include "initramfs/check_volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "factory/data_probe.h"
#include "initramfs/supervisor_pipe.h"
#include "overlay/record/record.h"
#include "overlay/store/superblock.h"
#include "verity/util/cleanup.h"

#define SECOND_US    1000000
#define REPAIRED_MAX 1 /* status of e2fsck: no error is left */

static const char *const names[] = {
	[OVERLAY_ORDINARY] = "data",
	[OVERLAY_PERSISTENT] = "persist",
};

/* A check of DATA that may be noted as not ended. */
struct check {
	struct boot *boot;
	const uint8_t *id; /* of its file system; borrowed */
	bool noted;        /* in the records */
};

static void note(void *context)
{
	struct check *check = context;
	struct verity_error why;

	if (overlay_unchecked_store(check->boot->record, check->id, false, &why) < 0)
		boot_tell(check->boot, LOG_LEVEL_WARNING, "data: %s", why.message);
	check->noted = true;
}

static void forget(const struct check *check)
{
	struct verity_error why;

	if (check->noted && overlay_record_remove(check->boot->record,
						  OVERLAY_RECORD_UNCHECKED, &why) < 0)
		boot_tell(check->boot, LOG_LEVEL_WARNING, "data: %s", why.message);
}

/* The time for the packages is what it was. */
static int run_in_time(struct boot *boot, const struct factory_program *program,
		       struct verity_error *err)
{
	uint64_t begun_us = overlay_clock_us(), us;
	int r = factory_program_run(program, err);

	us = overlay_clock_us() - begun_us;
	for (unsigned part = 0; part < BOOT_BUDGET_PARTS; part++)
		boot->budget.until_us[part] =
			timed_after(boot->budget.until_us[part], us);
	if (us >= SECOND_US)
		supervisor_tell(boot->budget.line, SUPERVISOR_EXTEND,
				(unsigned)(us / SECOND_US));
	return r;
}

static int check_device(struct check *check, const char *device, const char *name,
			struct factory_program *program, struct verity_error *err)
{
	struct boot *boot = check->boot;
	unsigned whole = boot->config.boot_seconds ? boot->config.boot_seconds
						   : OVERLAY_BOOT_SECONDS;
	int r;

	program->limit_seconds = whole / 6 > 0 ? whole / 6 : 1;
	program->log = CHECK_VOLUME_LOG;
	r = run_in_time(boot, program, err);
	if (r == -ETIMEDOUT) {
		if (program->slow)
			note(check);
		return verity_fail(
			err, VERITY_E_TIMED_OUT,
			"%s: the check of its file system was ended: it was not done "
			"within %u s, and it is not used in this boot (repair it with "
			"'e2fsck -f %s' where it is not mounted, or make a new file "
			"system)",
			device, program->limit_seconds, device);
	}
	forget(check);
	if (r < 0)
		boot_tell(boot, LOG_LEVEL_WARNING, "%s: %s", name, err->message);
	else if (r > REPAIRED_MAX)
		boot_tell(boot, LOG_LEVEL_WARNING,
			  "%s: e2fsck did not repair %s (status %d, see " CHECK_VOLUME_LOG
			  ")",
			  name, device, r);
	return 0;
}

void check_volume_look(const struct overlay_volume *volume, struct check_found *ret)
{
	cleanup_with(overlay_volume_place_free) struct overlay_volume_place place = {
		.device = NULL};
	cleanup_fd int fd = -1;
	struct factory_probe probe;

	*ret = (struct check_found){.device = ""};
	if (overlay_volume_look(volume, &place, NULL) < 0 ||
	    place.state != OVERLAY_VOLUME_UNMOUNTED ||
	    strlen(place.device) > OVERLAY_DEVICE_PATH_MAX)
		return;
	fd = open(place.device, O_RDONLY | O_CLOEXEC);
	/* what says that it is also on another device is refused when it is mounted */
	if (fd < 0 || factory_volume_probe(fd, place.device, &probe, NULL) < 0 ||
	    overlay_superblock_check_device(fd, probe.volume.filesystem.type,
					    place.device, NULL) < 0 ||
	    overlay_unchecked_read(fd, ret->id, NULL) < 0)
		return;
	ret->filesystem = probe.volume.filesystem;
	snprintf(ret->device, sizeof(ret->device), "%s", place.device);
}

int check_volume(struct boot *boot, enum overlay_store_kind kind,
		 const struct check_found *found, struct overlay_volume *volume,
		 struct verity_error *err)
{
	struct check check = {.boot = boot, .id = found->id};
	bool spent = false;
	struct factory_program program =
		factory_filesystem_check(&found->filesystem, found->device);

	if (!found->device[0] || !factory_program_there(&program))
		return 0;
	if (kind == OVERLAY_ORDINARY)
		check.noted = overlay_unchecked_has(boot->record, found->id, &spent);
	/* A note that no boot can change would count for ever: it says nothing. */
	if (check.noted && !spent &&
	    overlay_unchecked_store(boot->record, found->id, true, err) < 0) {
		boot_tell(boot, LOG_LEVEL_WARNING, "data: %s", err->message);
	} else if (check.noted && !spent) {
		volume->read_only = true;
		boot_tell(
			boot, LOG_LEVEL_WARNING,
			"data: %s: the last check of its file system did not end: it is "
			"mounted read-only, and checked again at the next boot (repair it "
			"with 'e2fsck -f %s' where it is not mounted, or reset the device "
			"to its factory settings)",
			found->device, found->device);
		return 0;
	}
	if (kind == OVERLAY_ORDINARY && boot->record >= 0) {
		program.slow = note;
		program.context = &check;
	}
	return check_device(&check, found->device, names[kind], &program, err);
}
