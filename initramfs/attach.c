/* SPDX-License-Identifier: MIT */
#include "initramfs/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mount.h>
#include <sys/stat.h>

#include "initramfs/log.h"
#include "initramfs/timed_jobs.h"
#include "overlay/stack/layer.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/parallel.h"

#define BOOT_ID_PATH   "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_DIGITS 8 /* taken of it */

/* A job of boxes_run(). The package is its own meanwhile: it may never come back. */
struct job {
	struct box box;
	struct verity_devices *devices; /* borrowed */
	struct verity_package *package; /* owned */
	char name[ATTACHING_NAME_BYTES];

	/* What came of it. */
	struct overlay_layer *layer; /* owned; NULL: @why */
	struct verity_error why;
	struct overlay_span span;
};

/* What all jobs of a boot share. */
struct run {
	struct packages *packages;
	struct box_slot *slots; /* beside .packages->order */
	size_t count;
	int layers_fd;
	struct attached *attached;
};

static void job_free(struct job *job)
{
	if (!job)
		return;
	overlay_layer_free(job->layer);
	verity_package_free(job->package);
	free(job);
}

static void job_discard(struct box *box)
{
	job_free((struct job *)box);
}

static void job_run(struct box *box)
{
	struct job *job = (struct job *)box;

	overlay_span_begin(&job->span);
	(void)!overlay_layer_open(job->devices, verity_package_verified(job->package),
				  job->name, &job->layer, &job->why);
	overlay_span_end(&job->span);
}

static void run_free(struct run *run)
{
	for (size_t i = 0; i < run->count; i++)
		job_free((struct job *)run->slots[i].box);
	free(run->slots);
	cleanup_fd_p(&run->layers_fd);
}

void attaching_release(struct attached *attached)
{
	attached->count = 0;
}

void attaching_free(struct attached *attached)
{
	char folder[PATH_MAX];

	for (; attached->count > 0; attached->count--) {
		snprintf(folder, sizeof(folder), "%s/%zu", attached->layers,
			 attached->count);
		umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
}

static void read_boot_id(char ret[static BOOT_ID_DIGITS + 1])
{
	cleanup_free char *text = NULL;
	size_t size = 0;

	if (verity_io_load(AT_FDCWD, BOOT_ID_PATH, 64, &text, &size, NULL) < 0 ||
	    size < BOOT_ID_DIGITS)
		snprintf(ret, BOOT_ID_DIGITS + 1, "00000000");
	else
		snprintf(ret, BOOT_ID_DIGITS + 1, "%.8s", text);
}

void attaching_device_name(const struct overlay_entry *entry, const char *boot,
			   char ret[static ATTACHING_NAME_BYTES])
{
	snprintf(ret, ATTACHING_NAME_BYTES, VERITY_DEVICE_PREFIX "%s-%c-%s", boot,
		 entry->kind == OVERLAY_PERSISTENT ? 'p' : 'o', entry->name);
}

static int add_job(struct run *run, struct verity_devices *devices, const char *boot,
		   struct verity_error *err)
{
	struct packages *packages = run->packages;
	size_t index = packages->order[run->count].index;
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	job->box.run = job_run;
	job->box.discard = job_discard;
	job->box.limit_us = packages->left_us[index];
	job->devices = devices;
	job->package = steal_ptr(&packages->judged[index]);
	attaching_device_name(&packages->state.entries[index].entry, boot, job->name);
	run->slots[run->count++].box = &job->box;
	return 0;
}

/* The number in the folder's name counts mounted layers alone: there are no gaps. */
static int place(struct run *run, const struct overlay_layer *layer,
		 struct verity_error *err)
{
	char name[24];

	snprintf(name, sizeof(name), "%zu", run->attached->count + 1);
	if (mkdirat(run->layers_fd, name, 0755) < 0 && errno != EEXIST)
		return verity_fail_errno(err, errno, "%s/%s", run->attached->layers,
					 name);
	return overlay_layer_place(layer, run->layers_fd, name, err);
}

static int take(struct run *run, size_t i, struct verity_error *why)
{
	size_t index = run->packages->order[i].index;
	struct overlay_state_entry *entry = &run->packages->state.entries[index];
	const struct box_slot *slot = &run->slots[i];
	struct job *job = (struct job *)slot->box;
	const char *note;

	if (!job || slot->begun_us == 0) {
		if (slot->begun_us > 0)
			patience_span(slot, &entry->attaching);
		patience_reason(run->packages->patience, "mounted", why);
		return -ETIMEDOUT;
	}
	entry->attaching = job->span;
	run->packages->judged[index] = steal_ptr(&job->package);
	if (!job->layer) {
		*why = job->why;
		return -EIO;
	}
	note = overlay_layer_note(job->layer);
	if (note)
		log_line(LOG_LEVEL_INFO, "%s: %s", entry->entry.name, note);
	return place(run, job->layer, why);
}

/* In the order of the stack, whichever was mounted first. */
static void take_all(struct run *run)
{
	struct packages *packages = run->packages;

	for (size_t i = 0; i < run->count; i++) {
		size_t index = packages->order[i].index;
		struct verity_error why;

		if (take(run, i, &why) < 0) {
			packages_refuse(packages, index, &why);
			continue;
		}
		run->attached->count++;
		if (!verity_verified_signed(
			    verity_package_verified(packages->judged[index])))
			run->attached->nosuid = true;
	}
}

static int attach(struct run *run, struct verity_devices *devices,
		  struct verity_error *err)
{
	struct packages *packages = run->packages;
	char boot[BOOT_ID_DIGITS + 1];
	int r = 0;

	read_boot_id(boot);
	for (size_t i = 0; r == 0 && i < packages->order_count; i++)
		r = add_job(run, devices, boot, err);
	if (r < 0)
		return r;
	patience_run(packages->patience, run->slots, run->count,
		     verity_parallel_threads(0));
	take_all(run);
	return 0;
}

/* What stops all of them is why each of them fails. */
static void refuse_all(struct packages *packages, const struct verity_error *why)
{
	for (size_t i = 0; i < packages->order_count; i++)
		packages_refuse(packages, packages->order[i].index, why);
}

int attaching_run(struct packages *packages, const char *layers,
		  struct attached *attached, struct verity_error *err)
{
	cleanup_with(verity_devices_free_p) struct verity_devices *devices = NULL;
	cleanup_with(run_free) struct run run = {
		.packages = packages,
		.attached = attached,
		.slots = calloc(packages->order_count + 1, sizeof(struct box_slot)),
		.layers_fd = open(layers, O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	struct verity_error why;
	int r;

	attached->layers = layers;
	if (!run.slots)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (run.layers_fd < 0)
		return verity_fail_errno(err, errno, "%s", layers);
	if (verity_devices_open(&devices, &why) < 0) {
		refuse_all(packages, &why);
		return 0;
	}
	r = attach(&run, devices, err);
	/* What a thread that never came back may still look at stays. */
	if (packages->patience->stuck > 0)
		devices = NULL;
	return r;
}
