/* SPDX-License-Identifier: MIT */
#include "initramfs/stacking.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "initramfs/log.h"
#include "overlay/folder.h"
#include "overlay/layer.h"
#include "overlay/layers.h"
#include "overlay/stack.h"
#include "overlay/submounts.h"
#include "verity/cleanup.h"
#include "verity/device.h"
#include "verity/io.h"

#define BOOT_ID_PATH   "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_DIGITS 8 /* taken of it */
#define DM_NAME_BYTES                                                                    \
	(sizeof(VERITY_DEVICE_PREFIX) + BOOT_ID_DIGITS + 3 + VERITY_NAME_MAX + 1)

DEFINE_CLEANUP(struct overlay_submounts, overlay_submounts_free);

/* The mounted layers, the one on top first. */
struct mounted {
	struct overlay_layer **layers;
	size_t count;
	bool nosuid; /* one of them is not signed */
};

static void mounted_free_p(struct mounted *mounted)
{
	for (size_t i = 0; i < mounted->count; i++)
		overlay_layer_free(mounted->layers[i]);
	free(mounted->layers);
}

static void plan_free_p(struct overlay_stack_plan *plan)
{
	overlay_stack_plan_free(plan);
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

/* Unique among the packages of a boot, and unlike what another boot left behind. */
static void device_name(const struct overlay_entry *entry, char ret[static DM_NAME_BYTES])
{
	char boot[BOOT_ID_DIGITS + 1];

	read_boot_id(boot);
	snprintf(ret, DM_NAME_BYTES, VERITY_DEVICE_PREFIX "%s-%c-%s", boot,
		 entry->kind == OVERLAY_PERSISTENT ? 'p' : 'o', entry->name);
}

/* The number in the folder's name counts mounted layers alone: there are no gaps. */
static int mount_one(const struct overlay_order_item *item,
		     const struct verity_verified *verified, const char *layers,
		     struct mounted *mounted, struct verity_error *err)
{
	char folder[PATH_MAX];
	char name[DM_NAME_BYTES];
	const char *note;
	int r;

	snprintf(folder, sizeof(folder), "%s/%zu", layers, mounted->count + 1);
	device_name(&item->entry, name);
	r = overlay_folder_make(folder, 0755, err);
	if (r == 0)
		r = overlay_layer_mount(verified, name, folder,
					&mounted->layers[mounted->count], err);
	if (r < 0)
		return r;
	note = overlay_layer_note(mounted->layers[mounted->count]);
	if (note)
		log_line(LOG_LEVEL_INFO, "%s: %s", item->entry.name, note);
	mounted->count++;
	mounted->nosuid = mounted->nosuid || !verity_verified_signed(verified);
	return 0;
}

static int mount_all(struct packages *packages, const char *layers,
		     struct mounted *mounted, struct verity_error *err)
{
	mounted->layers = calloc(packages->order_count, sizeof(struct overlay_layer *));
	if (!mounted->layers)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < packages->order_count; i++) {
		const struct overlay_order_item *item = &packages->order[i];
		struct verity_error why = {0};

		if (mount_one(item,
			      verity_package_verified(packages->judged[item->index]),
			      layers, mounted, &why) < 0)
			packages_refuse(packages, item->index, &why);
	}
	return 0;
}

static int stack(const struct mounted *mounted, const char *layers, const char *root,
		 struct verity_error *err)
{
	cleanup_with(plan_free_p) struct overlay_stack_plan plan = {0};
	cleanup_with(overlay_submounts_free_p) struct overlay_submounts *below = NULL;
	int r = overlay_stack_plan_new(mounted->count, mounted->nosuid, &plan, err);

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
	cleanup_with(mounted_free_p) struct mounted mounted = {0};
	struct verity_error unused;
	int r;

	if (packages->order_count > OVERLAY_STACK_PACKAGES_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%zu packages are to be active, and a stack takes %d",
				   packages->order_count, OVERLAY_STACK_PACKAGES_MAX);
	r = overlay_layers_make(layers, err);
	if (r == 0)
		r = mount_all(packages, layers, &mounted, err);
	if (r < 0 || mounted.count == 0)
		return r;
	r = stack(&mounted, layers, root, err);
	if (r < 0) {
		if (overlay_layers_clean(layers, &unused) < 0)
			log_line(LOG_LEVEL_WARNING, "%s", unused.message);
		return r;
	}
	for (size_t i = 0; i < mounted.count; i++)
		overlay_layer_release(mounted.layers[i]);
	mounted.count = 0;
	return 0;
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
