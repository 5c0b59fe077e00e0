/* SPDX-License-Identifier: MIT */
/* Attaches and mounts packages as timed jobs, and numbers the layers. */
#include "initramfs/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "initramfs/log.h"
#include "overlay/stack/memory.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/parallel.h"

#define BOOT_ID_PATH   "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_DIGITS 8 /* used of it */

#define LEFT_TO_THE_SYSTEM 4 /* one part in so many */

/* It owns the package meanwhile, as it may never come back. */
struct job {
	struct timed_job timed;
	struct verity_devices *devices; /* borrowed */
	struct verity_package *package; /* owned */
	char name[ATTACH_NAME_BYTES];
	uint64_t least_bytes; /* of memory that must be available */

	/* The result. */
	struct overlay_layer *layer; /* owned; NULL: @why */
	struct verity_error why;
	struct overlay_span span;
};

struct run {
	struct packages *packages;
	size_t *line;             /* positions in the order, the first in line first */
	struct timed_slot *slots; /* in that order */
	size_t count;
	uint64_t least_bytes;
	int layers_fd;
	struct attached *attached;
};

static void job_discard(struct timed_job *timed)
{
	struct job *job = (struct job *)timed;

	if (!job)
		return;
	overlay_layer_free(job->layer);
	verity_package_free(job->package);
	free(job);
}

static void job_run(struct timed_job *timed)
{
	struct job *job = (struct job *)timed;

	overlay_span_begin(&job->span);
	if (overlay_memory_read("MemAvailable") < job->least_bytes)
		verity_fail(&job->why, VERITY_E_NO_MEMORY,
			    "the packages before it took more memory than expected, and "
			    "the rest is kept for the system");
	else
		(void)!overlay_layer_open(job->devices,
					  verity_package_verified(job->package),
					  job->name, &job->layer, &job->why);
	overlay_span_end(&job->span);
}

/*
 * A kernel that takes more memory than overlay/stack/memory.c knows must not run out of
 * it: a part of what is available now is left to what comes after the packages.
 */
static uint64_t least_bytes(void)
{
	uint64_t available = overlay_memory_read("MemAvailable");

	return available == UINT64_MAX ? 0 : available / LEFT_TO_THE_SYSTEM;
}

static void run_free(struct run *run)
{
	for (size_t i = 0; run->slots && i < run->count; i++)
		job_discard(run->slots[i].job);
	free(run->slots);
	free(run->line);
	cleanup_fd_p(&run->layers_fd);
}

static void unmount_layer(const struct attached *attached, size_t index)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/%zu", attached->layers, index + 1);
	umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
}

void attach_free(struct attached *attached)
{
	while (attached->count > 0)
		unmount_layer(attached, --attached->count);
	free(attached->packages);
	free(attached->left_out);
	*attached = (struct attached){.count = 0};
}

size_t attach_stacks(const struct attached *attached, bool *ret_nosuid)
{
	bool nosuid = false;
	size_t count = 0;

	for (size_t i = 0; i < attached->count; i++) {
		if (attached->left_out[i])
			continue;
		count++;
		nosuid = nosuid || !verity_verified_signed(verity_package_verified(
					   attached->packages[i]->verified));
	}
	if (ret_nosuid)
		*ret_nosuid = nosuid;
	return count;
}

void attach_leave_out(struct attached *attached, size_t index,
		      const struct verity_error *reason)
{
	attached->left_out[index] = true;
	packages_refuse(attached->packages[index], reason);
	unmount_layer(attached, index);
}

void attach_device_name(const struct overlay_entry *entry, const char *boot,
			char ret[static ATTACH_NAME_BYTES])
{
	snprintf(ret, ATTACH_NAME_BYTES, VERITY_DEVICE_PREFIX "%s-%c-%s", boot,
		 entry->kind == OVERLAY_PERSISTENT ? 'p' : 'o', entry->name);
}

static int add_jobs(struct run *run, struct verity_devices *devices,
		    struct verity_error *err)
{
	cleanup_free char *id = NULL;
	char boot[BOOT_ID_DIGITS + 1] = "00000000";
	size_t size = 0;

	if (verity_io_load(AT_FDCWD, BOOT_ID_PATH, 64, &id, &size, NULL) == 0 &&
	    size >= BOOT_ID_DIGITS)
		memcpy(boot, id, BOOT_ID_DIGITS);
	for (size_t i = 0; i < run->packages->order_count; i++) {
		size_t position = run->line[i];
		struct boot_package *package = packages_at(run->packages, position);
		struct job *job = calloc(1, sizeof(*job));

		if (!job)
			return verity_no_memory(err);
		job->timed.run = job_run;
		job->timed.discard = job_discard;
		job->timed.limit_us = package->left_us;
		job->devices = devices;
		job->package = steal_ptr(&package->verified);
		attach_device_name(&package->state->entry, boot, job->name);
		job->least_bytes = run->least_bytes;
		run->slots[run->count].index = position;
		run->slots[run->count++].job = &job->timed;
	}
	return 0;
}

static void take(const struct run *run, const struct timed_slot *slot)
{
	struct boot_package *package = packages_at(run->packages, slot->index);
	struct job *job = (struct job *)slot->job;
	struct verity_error why;
	const char *note;
	char name[24];
	int r;

	if (!job || slot->begun_us == 0) {
		boot_budget_late(run->packages->budget, BOOT_BUDGET_ATTACH, slot,
				 &package->state->attaching, &why);
		packages_refuse(package, &why);
		return;
	}
	package->state->attaching = job->span;
	package->verified = steal_ptr(&job->package);
	if (!job->layer) {
		packages_refuse(package, &job->why);
		return;
	}
	note = overlay_layer_note(job->layer);
	if (note)
		log_line(LOG_LEVEL_INFO, "%s: %s", package->state->entry.name, note);
	/* The number in the folder's name counts mounted layers only: there are no gaps.
	 */
	snprintf(name, sizeof(name), "%zu", run->attached->count + 1);
	if (mkdirat(run->layers_fd, name, 0755) < 0 && errno != EEXIST)
		r = verity_fail_errno(&why, errno, "%s/%s", run->attached->layers, name);
	else
		r = overlay_layer_place(job->layer, run->layers_fd, name, &why);
	if (r < 0) {
		packages_refuse(package, &why);
		return;
	}
	run->attached->packages[run->attached->count++] = package;
}

int attach_run(struct packages *packages, const char *layers, struct attached *attached,
	       struct verity_error *err)
{
	cleanup_with(verity_devices_free_p) struct verity_devices *devices = NULL;
	cleanup_with(run_free) struct run run = {
		.packages = packages,
		.attached = attached,
		.line = calloc(packages->order_count + 1, sizeof(*run.line)),
		.slots = calloc(packages->order_count + 1, sizeof(*run.slots)),
		.least_bytes = least_bytes(),
		.layers_fd = open(layers, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	struct verity_error why;
	size_t count = 0;
	int r;

	attached->layers = layers;
	attached->packages =
		calloc(packages->order_count + 1, sizeof(struct boot_package *));
	attached->left_out = calloc(packages->order_count + 1, sizeof(bool));
	if (!run.line || !run.slots || !attached->packages || !attached->left_out)
		return verity_no_memory(err);
	if (run.layers_fd < 0)
		return verity_fail_errno(err, errno, "%s", layers);
	if (verity_devices_open(&devices, &why) < 0) {
		for (size_t i = 0; i < packages->order_count; i++)
			packages_refuse(packages_at(packages, i), &why);
		return 0;
	}
	/* What comes first in line is mounted first, whatever lies on what. */
	for (unsigned rank = 0; rank < BOOT_RANKS; rank++)
		for (size_t i = 0; i < packages->order_count; i++)
			if (packages_at(packages, i)->rank == (enum boot_rank)rank)
				run.line[count++] = i;
	r = add_jobs(&run, devices, err);
	if (r < 0)
		return r;
	boot_budget_run(packages->budget, BOOT_BUDGET_ATTACH, run.slots, run.count,
			verity_parallel_threads(0));
	/* In the order of the stack, whichever was mounted first. */
	for (size_t i = 0; i < run.count; i++)
		run.line[run.slots[i].index] = i;
	for (size_t i = 0; i < run.count; i++)
		take(&run, &run.slots[run.line[i]]);
	/* What a thread that never came back may still use stays. */
	if (packages->budget->stuck > 0)
		devices = NULL;
	return 0;
}
