/* SPDX-License-Identifier: MIT */
#pragma once

/* Changes of an input that know what it is made of, for LLVMFuzzerCustomMutator(). */

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's own change of any bytes. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Random numbers that follow from one seed; plain data. */
struct chance {
	uint64_t state;
};

static inline uint32_t chance_below(struct chance *chance, uint32_t limit)
{
	chance->state = chance->state * 6364136223846793005U + 1442695040888963407U;
	return limit ? (uint32_t)(chance->state >> 33) % limit : 0;
}

/**
 * mutate_json - change one key, value or list of a JSON text
 * @text: @size bytes of @max; what is no JSON gets a change of any bytes
 *
 * A value becomes one of another type, or a limit of its own; keys are deleted, repeated,
 * and moved to another object, also with the name of another key.
 *
 * Return: the new size.
 */
size_t mutate_json(uint8_t *text, size_t size, size_t max, struct chance *chance);

/**
 * mutate_squashfs - change one field of an image of squashfs 4.0
 * @image: @size bytes, of which none are added
 *
 * A field of the super block, or a word of one of its tables: it gets an extreme value,
 * that of another word of the table, or the place of another table. Tables that are
 * compressed are changed as bytes.
 */
void mutate_squashfs(uint8_t *image, size_t size, struct chance *chance);
