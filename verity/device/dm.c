/* SPDX-License-Identifier: MIT */

/* ioctl() requests to device-mapper. */

#include "verity/device/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "verity/device/device_node.h"
#include "verity/util/cleanup.h"

#define CONTROL       VERITY_DM_FOLDER "control"
#define CONTROL_MAJOR 10
#define CONTROL_MINOR 236
#define LIST_MIN      (16U << 10) /* bytes */
#define LIST_MAX      (4U << 20)

bool verity_dm_exists(void)
{
	return access("/sys/class/misc/device-mapper", F_OK) == 0;
}

int verity_dm_open(int *ret, struct verity_error *err)
{
	int fd = verity_device_node_open(CONTROL, O_RDWR, S_IFCHR,
					 makedev(CONTROL_MAJOR, CONTROL_MINOR));

	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no device-mapper (CONFIG_BLK_DEV_DM)");
	if (fd < 0)
		return verity_fail_errno(err, -fd, CONTROL);
	*ret = fd;
	return 0;
}

int verity_dm_ask(int control, unsigned command, const char *name,
		  struct dm_ioctl *request, size_t bytes)
{
	request->version[0] = DM_VERSION_MAJOR;
	request->data_size = (uint32_t)bytes;
	request->data_start = sizeof(*request);
	snprintf(request->name, sizeof(request->name), "%s", name);
	return ioctl(control, command, request) < 0 ? -errno : 0;
}

bool verity_dm_has_target(int control, const char *target)
{
	struct {
		struct dm_ioctl head;
		char room[512];
	} request = {.head.flags = 0};

	return verity_dm_ask(control, DM_GET_TARGET_VERSION, target, &request.head,
			     sizeof(request)) == 0;
}

int verity_dm_remove(int control, const char *name)
{
	char path[sizeof(VERITY_DM_FOLDER) + VERITY_DM_NAME_MAX];
	struct dm_ioctl request = {.flags = DM_DEFERRED_REMOVE};
	struct stat st;
	int r = verity_dm_ask(control, DM_DEV_REMOVE, name, &request, sizeof(request));

	if (r < 0)
		return r;
	if (request.flags & DM_DEFERRED_REMOVE)
		return 0;
	/* The node that libdevmapper made without udev; udev's own is a link. */
	snprintf(path, sizeof(path), VERITY_DM_FOLDER "%s", name);
	if (lstat(path, &st) == 0 && S_ISBLK(st.st_mode))
		(void)unlink(path);
	return 1;
}

/* All devices, in a buffer that grows to fit. */
static int list_all(int control, struct dm_ioctl **ret, struct verity_error *err)
{
	for (size_t bytes = LIST_MIN; bytes <= LIST_MAX; bytes *= 2) {
		cleanup_free struct dm_ioctl *list = calloc(1, bytes);
		int r;

		if (!list)
			return verity_no_memory(err);
		r = verity_dm_ask(control, DM_LIST_DEVICES, "", list, bytes);
		if (r < 0)
			return verity_fail_errno(err, -r, CONTROL);
		if (list->flags & DM_BUFFER_FULL_FLAG)
			continue;
		*ret = steal_ptr(&list);
		return 0;
	}
	return verity_fail(err, VERITY_E_TOO_MANY, CONTROL ": too many devices");
}

int verity_dm_remove_all(int control, bool (*matches)(const char *name),
			 struct verity_error *err)
{
	cleanup_free struct dm_ioctl *list = NULL;
	const struct dm_name_list *item;
	int count = 0, r = list_all(control, &list, err);

	if (r < 0)
		return r;
	for (uint32_t at = list->data_start; at + sizeof(*item) < list->data_size;
	     at += item->next) {
		item = (const void *)((const char *)list + at);
		if (item->dev && matches(item->name) &&
		    verity_dm_remove(control, item->name) > 0)
			count++;
		if (item->next == 0)
			break;
	}
	return count;
}
