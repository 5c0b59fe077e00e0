/* SPDX-License-Identifier: MIT */
/* Reading block devices from sysfs. */
#include "installer/media/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

#define SECTOR      512
#define DEPTH_MAX   8 /* of devices that are made of others */
#define UEVENT_MAX  4096
#define PART_PREFIX "PARTNAME="

void media_list_free(struct media_list *list)
{
	free(list->items);
	*list = (struct media_list){NULL, 0};
}

const char *media_bus_name(enum media_bus bus)
{
	return bus == MEDIA_SD ? "SD" : bus == MEDIA_USB ? "USB" : "internal";
}

/* The first @room - 1 bytes of an attribute, without its line end. */
static bool __attribute__((format(printf, 4, 5)))
read_text(int sysfs, char *ret, size_t room, const char *format, ...)
{
	cleanup_fd int fd = -1;
	char path[PATH_MAX];
	va_list args;
	ssize_t size;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, ret, room - 1);
	if (size < 0)
		return false;
	while (size > 0 && ret[size - 1] == '\n')
		size--;
	ret[size] = '\0';
	return true;
}

static uint64_t read_number(int sysfs, const char *folder, const char *name)
{
	char text[32];

	return read_text(sysfs, text, sizeof(text), "%s/%s", folder, name)
		       ? strtoull(text, NULL, 10)
		       : 0;
}

static bool read_device(int sysfs, const char *folder, dev_t *ret)
{
	char text[32];
	unsigned first, second;

	if (!read_text(sysfs, text, sizeof(text), "%s/dev", folder) ||
	    sscanf(text, "%u:%u", &first, &second) != 2)
		return false;
	*ret = makedev(first, second);
	return true;
}

static bool text_is(int sysfs, const char *folder, const char *name, const char *text)
{
	char found[32];

	return read_text(sysfs, found, sizeof(found), "%s/%s", folder, name) &&
	       strcmp(found, text) == 0;
}

/* Where a link of sysfs leads. */
static bool read_link(int sysfs, char ret[static PATH_MAX], const char *folder,
		      const char *name)
{
	char path[PATH_MAX];
	ssize_t size;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	size = readlinkat(sysfs, path, ret, PATH_MAX - 1);
	ret[size < 0 ? 0 : size] = '\0';
	return size > 0;
}

static bool belongs_to(int sysfs, const char *folder, const char *subsystem)
{
	char target[PATH_MAX];
	const char *slash;

	if (!read_link(sysfs, target, folder, "subsystem"))
		return false;
	slash = strrchr(target, '/');
	return slash && strcmp(slash + 1, subsystem) == 0;
}

/* Goes up one folder; false at the top. */
static bool go_up(char *folder)
{
	char *slash = strrchr(folder, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

/*
 * What the disk is connected to. A USB device that is soldered in says so, unless its own
 * medium can be taken out, as with a card reader. A hub says it only for itself.
 */
static void find_bus(int sysfs, const char *disk, struct media_item *item)
{
	bool removable = text_is(sysfs, disk, "removable", "1");
	char folder[PATH_MAX], fixed[32];

	item->bus = MEDIA_OTHER;
	item->plugged = false;
	snprintf(folder, sizeof(folder), "%s", disk);
	while (go_up(folder)) {
		bool is_usb = belongs_to(sysfs, folder, "usb");

		if (belongs_to(sysfs, folder, "mmc") &&
		    text_is(sysfs, folder, "type", "SD")) {
			item->bus = MEDIA_SD;
			item->plugged = !text_is(sysfs, folder, "removable", "fixed");
			return;
		}
		if (is_usb && item->bus == MEDIA_OTHER) {
			item->bus = MEDIA_USB;
			item->plugged = true;
		}
		if (is_usb &&
		    read_text(sysfs, fixed, sizeof(fixed), "%s/removable", folder)) {
			item->plugged = removable || strcmp(fixed, "fixed") != 0;
			return;
		}
	}
}

/* The kernel replaces what is not ASCII in it by '!'. */
static void find_part_label(int sysfs, const char *folder, struct media_item *item)
{
	char text[UEVENT_MAX + 1] = "\n";
	const char *at;

	if (!read_text(sysfs, text + 1, sizeof(text) - 1, "%s/uevent", folder))
		return;
	at = strstr(text, "\n" PART_PREFIX);
	if (!at)
		return;
	at += strlen("\n" PART_PREFIX);
	snprintf(item->part_label, sizeof(item->part_label), "%.*s",
		 (int)strcspn(at, "\n"), at);
}

/* A device that disappears meanwhile is left out. */
static bool read_item(int sysfs, const char *name, struct media_item *ret)
{
	struct media_item item = {.name = ""};
	char target[PATH_MAX];
	const char *slash;
	char *folder = target; /* below /sys: "devices/pci0000:00/…/block/sda/sda1" */

	if (strlen(name) >= sizeof(item.name) ||
	    !read_link(sysfs, target, "class/block", name))
		return false;
	while (strncmp(folder, "../", 3) == 0)
		folder += 3;
	if (strncmp(folder, "devices/", 8) != 0 ||
	    !read_device(sysfs, folder, &item.number))
		return false;
	strcpy(item.name, name);
	item.bytes = read_number(sysfs, folder, "size") * SECTOR;
	item.partition = (unsigned)read_number(sysfs, folder, "partition");
	if (item.partition > 0) {
		find_part_label(sysfs, folder, &item);
		go_up(folder);
	}
	if (!read_device(sysfs, folder, &item.disk_number))
		return false;
	slash = strrchr(folder, '/');
	if (!slash)
		return false;
	snprintf(item.disk, sizeof(item.disk), "%.*s", MEDIA_NAME_MAX - 1, slash + 1);
	find_bus(sysfs, folder, &item);
	*ret = item;
	return item.bytes > 0;
}

bool media_scan_connected(const char *sysfs, const char *name, dev_t number)
{
	cleanup_fd int fd = open(sysfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct media_item item;

	return fd >= 0 && read_item(fd, name, &item) && item.number == number;
}

static int compare(const void *left, const void *right)
{
	const struct media_item *a = left, *b = right;
	size_t a_size = strlen(a->disk), b_size = strlen(b->disk);

	if (a->bus != b->bus)
		return a->bus < b->bus ? -1 : 1;
	/* sdb comes before sdaa */
	if (a_size != b_size)
		return a_size < b_size ? -1 : 1;
	if (strcmp(a->disk, b->disk) != 0)
		return strcmp(a->disk, b->disk);
	return a->partition < b->partition ? -1 : a->partition > b->partition;
}

void media_list_mark_system(struct media_list *list, const char *disk)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].disk, disk) == 0)
			list->items[i].system = true;
}

/* A device of the device mapper, or a RAID, is made of others, which count as well. */
static void mark_with_slaves(int sysfs, struct media_list *list, dev_t number, int depth)
{
	cleanup_dir DIR *dir = NULL;
	char folder[PATH_MAX];
	struct dirent *entry;
	dev_t slave;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].number == number)
			media_list_mark_system(list, list->items[i].disk);
	snprintf(folder, sizeof(folder), "dev/block/%u:%u/slaves", major(number),
		 minor(number));
	if (depth >= DEPTH_MAX || verity_dir_open(sysfs, folder, &dir) < 0)
		return;
	while ((entry = readdir(dir))) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "class/block/%s", entry->d_name);
		if (entry->d_name[0] != '.' && read_device(sysfs, path, &slave))
			mark_with_slaves(sysfs, list, slave, depth + 1);
	}
}

int media_scan(const char *sysfs, const dev_t *system, size_t system_count,
	       struct media_list *ret, struct verity_error *err)
{
	cleanup_fd int fd = open(sysfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_with(media_list_free) struct media_list list = {
		.items = calloc(MEDIA_ITEMS_MAX, sizeof(*list.items))};
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int r;

	if (!list.items)
		return verity_no_memory(err);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s: cannot be read", sysfs);
	r = verity_dir_open(fd, "class/block", &dir);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s: class/block", sysfs);
	while ((entry = readdir(dir)) && list.count < MEDIA_ITEMS_MAX)
		list.count += entry->d_name[0] != '.' &&
			      read_item(fd, entry->d_name, &list.items[list.count]);
	qsort(list.items, list.count, sizeof(*list.items), compare);
	for (size_t i = 0; i < list.count; i++)
		for (size_t k = 0; k < list.count; k++)
			list.items[i].has_partitions |=
				list.items[k].partition > 0 &&
				strcmp(list.items[k].disk, list.items[i].name) == 0;
	for (size_t i = 0; i < system_count; i++)
		mark_with_slaves(fd, &list, system[i], 0);
	*ret = list;
	list = (struct media_list){NULL, 0};
	return 0;
}
