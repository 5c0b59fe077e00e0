/* SPDX-License-Identifier: MIT */
#include "initramfs/mount_stack.h"

#include "initramfs/attach.h"
#include "initramfs/hierarchies.h"
#include "initramfs/log.h"
#include "overlay/stack/layers_dir.h"
#include "verity/device/device.h"
#include "verity/util/cleanup.h"

static void attached_free_p(struct attached *attached)
{
	attaching_free(attached);
}

static void views_free_p(struct views *views)
{
	views_free(views);
}

/* Whether changes go into memory in place of DATA, and why. */
static bool replace_upper(const struct boot *boot, const struct verity_error *why)
{
	if (boot->config.upper != OVERLAY_UPPER_DATA)
		return false;
	log_line(LOG_LEVEL_WARNING,
		 "upper: DATA/%s is not used: %s; changes go into memory and are lost at "
		 "the next boot",
		 boot->config.upper_folder, why->message);
	return true;
}

static int stack(const struct packages *packages, const struct attached *attached,
		 const struct boot *boot, struct verity_error *err)
{
	cleanup_with(views_free_p) struct views views = {0};
	enum overlay_upper upper = boot->config.upper;
	struct verity_error why = {0};
	int r = views_make(packages, attached, boot, &views, err);

	if (r < 0)
		return r;
	if (boot->conf.safe && upper == OVERLAY_UPPER_DATA) {
		verity_fail(&why, VERITY_E_SAFE_MODE, "safe mode");
		(void)replace_upper(boot, &why);
		upper = OVERLAY_UPPER_TMPFS;
	}
	r = views_mount(&views, upper, &why);
	if (r < 0 && upper == OVERLAY_UPPER_DATA && replace_upper(boot, &why))
		r = views_mount(&views, OVERLAY_UPPER_TMPFS, &why);
	if (r < 0 && err)
		*err = why;
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

static int attach(struct packages *packages, const struct boot *boot,
		  struct attached *attached, struct verity_error *err)
{
	struct overlay_span *span = &packages->state.steps[OVERLAY_STEP_ATTACH];
	int r;

	if (packages->order_count == 0)
		return 0;
	overlay_span_begin(span);
	r = attaching_run(packages, boot->layers, attached, err);
	overlay_span_end(span);
	return r;
}

static int run(struct packages *packages, const struct boot *boot,
	       struct verity_error *err)
{
	cleanup_with(attached_free_p) struct attached attached = {0};
	struct overlay_span *span = &packages->state.steps[OVERLAY_STEP_STACK];
	struct verity_error unused;
	int r;

	if (packages->order_count > OVERLAY_STACK_PACKAGES_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%zu packages are to be active, and a stack takes %d",
				   packages->order_count, OVERLAY_STACK_PACKAGES_MAX);
	r = overlay_layers_make(boot->layers, err);
	if (r == 0)
		r = attach(packages, boot, &attached, err);
	if (r < 0 || (attached.count == 0 && boot->config.upper == OVERLAY_UPPER_NONE))
		return r;
	overlay_span_begin(span);
	r = stack(packages, &attached, boot, err);
	if (r == 0)
		attaching_release(&attached);
	else if (overlay_layers_clean(boot->layers, &unused) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", unused.message);
	overlay_span_end(span);
	return r;
}

int stacking_run(struct packages *packages, const struct boot *boot,
		 struct verity_error *err)
{
	struct verity_error why = {0};
	int r = 0;

	if (packages->order_count > 0 || boot->config.upper != OVERLAY_UPPER_NONE)
		r = run(packages, boot, &why);
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
