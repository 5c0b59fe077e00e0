/* SPDX-License-Identifier: MIT */
/* Matching of labels and media. */
#include "installer/media/choose.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "verity/util/text.h"

bool media_usable(const struct media_item *item)
{
	return !item->has_partitions;
}

bool media_external(const struct media_item *item)
{
	return media_usable(item) && item->plugged && !item->system;
}

static bool matches(const struct media_list *list, const struct media_item *item,
		    const struct overlay_media *media, dev_t number)
{
	const char *value;

	if (!media)
		return media_external(item);
	if (!media_usable(item))
		return false;
	switch (overlay_media_match(media, &value)) {
	case OVERLAY_MATCH_LABEL:
		return strcmp(item->volume, value) == 0;
	case OVERLAY_MATCH_UUID:
		return strcasecmp(item->uuid, value) == 0;
	case OVERLAY_MATCH_PARTLABEL:
		return strcmp(item->part_label, value) == 0;
	case OVERLAY_MATCH_DEVICE:
		break;
	}
	if (item->number == number)
		return number != 0;
	/* A disk means its partitions, too. */
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].number == number && list->items[i].partition == 0)
			return strcmp(list->items[i].name, item->disk) == 0;
	return false;
}

/*
 * Of a disk with nothing else to read: what is for files tells why not. A package is not
 * looked for beside a file system of Windows, on the partition for the firmware.
 */
static const struct media_item *find_unknown(const struct media_list *list,
					     const struct media_item *chosen,
					     const struct overlay_media *media,
					     dev_t number)
{
	bool is_empty = chosen->probed == MEDIA_UNKNOWN && !chosen->type[0];

	for (size_t i = 0; (chosen->reserved || is_empty) && i < list->count; i++) {
		const struct media_item *item = &list->items[i];

		if (strcmp(item->disk, chosen->disk) == 0 && !item->reserved &&
		    item->probed == MEDIA_UNKNOWN && item->type[0] &&
		    matches(list, item, media, number))
			return item;
	}
	return chosen;
}

const struct media_item *media_choose(const struct media_list *list,
				      const struct overlay_media *media, dev_t number)
{
	const struct media_item *first = NULL, *reserved = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct media_item *item = &list->items[i];

		if (!matches(list, item, media, number))
			continue;
		if (item->probed == MEDIA_KNOWN && !item->reserved)
			return item;
		if (item->probed == MEDIA_KNOWN)
			reserved = reserved ?: item;
		if (!first)
			first = item;
	}
	if (reserved)
		first = reserved;
	return first ? find_unknown(list, first, media, number) : NULL;
}

void media_describe(const struct media_item *item, char ret[static MEDIA_DESCRIPTION_MAX])
{
	char type[sizeof(item->type)], volume[sizeof(item->volume)];

	snprintf(type, sizeof(type), "%s", item->type);
	snprintf(volume, sizeof(volume), "%s", item->volume);
	snprintf(ret, MEDIA_DESCRIPTION_MAX, "%s (%s%s%s%s%s)", item->name,
		 media_bus_name(item->bus), type[0] ? ", " : "", verity_text_plain(type),
		 volume[0] ? ", " : "", verity_text_plain(volume));
}
