/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "verity/statement/floors.h"

static void check(const struct verity_floors *floors)
{
	require(floors->time >= 0 && floors->time <= VERITY_TIME_MAX);
	require(floors->count <= VERITY_FLOORS_MAX);
	require(floors->spent_count <= VERITY_SPENT_MAX);
	for (size_t i = 0; i < floors->count; i++) {
		const struct verity_floor *floor = &floors->epochs[i];

		require(verity_name_valid(floor->name) && floor->epoch > 0);
		require(i == 0 || strcmp(floors->epochs[i - 1].name, floor->name) < 0);
		require(verity_floors_epoch(floors, floor->name) == floor->epoch);
	}
}

/* They only rise, and what was spent stays so. */
static void change(struct verity_floors *floors)
{
	static const uint8_t digest[VERITY_DIGEST_BYTES] = {1, 2, 3};
	uint32_t number = floors->denylist;
	bool spent = verity_floors_is_spent(floors, digest);

	require(!verity_floors_raise_denylist(floors, number));
	require(number == UINT32_MAX || verity_floors_raise_denylist(floors, number + 1));
	require(verity_floors_spend(floors, digest, NULL) == !spent);
	require(verity_floors_is_spent(floors, digest));
	require(floors->spent_count <= VERITY_SPENT_MAX);
	verity_floors_drop(floors);
	require(floors->count == 0 && floors->time == 0);
	require(verity_floors_is_spent(floors, digest));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verity_floors floors, again;
	char *text;

	if (verity_floors_decode(data, size, &floors, NULL) < 0)
		return 0;
	check(&floors);
	/* What was read can be written, and reads the same again. */
	require(verity_floors_encode(&floors, &text, NULL) == 0);
	require(verity_floors_decode(text, strlen(text), &again, NULL) == 0);
	require(again.time == floors.time && again.denylist == floors.denylist);
	require(again.count == floors.count);
	require(floors.count == 0 || memcmp(again.epochs, floors.epochs,
					    floors.count * sizeof(*again.epochs)) == 0);
	require(again.spent_count == floors.spent_count);
	require(floors.spent_count == 0 ||
		memcmp(again.spent, floors.spent,
		       floors.spent_count * sizeof(*again.spent)) == 0);
	change(&again);
	verity_floors_free(&again);
	verity_floors_free(&floors);
	free(text);
	return 0;
}
