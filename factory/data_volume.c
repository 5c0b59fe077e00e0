/* SPDX-License-Identifier: MIT */
/* The record of DATA's volume: JSON, read and replaced as a whole. */
#include "factory/data_volume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/record/record.h"
#include "verity/statement/field.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define VOLUME_FORMAT 1

/* Empty where the key is not there. */
static int get_text(struct json_object *object, const char *key, size_t max, char *ret,
		    struct verity_error *err)
{
	if (!json_object_object_get_ex(object, key, NULL)) {
		ret[0] = '\0';
		return 0;
	}
	return verity_statement_text(object, key, max, ret, err);
}

static int read_volume(struct json_object *object, struct factory_volume *ret,
		       struct verity_error *err)
{
	struct factory_filesystem *filesystem = &ret->filesystem;
	int64_t number = 0;
	int r = verity_statement_integer(object, "format", VOLUME_FORMAT, VOLUME_FORMAT,
					 &number, err);

	if (r == 0)
		r = verity_statement_text(object, "type", FACTORY_TYPE_MAX,
					  filesystem->type, err);
	if (r == 0)
		r = get_text(object, "label", FACTORY_LABEL_MAX, filesystem->label, err);
	if (r == 0)
		r = get_text(object, "uuid", FACTORY_UUID_MAX, filesystem->uuid, err);
	if (r == 0)
		r = verity_statement_text(object, "place", FACTORY_VOLUME_PLACE_MAX,
					  ret->place, err);
	if (r == 0)
		r = verity_statement_integer(object, "bytes", 1,
					     (int64_t)FACTORY_VOLUME_DEVICE_MAX, &number,
					     err);
	ret->bytes = (uint64_t)number;
	return r;
}

int factory_volume_decode(const void *bytes, size_t size, struct factory_volume *ret,
			  struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct factory_volume volume;
	int r = verity_json_parse(bytes, size, &object, err);

	if (r == -EBADMSG && err)
		err->code = VERITY_E_BAD_STATEMENT;
	if (r == 0)
		r = read_volume(object, &volume, err);
	if (r == 0)
		*ret = volume;
	return r;
}

static bool put_text(struct json_object *object, const char *key, const char *text)
{
	return !text[0] || verity_json_put(object, key, json_object_new_string(text));
}

int factory_volume_encode(const struct factory_volume *volume, char **ret,
			  struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	char *text = NULL;

	if (object &&
	    verity_json_put(object, "format", json_object_new_int(VOLUME_FORMAT)) &&
	    put_text(object, "type", volume->filesystem.type) &&
	    put_text(object, "label", volume->filesystem.label) &&
	    put_text(object, "uuid", volume->filesystem.uuid) &&
	    put_text(object, "place", volume->place) &&
	    verity_json_put(object, "bytes",
			    json_object_new_int64((int64_t)volume->bytes)))
		text = strdup(json_object_to_json_string_ext(
			object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	if (!text)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = text;
	return 0;
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
	r = overlay_record_clear_folder(record_fd, FACTORY_VOLUME, err);
	return r < 0 ? r
		     : overlay_record_replace(record_fd, FACTORY_VOLUME, text,
					      strlen(text), err);
}
