/* SPDX-License-Identifier: MIT */
#include "initramfs/attaching.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs/log.h"
#include "overlay/folder.h"
#include "verity/cleanup.h"
#include "verity/device.h"
#include "verity/io.h"

#define BOOT_ID_PATH   "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_DIGITS 8 /* taken of it */

void attaching_free(struct attached *attached)
{
	for (size_t i = 0; i < attached->count; i++)
		overlay_layer_free(attached->layers[i]);
	free(attached->layers);
	attached->layers = NULL;
	attached->count = 0;
}

void attaching_release(struct attached *attached)
{
	for (size_t i = 0; i < attached->count; i++)
		overlay_layer_release(attached->layers[i]);
	attached->count = 0;
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

/* The number in the folder's name counts mounted layers alone: there are no gaps. */
static int mount_one(const struct overlay_order_item *item,
		     const struct verity_verified *verified, const char *layers,
		     struct attached *attached, struct verity_error *err)
{
	char folder[PATH_MAX];
	char name[ATTACHING_NAME_BYTES];
	char boot[BOOT_ID_DIGITS + 1];
	const char *note;
	int r;

	snprintf(folder, sizeof(folder), "%s/%zu", layers, attached->count + 1);
	read_boot_id(boot);
	attaching_device_name(&item->entry, boot, name);
	r = overlay_folder_make(folder, 0755, err);
	if (r == 0)
		r = overlay_layer_mount(verified, name, folder,
					&attached->layers[attached->count], err);
	if (r < 0)
		return r;
	note = overlay_layer_note(attached->layers[attached->count]);
	if (note)
		log_line(LOG_LEVEL_INFO, "%s: %s", item->entry.name, note);
	attached->count++;
	attached->nosuid = attached->nosuid || !verity_verified_signed(verified);
	return 0;
}

int attaching_run(struct packages *packages, const char *layers,
		  struct attached *attached, struct verity_error *err)
{
	attached->layers = calloc(packages->order_count, sizeof(struct overlay_layer *));
	if (!attached->layers)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < packages->order_count; i++) {
		const struct overlay_order_item *item = &packages->order[i];
		struct overlay_span *span =
			&packages->state.entries[item->index].attaching;
		struct verity_error why = {0};
		int r;

		overlay_span_begin(span);
		r = mount_one(item,
			      verity_package_verified(packages->judged[item->index]),
			      layers, attached, &why);
		overlay_span_end(span);
		if (r < 0)
			packages_refuse(packages, item->index, &why);
	}
	return 0;
}
