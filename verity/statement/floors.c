/* SPDX-License-Identifier: MIT */
/* Raises, reads and writes the floors of this device. */
#include "verity/statement/floors.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/json_table.h"

void verity_floors_free(struct verity_floors *floors)
{
	free(floors->epochs);
	free(floors->spent);
	*floors = (struct verity_floors){.time = 0};
}

void verity_floors_drop(struct verity_floors *floors)
{
	free(floors->epochs);
	floors->epochs = NULL;
	floors->count = 0;
	floors->time = 0;
}

/* @ret: the index of @name, or where it is to be inserted */
static bool find(const struct verity_floors *floors, const char *name, size_t *ret)
{
	size_t low = 0, high = floors->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(floors->epochs[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret = low;
	return low < floors->count && strcmp(floors->epochs[low].name, name) == 0;
}

uint32_t verity_floors_epoch(const struct verity_floors *floors, const char *name)
{
	uint32_t kept, proven;
	size_t index;

	if (!floors)
		return 0;
	kept = find(floors, name, &index) ? floors->epochs[index].epoch : 0;
	proven = floors->proven ? floors->proven(floors->context, name) : 0;
	return kept > proven ? kept : proven;
}

bool verity_floors_raise_denylist(struct verity_floors *floors, uint32_t number)
{
	if (number <= floors->denylist)
		return false;
	floors->denylist = number;
	return true;
}

bool verity_floors_is_spent(const struct verity_floors *floors,
			    const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	for (size_t i = 0; i < floors->spent_count; i++)
		if (memcmp(floors->spent[i], digest, VERITY_DIGEST_BYTES) == 0)
			return true;
	return false;
}

int verity_floors_spend(struct verity_floors *floors,
			const uint8_t digest[static VERITY_DIGEST_BYTES],
			struct verity_error *err)
{
	uint8_t(*grown)[VERITY_DIGEST_BYTES];

	if (verity_floors_is_spent(floors, digest))
		return 0;
	if (floors->spent_count == VERITY_SPENT_MAX)
		memmove(floors->spent, floors->spent + 1,
			--floors->spent_count * sizeof(*floors->spent));
	grown = reallocarray(floors->spent, floors->spent_count + 1, sizeof(*grown));
	if (!grown)
		return verity_no_memory(err);
	floors->spent = grown;
	memcpy(grown[floors->spent_count++], digest, VERITY_DIGEST_BYTES);
	return 1;
}

/* Kept as {"NAME": EPOCH, …}. */
static int get_epochs(struct verity_json_reader *reader, struct json_object *value,
		      void *member)
{
	static const struct verity_json_field epoch_field = {.type = VERITY_JSON_IS_UINT,
							     .size = sizeof(uint32_t),
							     .min = 1,
							     .max = UINT32_MAX};
	struct verity_floors *floors = member;
	size_t index;

	if (!json_object_is_type(value, json_type_object))
		return verity_json_bad(reader, "not an object");
	if (json_object_object_length(value) > VERITY_FLOORS_MAX)
		return verity_json_bad(reader, "more than %d names", VERITY_FLOORS_MAX);
	floors->epochs = calloc((size_t)json_object_object_length(value) + 1,
				sizeof(*floors->epochs));
	if (!floors->epochs)
		return verity_no_memory(reader->err);
	json_object_object_foreach (value, name, number) {
		struct verity_floor floor = {.epoch = 0};
		int r;

		if (!verity_name_valid(name))
			return verity_json_bad(reader, "not a valid package name");
		strncpy(floor.name, name, VERITY_NAME_MAX);
		r = verity_json_get(reader, name, number, &epoch_field, &floor.epoch);
		if (r < 0)
			return r;
		(void)find(floors, name, &index);
		memmove(&floors->epochs[index + 1], &floors->epochs[index],
			(floors->count++ - index) * sizeof(floor));
		floors->epochs[index] = floor;
	}
	return 0;
}

static void put_epochs(struct verity_json_writer *json, const char *key,
		       const void *member)
{
	const struct verity_floors *floors = member;

	verity_json_open(json, key);
	for (size_t i = 0; i < floors->count; i++)
		verity_json_uint(json, floors->epochs[i].name, floors->epochs[i].epoch);
	verity_json_close(json);
}

static const struct verity_json_field digest_item = {.type = VERITY_JSON_IS_HEX,
						     .size = VERITY_DIGEST_BYTES};

static const struct verity_json_field floors_fields[] = {
	VERITY_JSON_FORMAT("format", 1),
	VERITY_JSON_INTEGER("time", struct verity_floors, time, .max = VERITY_TIME_MAX),
	VERITY_JSON_INTEGER("denylist", struct verity_floors, denylist,
			    .max = UINT32_MAX),
	{.key = "epochs",
	 .type = VERITY_JSON_IS_CUSTOM,
	 .decode = get_epochs,
	 .encode = put_epochs},
	VERITY_JSON_LIST("spent", struct verity_floors, spent, spent_count, &digest_item,
			 VERITY_SPENT_MAX, .presence = VERITY_JSON_OPTIONAL),
	{.key = NULL},
};

int verity_floors_decode(const void *bytes, size_t size, struct verity_floors *ret,
			 struct verity_error *err)
{
	cleanup_with(verity_floors_free) struct verity_floors floors = {.time = 0};
	int r = verity_json_decode(bytes, size, floors_fields, VERITY_E_BAD_RECORD,
				   &floors, err);

	if (r < 0)
		return r;
	*ret = floors;
	floors.epochs = NULL;
	floors.spent = NULL;
	return 0;
}

int verity_floors_encode(const struct verity_floors *floors, char **ret,
			 struct verity_error *err)
{
	return verity_json_encode(floors, floors_fields,
				  VERITY_JSON_COMPACT | VERITY_JSON_RAW, ret, err);
}
