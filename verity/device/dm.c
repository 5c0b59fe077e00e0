/* SPDX-License-Identifier: MIT */
#include "verity/device/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		verity_device_node(CONTROL, S_IFCHR,
				   makedev(CONTROL_MAJOR, CONTROL_MINOR));
		fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no device-mapper (CONFIG_BLK_DEV_DM)");
	if (fd < 0)
		return verity_fail_errno(err, errno, CONTROL);
	*ret = fd;
	return 0;
}

/* What the kernel answers takes the place of @request. */
static int ask(int control, unsigned long command, const char *name, uint32_t flags,
	       struct dm_ioctl *request, size_t bytes)
{
	memset(request, 0, bytes);
	request->version[0] = DM_VERSION_MAJOR;
	request->data_size = (uint32_t)bytes;
	request->data_start = sizeof(*request);
	request->flags = flags;
	snprintf(request->name, sizeof(request->name), "%s", name);
	return ioctl(control, command, request) < 0 ? -errno : 0;
}

bool verity_dm_has_target(int control, const char *target)
{
	struct {
		struct dm_ioctl head;
		char room[512];
	} request;

	return ask(control, DM_GET_TARGET_VERSION, target, 0, &request.head,
		   sizeof(request)) == 0;
}

/* What libdevmapper makes where there is no udev; udev's own is a link. */
static void remove_node(const char *name)
{
	char path[sizeof(VERITY_DM_FOLDER) + VERITY_DM_NAME_MAX];
	struct stat st;

	snprintf(path, sizeof(path), VERITY_DM_FOLDER "%s", name);
	if (lstat(path, &st) == 0 && S_ISBLK(st.st_mode))
		(void)unlink(path);
}

int verity_dm_remove(int control, const char *name)
{
	struct dm_ioctl request;
	int r = ask(control, DM_DEV_REMOVE, name, DM_DEFERRED_REMOVE, &request,
		    sizeof(request));

	if (r < 0)
		return r;
	if (request.flags & DM_DEFERRED_REMOVE)
		return 0;
	remove_node(name);
	return 1;
}

/* In a buffer that grows to fit. */
static int list_all(int control, struct dm_ioctl **ret, struct verity_error *err)
{
	for (size_t bytes = LIST_MIN; bytes <= LIST_MAX; bytes *= 2) {
		cleanup_free struct dm_ioctl *list = malloc(bytes);
		int r;

		if (!list)
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
		r = ask(control, DM_LIST_DEVICES, "", 0, list, bytes);
		if (r < 0)
			return verity_fail_errno(err, -r, CONTROL);
		if (list->flags & DM_BUFFER_FULL_FLAG)
			continue;
		*ret = steal_ptr(&list);
		return 0;
	}
	return verity_fail(err, VERITY_E_TOO_MANY, CONTROL ": too many devices");
}

static const struct dm_name_list *item_at(const struct dm_ioctl *list, uint32_t place)
{
	const struct dm_name_list *item;

	if (place + sizeof(*item) >= list->data_size)
		return NULL;
	item = (const struct dm_name_list *)(const void *)((const char *)list + place);
	return item->dev ? item : NULL;
}

static const struct dm_name_list *item_after(const struct dm_ioctl *list,
					     const struct dm_name_list *item)
{
	uint32_t place = (uint32_t)((const char *)item - (const char *)list);

	return item->next ? item_at(list, place + item->next) : NULL;
}

/* The strings lie behind the pointers; without @ret, only counted. */
static size_t collect(const struct dm_ioctl *list, const char *prefix, char **ret,
		      char *room)
{
	const struct dm_name_list *item = item_at(list, list->data_start);
	size_t count = 0;

	for (; item; item = item_after(list, item)) {
		if (strncmp(item->name, prefix, strlen(prefix)) != 0)
			continue;
		if (ret)
			ret[count] = room + count * (VERITY_DM_NAME_MAX + 1);
		if (ret)
			snprintf(ret[count], VERITY_DM_NAME_MAX + 1, "%s", item->name);
		count++;
	}
	return count;
}

int verity_dm_list(int control, const char *prefix, char ***ret, size_t *ret_count,
		   struct verity_error *err)
{
	cleanup_free struct dm_ioctl *list = NULL;
	char **names;
	size_t count;
	int r = list_all(control, &list, err);

	if (r < 0)
		return r;
	count = collect(list, prefix, NULL, NULL);
	names = malloc((count + 1) * (sizeof(char *) + VERITY_DM_NAME_MAX + 1));
	if (!names)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	collect(list, prefix, names, (char *)(names + count + 1));
	*ret = names;
	*ret_count = count;
	return 0;
}
