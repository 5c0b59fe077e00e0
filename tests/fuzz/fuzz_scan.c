/* SPDX-License-Identifier: MIT */
/* What sysfs says of block devices: two, with links and attributes that are made up. */
#include "tests/fuzz/pieces.h"

#include "installer/media/scan.h"

#define DISK "devices/usb1/block/sda"
#define PART DISK "/sda1"

static const char *const folders[] = {
	"class",
	"class/block",
	"dev",
	"dev/block",
	"devices",
	"devices/usb1",
	"devices/usb1/block",
	DISK,
	DISK "/slaves",
	PART,
	DISK "/slaves/sda1",
};

static const char *const files[] = {
	DISK "/dev",
	DISK "/size",
	DISK "/removable",
	"devices/usb1/type",
	"devices/usb1/removable",
	PART "/dev",
	PART "/size",
	PART "/partition",
	PART "/uevent",
	"devices/usb1/dev",
	"devices/usb1/size",
	"devices/usb1/partition",
};

static void put_link(int folder, const char *target, const char *path)
{
	unlinkat(folder, path, 0);
	(void)!symlinkat(target, folder, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const dev_t system[] = {0x801, 0xfd00};
	static int folder = -1;
	struct pieces pieces = {data, size};
	struct media_list list = {0};
	char *text;

	if (folder < 0)
		folder = pieces_folder(folders, sizeof(folders) / sizeof(folders[0]));
	put_link(folder, "../../" DISK, "class/block/sda");
	put_link(folder, "../../" PART, "class/block/sda1");
	put_link(folder, "../../" DISK, "dev/block/8:1");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		pieces_file(&pieces, folder, files[i]);
	text = pieces_text(&pieces);
	put_link(folder, text, "devices/usb1/subsystem");
	free(text);
	text = pieces_text(&pieces);
	put_link(folder, text, "class/block/sdb");
	free(text);
	if (media_scan(fuzz_folder, system, 2, &list, NULL) < 0)
		return 0;
	require(list.count <= 3);
	for (size_t i = 0; i < list.count; i++) {
		const struct media_item *item = &list.items[i];

		require(item->name[0] && memchr(item->name, '\0', MEDIA_NAME_MAX));
		require(memchr(item->disk, '\0', MEDIA_NAME_MAX));
		require(memchr(item->part_label, '\0', MEDIA_TEXT_MAX));
		require(item->bytes > 0 && media_bus_name(item->bus));
		require(media_scan_connected(fuzz_folder, item->name, item->number));
	}
	media_list_free(&list);
	return 0;
}
