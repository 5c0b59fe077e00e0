/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/mutate.h"

#include <stdbool.h>
#include <string.h>

#define SUPER_BYTES 96
#define META_BYTES  8192 /* of a block of a table, before compression */
#define TABLES      6

/* Linux fs/squashfs/squashfs_fs.h, struct squashfs_super_block */
static const struct field {
	uint8_t offset, bytes;
} fields[] = {
	{0, 4},  {4, 4},  {8, 4},  {12, 4}, {16, 4}, {20, 2}, {22, 2},
	{24, 2}, {26, 2}, {28, 2}, {30, 2}, {32, 8}, {40, 8}, {48, 8},
	{56, 8}, {64, 8}, {72, 8}, {80, 8}, {88, 8},
};

/* Where the places of ids, attributes, inodes, listings, fragments and exports stand. */
static const uint8_t tables[TABLES] = {48, 56, 64, 72, 80, 88};

static uint64_t get(const uint8_t *bytes, size_t count)
{
	uint64_t value = 0;

	for (size_t i = count; i > 0; i--)
		value = value << 8 | bytes[i - 1];
	return value;
}

static void put(uint8_t *bytes, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++, value >>= 8)
		bytes[i] = (uint8_t)value;
}

static uint64_t extreme(uint64_t now, size_t size, struct chance *chance)
{
	const uint64_t values[] = {
		0,
		1,
		2,
		3,
		UINT8_MAX,
		UINT16_MAX,
		UINT32_MAX,
		UINT64_MAX,
		INT32_MAX,
		INT64_MAX,
		1U << 31,
		0x8000,
		0x7fff,
		META_BYTES,
		now + 1,
		now - 1,
		now * 2,
		now ^ 0x8000,
		size,
		size - 1,
		size + 1,
		SUPER_BYTES,
		now ^ 1U << 8,
	};

	return values[chance_below(chance, sizeof(values) / sizeof(values[0]))];
}

/* Return: the place that a table is said to have, or where it is none: the image's end.
 */
static uint64_t place_of(const uint8_t *image, size_t size, uint32_t table)
{
	uint64_t place = get(image + tables[table], 8);

	return place < size ? place : size;
}

static void change_super(uint8_t *image, size_t size, struct chance *chance)
{
	const struct field *field =
		&fields[chance_below(chance, sizeof(fields) / sizeof(fields[0]))];
	uint64_t now = get(image + field->offset, field->bytes);
	bool swapped = field->bytes == 8 && chance_below(chance, 2);

	put(image + field->offset, field->bytes,
	    swapped ? place_of(image, size, chance_below(chance, TABLES)) +
			      chance_below(chance, 3) - 1
		    : extreme(now, size, chance));
}

/* From its place to the next table's. */
static void change_table(uint8_t *image, size_t size, struct chance *chance)
{
	uint64_t start = place_of(image, size, chance_below(chance, TABLES)), end = size;
	size_t bytes = (size_t)1 << chance_below(chance, 4), at, other;
	uint8_t word[8];

	for (uint32_t i = 0; i < TABLES; i++) {
		uint64_t place = place_of(image, size, i);

		if (place > start && place < end)
			end = place;
	}
	if (end - start < bytes)
		return;
	at = (size_t)start + chance_below(chance, (uint32_t)(end - start - bytes + 1));
	other = (size_t)start + chance_below(chance, (uint32_t)(end - start - bytes + 1));
	memcpy(word, image + other, bytes);
	switch (chance_below(chance, 3)) {
	case 0:
		memcpy(image + at, word, bytes);
		break;
	case 1:
		LLVMFuzzerMutate(image + at, bytes, bytes);
		break;
	default:
		put(image + at, bytes, extreme(get(image + at, bytes), size, chance));
	}
}

void mutate_squashfs(uint8_t *image, size_t size, struct chance *chance)
{
	if (size < SUPER_BYTES)
		return;
	if (chance_below(chance, 4) == 0)
		change_super(image, size, chance);
	else
		change_table(image, size, chance);
}
