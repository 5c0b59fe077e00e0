/* SPDX-License-Identifier: MIT */
#include "installer/media/scan.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "installer/media/view.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define XHCI "devices/pci0000:00/0000:00:04.0/usb1"
#define MMC  "devices/pci0000:00/0000:00:05.0/mmc_host"

static void make_folders(const char *path)
{
	char part[512];

	for (size_t i = 1; path[i]; i++)
		if (path[i] == '/') {
			snprintf(part, sizeof(part), "%.*s", (int)i, path);
			mkdir(part, 0755);
		}
	mkdir(path, 0755);
}

static void put(const char *folder, const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "sys/%s/%s", folder, name);
	scratch_write(path, text);
}

/* A device on a bus, with the attributes that tell what it is; NULL: it has none. */
static void put_bus(const char *folder, const char *subsystem, const char *removable,
		    const char *type)
{
	char path[512];

	snprintf(path, sizeof(path), "sys/%s", folder);
	make_folders(path);
	snprintf(path, sizeof(path), "sys/%s/subsystem", folder);
	assert_int_equal(symlink(subsystem, path), 0);
	if (removable)
		put(folder, "removable", removable);
	if (type)
		put(folder, "type", type);
}

/* A block device @folder/block/NAME, or @folder/NAME with @partition. */
static void put_block(const char *folder, const char *name, const char *number,
		      const char *sectors, const char *partition)
{
	char path[512], target[512];

	snprintf(path, sizeof(path), "%s/%s%s", folder, partition ? "" : "block/", name);
	snprintf(target, sizeof(target), "sys/%s", path);
	make_folders(target);
	put(path, "dev", number);
	put(path, "size", sectors);
	if (partition)
		put(path, "partition", partition);
	else
		put(path, "removable", "0\n");
	make_folders("sys/class/block");
	snprintf(target, sizeof(target), "../../%s", path);
	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	assert_int_equal(symlink(target, path), 0);
}

/* What `dm-0` lies on. */
static void put_slave(const char *number, const char *folder, const char *slave)
{
	char path[512], target[512];

	make_folders("sys/dev/block");
	snprintf(path, sizeof(path), "sys/dev/block/%s", number);
	snprintf(target, sizeof(target), "../../%s", folder);
	assert_int_equal(symlink(target, path), 0);
	snprintf(path, sizeof(path), "sys/%s/slaves/%s", folder, slave);
	make_folders(path);
}

/* A device with all that there can be. */
static int make_sysfs(void **state)
{
	if (scratch_enter(state) < 0)
		return -1;
	/* a disk inside */
	put_bus("devices/pci0000:00/0000:00:01.0/ata1", "../../scsi", NULL, NULL);
	put_block("devices/pci0000:00/0000:00:01.0/ata1", "sda", "8:0\n", "4096\n", NULL);
	put_block("devices/pci0000:00/0000:00:01.0/ata1/block/sda", "sda1", "8:1\n",
		  "2048\n", "1\n");
	/* a stick with two partitions, at a hub that is soldered in */
	put_bus(XHCI, "../../bus/usb", "unknown\n", NULL);
	put_bus(XHCI "/1-1", "../../../bus/usb", "fixed\n", NULL);
	put_bus(XHCI "/1-1/1-1.2", "../../../bus/usb", "removable\n", NULL);
	put_bus(XHCI "/1-1/1-1.2/1-1.2:1.0", "../../../bus/usb", NULL, NULL);
	put_bus(XHCI "/1-1/1-1.2/1-1.2:1.0/host0", "../../../bus/scsi", NULL, NULL);
	put_block(XHCI "/1-1/1-1.2/1-1.2:1.0/host0", "sdb", "8:16\n", "8192\n", NULL);
	put_block(XHCI "/1-1/1-1.2/1-1.2:1.0/host0/block/sdb", "sdb10", "8:26\n",
		  "1024\n", "10\n");
	put_block(XHCI "/1-1/1-1.2/1-1.2:1.0/host0/block/sdb", "sdb2", "8:18\n", "1024\n",
		  "2\n");
	put(XHCI "/1-1/1-1.2/1-1.2:1.0/host0/block/sdb/sdb2", "uevent",
	    "MAJOR=8\nMINOR=18\nDEVNAME=sdb2\nPARTN=2\nPARTNAME=my service\nX=1\n");
	/* USB storage that is soldered in; and a reader of cards that is */
	put_bus(XHCI "/1-3", "../../../bus/usb", "fixed\n", NULL);
	put_block(XHCI "/1-3", "sdc", "8:32\n", "2048\n", NULL);
	put_bus(XHCI "/1-4", "../../../bus/usb", "fixed\n", NULL);
	put_block(XHCI "/1-4", "sdd", "8:48\n", "2048\n", NULL);
	put(XHCI "/1-4/block/sdd", "removable", "1\n");
	put_block(XHCI "/1-4", "sde", "8:64\n", "0\n", NULL); /* an empty slot */
	/* the 27th stick, which has no partition table */
	put_bus(XHCI "/1-5", "../../../bus/usb", NULL, NULL);
	put_block(XHCI "/1-5", "sdaa", "65:160\n", "2048\n", NULL);
	/* eMMC, an SD card, an SD card that is soldered in */
	put_bus(MMC "/mmc0/mmc0:0001", "../../bus/mmc", NULL, "MMC\n");
	put_block(MMC "/mmc0/mmc0:0001", "mmcblk0", "179:0\n", "2048\n", NULL);
	put_bus(MMC "/mmc1/mmc1:0001", "../../bus/mmc", "removable\n", "SD\n");
	put_block(MMC "/mmc1/mmc1:0001", "mmcblk1", "179:8\n", "2048\n", NULL);
	put_block(MMC "/mmc1/mmc1:0001/block/mmcblk1", "mmcblk1p1", "179:9\n", "1024\n",
		  "1\n");
	put_bus(MMC "/mmc2/mmc2:0001", "../../bus/mmc", "fixed\n", "SD\n");
	put_block(MMC "/mmc2/mmc2:0001", "mmcblk2", "179:16\n", "2048\n", NULL);
	/* one that is made of a partition of the stick */
	put_block("devices/virtual", "dm-0", "254:0\n", "1024\n", NULL);
	put_slave("254:0", "devices/virtual/block/dm-0", "sdb10");
	/* what is none */
	put_block("devices/virtual", "loop0", "7:0\n", "0\n", NULL);
	put_block("devices/virtual", "broken", "what\n", "8\n", NULL);
	assert_int_equal(symlink("/etc", "sys/class/block/sdz"), 0);
	return 0;
}

static struct media_list scan(const dev_t *system, size_t count)
{
	struct media_list list;
	struct verity_error err;

	check_ok(media_scan("sys", system, count, &list, &err), &err);
	return list;
}

static const char *summary(const struct media_list *list)
{
	static char text[2048];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->count; i++) {
		const struct media_item *item = &list->items[i];

		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s:%s%s%s%s", i ? " " : "",
			item->name, media_bus_name(item->bus), item->plugged ? "+" : "",
			item->system ? "!" : "", item->has_partitions ? "/" : "");
	}
	return text;
}

static void test_order(void **state)
{
	cleanup_with(media_list_free) struct media_list list = scan(NULL, 0);

	(void)state;
	assert_string_equal(summary(&list),
			    "mmcblk1:SD+/ mmcblk1p1:SD+ mmcblk2:SD "
			    "sdb:USB+/ sdb2:USB+ sdb10:USB+ sdc:USB sdd:USB+ sdaa:USB+ "
			    "sda:internal/ sda1:internal dm-0:internal mmcblk0:internal");
}

static void test_facts(void **state)
{
	cleanup_with(media_list_free) struct media_list list = scan(NULL, 0);
	const struct media_item *item = &list.items[4];

	(void)state;
	assert_string_equal(item->name, "sdb2");
	assert_string_equal(item->disk, "sdb");
	assert_int_equal(item->partition, 2);
	assert_int_equal(item->number, makedev(8, 18));
	assert_int_equal(item->bytes, 1024 * 512);
	assert_string_equal(item->part_label, "my service");
	assert_int_equal(item->probed, MEDIA_NOT_PROBED);
	assert_string_equal(list.items[5].part_label, "");
	assert_string_equal(list.items[8].disk, "sdaa");
}

/* All of a disk, and what is below a device that is made of it. */
static void test_system(void **state)
{
	static const struct {
		unsigned major, minor;
		const char *marked;
	} cases[] = {
		{8, 1, "sda sda1"},
		{179, 9, "mmcblk1 mmcblk1p1"},
		{254, 0, "sdb sdb2 sdb10 dm-0"},
		{65, 160, "sdaa"},
		{1, 2, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dev_t system = makedev(cases[i].major, cases[i].minor);
		cleanup_with(media_list_free) struct media_list list = scan(&system, 1);
		char marked[256] = "";

		for (size_t k = 0; k < list.count; k++)
			if (list.items[k].system) {
				strcat(marked, marked[0] ? " " : "");
				strcat(marked, list.items[k].name);
			}
		assert_string_equal(marked, cases[i].marked);
	}
}

static void test_no_sysfs(void **state)
{
	struct media_list list;
	struct verity_error err;

	(void)state;
	assert_int_equal(media_scan("nowhere", NULL, 0, &list, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "nowhere: cannot be read: No such file or directory");
}

/* What was found on a device: of the type, with the volume's label and the UUID. */
static void find(struct media_list *list, const char *name, const char *type,
		 const char *volume, const char *uuid)
{
	for (size_t i = 0; i < list->count; i++) {
		struct media_item *item = &list->items[i];

		if (strcmp(item->name, name) != 0)
			continue;
		item->probed = strcmp(type, "ntfs") == 0 ? MEDIA_UNKNOWN : MEDIA_KNOWN;
		item->reserved = strcmp(volume, "EFI") == 0;
		snprintf(item->type, sizeof(item->type), "%s", type);
		snprintf(item->volume, sizeof(item->volume), "%s", volume);
		snprintf(item->uuid, sizeof(item->uuid), "%s", uuid);
	}
}

static void test_external(void **state)
{
	static const struct {
		const char *known; /* device with a file system that can be read */
		const char *other; /* device with another one */
		unsigned system;   /* major << 8 | minor; 0: none */
		const char *wanted;
	} cases[] = {
		{"mmcblk1p1", "", 0, "mmcblk1p1"},
		{"sdb2", "mmcblk1p1", 0, "sdb2"},
		{"sdb10", "sdb2", 0, "sdb10"},
		{"sdaa", "", 0, "sdaa"},
		{"sdd", "", 0, "sdd"},
		/* none that can be read: the first, so that it can be said why not */
		{"", "sdb2", 0, "mmcblk1p1"},
		{"mmcblk0", "", 0, "mmcblk1p1"},
		/* never what the device runs from, nor what cannot be pulled out */
		{"mmcblk1p1", "", 179 << 8 | 8, "sdb2"},
		{"sda1", "", 179 << 8 | 9, "sdb2"},
		{"sdc", "mmcblk2", 179 << 8 | 9, "sdb2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		dev_t system = makedev(cases[i].system >> 8, cases[i].system & 0xff);
		cleanup_with(media_list_free) struct media_list list =
			scan(&system, cases[i].system ? 1 : 0);

		find(&list, cases[i].known, "vfat", "STICK", "");
		find(&list, cases[i].other, "ntfs", "STICK", "");
		assert_string_equal(media_choose(&list, NULL, 0)->name, cases[i].wanted);
	}
}

/* A partition for the firmware is the last choice, and better than none. */
static void test_reserved(void **state)
{
	cleanup_with(media_list_free) struct media_list list = scan(NULL, 0);

	(void)state;
	find(&list, "mmcblk1p1", "vfat", "EFI", "");
	assert_string_equal(media_choose(&list, NULL, 0)->name, "mmcblk1p1");
	find(&list, "sdb2", "vfat", "EFI", "");
	assert_string_equal(media_choose(&list, NULL, 0)->name, "mmcblk1p1");
	find(&list, "sdb10", "ntfs", "STICK", "");
	assert_string_equal(media_choose(&list, NULL, 0)->name, "mmcblk1p1");
	find(&list, "sdb10", "exfat", "STICK", "");
	assert_string_equal(media_choose(&list, NULL, 0)->name, "sdb10");
	assert_int_equal(list.items[0].disk_number, makedev(179, 8));
	assert_int_equal(list.items[1].disk_number, makedev(179, 8));
}

/* What is for files and cannot be read is named, not what is beside it on the stick. */
static void test_reserved_beside_windows(void **state)
{
	static const struct {
		const char *type, *volume; /* of the first partition */
		const char *wanted;
	} cases[] = {
		{"vfat", "EFI", "sdb10"},  /* could be read */
		{"ntfs", "EFI", "sdb10"},  /* reserved, and unknown */
		{"", "", "sdb10"},         /* nothing is on it */
		{"vfat", "STICK", "sdb2"}, /* is for files */
		{"ntfs", "STICK", "sdb2"}, /* the first of two */
	};
	dev_t system = makedev(179, 8);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_with(media_list_free) struct media_list list = scan(&system, 1);

		find(&list, "sdb2", cases[i].type, cases[i].volume, "");
		if (!cases[i].type[0])
			list.items[4].probed = MEDIA_UNKNOWN;
		find(&list, "sdb10", "ntfs", "DATA", "");
		assert_string_equal(media_choose(&list, NULL, 0)->name, cases[i].wanted);
	}
}

static void test_choose(void **state)
{
	static const struct {
		const char *match;
		unsigned number;    /* major << 8 | minor */
		const char *wanted; /* NULL: none */
	} cases[] = {
		{"LABEL=STICK", 0, "mmcblk1p1"},
		{"LABEL=stick", 0, NULL},
		{"LABEL=inside", 0, "sda1"},
		/* the first that can be read */
		{"LABEL=TWICE", 0, "sdd"},
		{"LABEL=ONLY", 0, "sdb10"},
		{"UUID=12ab-34CD", 0, "sdb2"},
		{"UUID=12AB", 0, NULL},
		{"PARTLABEL=my service", 0, "sdb2"},
		{"/dev/sdd", 8 << 8 | 48, "sdd"},
		{"/dev/sdb", 8 << 8 | 16, "sdb2"},
		{"/dev/gone", 0, NULL},
		{"/dev/null", 1 << 8 | 3, NULL},
	};
	cleanup_with(media_list_free) struct media_list list = scan(NULL, 0);

	(void)state;
	find(&list, "mmcblk1p1", "vfat", "STICK", "");
	find(&list, "sdb2", "vfat", "STICK", "12AB-34CD");
	find(&list, "sda1", "ext4", "inside", "");
	find(&list, "sdd", "ext4", "TWICE", "");
	find(&list, "mmcblk2", "ntfs", "TWICE", "");
	find(&list, "sdb10", "ntfs", "ONLY", "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_media media = {.label = "x"};
		dev_t number = makedev(cases[i].number >> 8, cases[i].number & 0xff);
		const struct media_item *item;

		snprintf(media.match, sizeof(media.match), "%s", cases[i].match);
		item = media_choose(&list, &media, number);
		if (cases[i].wanted)
			assert_string_equal(item ? item->name : "none", cases[i].wanted);
		else
			assert_null(item);
	}
}

static void test_describe(void **state)
{
	struct media_item item = {.name = "sdb1", .bus = MEDIA_USB};
	char text[MEDIA_DESCRIPTION_MAX];

	(void)state;
	media_describe(&item, text);
	assert_string_equal(text, "sdb1 (USB)");
	snprintf(item.type, sizeof(item.type), "vfat");
	media_describe(&item, text);
	assert_string_equal(text, "sdb1 (USB, vfat)");
	snprintf(item.volume, sizeof(item.volume), "A\x1b[2J");
	media_describe(&item, text);
	assert_string_equal(text, "sdb1 (USB, vfat, A?[2J)");
}

static void check_get(const struct media_view *view, const char *label, int result,
		      enum verity_code code, const char *message)
{
	const struct media_item *item;
	struct verity_error err;

	assert_int_equal(media_view_get(view, label, &item, &err), result);
	check_error(&err, code, message);
}

static void test_get(void **state)
{
	struct media_view view = {
		.bootconf = {.media = {{"service", "LABEL=SERVICE"}}, .media_count = 1}};
	struct media_item item = {.name = "sdb1", .bus = MEDIA_USB, .plugged = true};
	const struct media_item *found;
	struct verity_error err;

	(void)state;
	check_get(&view, "external", -ENOENT, VERITY_E_NO_MEDIUM,
		  "external: no USB stick or SD card is connected");
	check_get(&view, "service", -ENOENT, VERITY_E_NO_MEDIUM,
		  "service: no medium with LABEL=SERVICE is connected");
	item.probed = MEDIA_UNKNOWN;
	view.list = (struct media_list){&item, 1};
	view.external = &item;
	check_get(&view, "service", -ENOENT, VERITY_E_NO_MEDIUM,
		  "service: no medium with LABEL=SERVICE is connected; connected: sdb1 "
		  "(USB)");
	check_get(
		&view, "external", -EOPNOTSUPP, VERITY_E_UNSUPPORTED,
		"external: sdb1 (USB): unknown file system (vfat, exfat, ext2, ext3 and "
		"ext4 can be read)");
	snprintf(item.type, sizeof(item.type), "ntfs");
	check_get(
		&view, "external", -EOPNOTSUPP, VERITY_E_UNSUPPORTED,
		"external: sdb1 (USB, ntfs): unknown file system ntfs (vfat, exfat, ext2, "
		"ext3 and ext4 can be read)");
	item.probed = MEDIA_UNREADABLE;
	item.failure = EACCES;
	check_get(&view, "external", -EACCES, VERITY_E_PERMISSION,
		  "external: sdb1 (USB, ntfs): only root can read media");
	item.failure = EIO;
	check_get(&view, "external", -EIO, VERITY_E_IO,
		  "external: sdb1 (USB, ntfs): cannot be read: Input/output error");
	item.probed = MEDIA_KNOWN;
	check_ok(media_view_get(&view, "external", &found, &err), &err);
	assert_ptr_equal(found, &item);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_no_sysfs),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_reserved_beside_windows),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_get),
	};

	return cmocka_run_group_tests(tests, make_sysfs, scratch_leave);
}
