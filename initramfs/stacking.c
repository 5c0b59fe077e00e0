/* SPDX-License-Identifier: MIT */
#include "initramfs/stacking.h"

#include <sys/mount.h>

#include "initramfs/attaching.h"
#include "initramfs/log.h"
#include "overlay/layers.h"
#include "overlay/stack.h"
#include "overlay/submounts.h"
#include "verity/cleanup.h"
#include "verity/device.h"

DEFINE_CLEANUP(struct overlay_submounts, overlay_submounts_free);

static void attached_free_p(struct attached *attached)
{
	attaching_free(attached);
}

static void plan_free_p(struct overlay_stack_plan *plan)
{
	overlay_stack_plan_free(plan);
}

static int stack(const struct attached *attached, const char *layers, const char *root,
		 struct verity_error *err)
{
	cleanup_with(plan_free_p) struct overlay_stack_plan plan = {0};
	cleanup_with(overlay_submounts_free_p) struct overlay_submounts *below = NULL;
	int r = overlay_stack_plan_new(attached->count, attached->nosuid, &plan, err);

	if (r == 0)
		r = overlay_submounts_take(root, &below, err);
	if (r == 0)
		r = overlay_layers_mount_base(layers, root, err);
	if (r == 0)
		r = overlay_stack_mount(layers, &plan, root, err);
	if (r < 0)
		return r;
	r = overlay_submounts_put(below, err);
	if (r < 0)
		umount2(root, MNT_DETACH | UMOUNT_NOFOLLOW);
	return r;
}

/* Activated is what was judged, accepted, mounted and stacked, and nothing else. */
static void mark_active(struct packages *packages)
{
	for (size_t i = 0; i < packages->state.count; i++)
		packages->state.entries[i].active = packages->judged[i] != NULL;
}

static void refuse_all(struct packages *packages, const struct verity_error *why)
{
	for (size_t i = 0; i < packages->state.count; i++)
		if (packages->judged[i])
			packages_refuse(packages, i, why);
}

static int run(struct packages *packages, const char *layers, const char *root,
	       struct verity_error *err)
{
	cleanup_with(attached_free_p) struct attached attached = {0};
	struct overlay_span *steps = packages->state.steps;
	struct verity_error unused;
	int r;

	if (packages->order_count > OVERLAY_STACK_PACKAGES_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%zu packages are to be active, and a stack takes %d",
				   packages->order_count, OVERLAY_STACK_PACKAGES_MAX);
	r = overlay_layers_make(layers, err);
	if (r == 0) {
		overlay_span_begin(&steps[OVERLAY_STEP_ATTACH]);
		r = attaching_run(packages, layers, &attached, err);
		overlay_span_end(&steps[OVERLAY_STEP_ATTACH]);
	}
	if (r < 0 || attached.count == 0)
		return r;
	overlay_span_begin(&steps[OVERLAY_STEP_STACK]);
	r = stack(&attached, layers, root, err);
	if (r == 0)
		attaching_release(&attached);
	else if (overlay_layers_clean(layers, &unused) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", unused.message);
	overlay_span_end(&steps[OVERLAY_STEP_STACK]);
	return r;
}

int stacking_run(struct packages *packages, const char *layers, const char *root,
		 struct verity_error *err)
{
	struct verity_error why = {0};
	int r = 0;

	if (packages->order_count > 0)
		r = run(packages, layers, root, &why);
	if (r < 0) {
		refuse_all(packages, &why);
		if (err)
			*err = why;
	}
	mark_active(packages);
	return r;
}

int stacking_clean(const char *layers, struct verity_error *err)
{
	int mounts = overlay_layers_clean(layers, err);
	int devices = mounts < 0 ? 0 : verity_device_clean(err);

	if (mounts < 0 || devices < 0)
		return -1;
	if (mounts > 0 || devices > 0)
		log_line(LOG_LEVEL_NOTICE,
			 "cleaned up after a run that was cut off: %d mounts, %d devices",
			 mounts, devices);
	return 0;
}
