/* SPDX-License-Identifier: MIT */
/* The record of DATA's volume: JSON, read and replaced as a whole. */
#include "factory/data_volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_table.h"

#define VOLUME_FORMAT 1

static const struct verity_json_field volume_fields[] = {
	VERITY_JSON_FORMAT("format", VOLUME_FORMAT),
	VERITY_JSON_TEXT("type", struct factory_volume, filesystem.type, .min = 1),
	VERITY_JSON_TEXT("label", struct factory_volume, filesystem.label, .min = 1,
			 .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_TEXT("uuid", struct factory_volume, filesystem.uuid, .min = 1,
			 .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_TEXT("place", struct factory_volume, place, .min = 1),
	VERITY_JSON_INTEGER("bytes", struct factory_volume, bytes, .min = 1,
			    .max = FACTORY_VOLUME_DEVICE_MAX),
	{.key = NULL},
};

int factory_volume_decode(const void *bytes, size_t size, struct factory_volume *ret,
			  struct verity_error *err)
{
	struct factory_volume volume = {.bytes = 0};
	int r = verity_json_decode(bytes, size, volume_fields, VERITY_E_BAD_RECORD,
				   &volume, err);

	if (r == 0)
		*ret = volume;
	return r;
}

int factory_volume_encode(const struct factory_volume *volume, char **ret,
			  struct verity_error *err)
{
	return verity_json_encode(volume, volume_fields,
				  VERITY_JSON_COMPACT | VERITY_JSON_RAW, ret, err);
}

int factory_volume_recall(int record_fd, struct factory_volume *ret,
			  struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = overlay_record_load(record_fd, FACTORY_VOLUME, FACTORY_VOLUME_BYTES_MAX,
				    &text, &size, err);

	if (r == 0)
		r = factory_volume_decode(text, size, ret, err);
	return r == -EBADMSG ? verity_context(err, r, FACTORY_VOLUME) : r;
}

int factory_volume_remember(int record_fd, const struct factory_volume *volume,
			    struct verity_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_free char *known = NULL;
	size_t size;
	int r = factory_volume_encode(volume, &text, err);

	if (r < 0)
		return r;
	if (overlay_record_load(record_fd, FACTORY_VOLUME, FACTORY_VOLUME_BYTES_MAX,
				&known, &size, NULL) == 0 &&
	    size == strlen(text) && memcmp(known, text, size) == 0)
		return 0;
	return overlay_record_put(record_fd, FACTORY_VOLUME, text, strlen(text), err);
}
