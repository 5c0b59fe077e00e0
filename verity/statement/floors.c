/* SPDX-License-Identifier: MIT */
#include "verity/statement/floors.h"

#include <stdlib.h>
#include <string.h>

void verity_floors_free(struct verity_floors *floors)
{
	free(floors->epochs);
	*floors = (struct verity_floors){.time = 0};
}

/* Where @name is, or would be: the first that does not come before it. */
static size_t place_of(const struct verity_floors *floors, const char *name)
{
	size_t low = 0, high = floors->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(floors->epochs[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct verity_floors *floors, size_t place, const char *name)
{
	return place < floors->count && strcmp(floors->epochs[place].name, name) == 0;
}

uint32_t verity_floors_epoch(const struct verity_floors *floors, const char *name)
{
	size_t place;

	if (!floors)
		return 0;
	place = place_of(floors, name);
	return is_at(floors, place, name) ? floors->epochs[place].epoch : 0;
}

static int insert(struct verity_floors *floors, size_t place, const char *name,
		  struct verity_error *err)
{
	struct verity_floor *grown;

	if (floors->count >= VERITY_FLOORS_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "over %d package names have run on this device",
				   VERITY_FLOORS_MAX);
	grown = reallocarray(floors->epochs, floors->count + 1, sizeof(*grown));
	if (!grown)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	floors->epochs = grown;
	memmove(&grown[place + 1], &grown[place],
		(floors->count - place) * sizeof(*grown));
	memset(&grown[place], 0, sizeof(*grown));
	strncpy(grown[place].name, name, VERITY_NAME_MAX);
	floors->count++;
	return 0;
}

int verity_floors_raise_epoch(struct verity_floors *floors, const char *name,
			      uint32_t epoch, struct verity_error *err)
{
	size_t place = place_of(floors, name);
	int r = 0;

	if (epoch == 0 ||
	    (is_at(floors, place, name) && floors->epochs[place].epoch >= epoch))
		return 0;
	if (!is_at(floors, place, name))
		r = insert(floors, place, name, err);
	if (r < 0)
		return r;
	floors->epochs[place].epoch = epoch;
	return 1;
}

bool verity_floors_raise_time(struct verity_floors *floors, int64_t when)
{
	if (when <= floors->time || when > VERITY_TIME_MAX)
		return false;
	floors->time = when;
	return true;
}

bool verity_floors_raise_denylist(struct verity_floors *floors, uint32_t number)
{
	if (number <= floors->denylist)
		return false;
	floors->denylist = number;
	return true;
}
