/* SPDX-License-Identifier: MIT */
/* Walks the tables of a cache. */
#include "overlay/libraries/ld_cache.h"

#include <stdint.h>
#include <string.h>

/* Offsets of texts count from the end of the table, or from the start of the format. */
static const struct format {
	const char *magic;
	size_t count_at, head_bytes, entry_bytes;
	bool from_start;
} formats[] = {
	{"ld.so-1.7.0", 12, 16, 12, false},
	{"glibc-ld.so.cache1.1", 20, 48, 24, true},
};

static uint32_t number(const char *at, bool big)
{
	uint32_t value = 0;

	for (size_t i = 0; i < 4; i++)
		value |= (uint32_t)(uint8_t)at[big ? 3 - i : i] << 8 * i;
	return value;
}

int overlay_ld_cache_find(const char *bytes, size_t size, bool big, const char *name,
			  int (*take)(void *context, const char *path), void *context)
{
	size_t start = 0;
	int r = 0;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct format *format = &formats[i];
		const char *head = bytes + start;
		size_t left = start > size ? 0 : size - start;
		size_t count, texts;

		if (left < format->head_bytes ||
		    memcmp(head, format->magic, strlen(format->magic)) != 0)
			continue;
		count = number(head + format->count_at, big);
		if (count > OVERLAY_LD_CACHE_MAX ||
		    count > (left - format->head_bytes) / format->entry_bytes)
			return 0;
		texts = format->head_bytes + count * format->entry_bytes;
		for (size_t n = 0; r == 0 && n < count; n++) {
			const char *entry =
				head + format->head_bytes + n * format->entry_bytes;
			uint64_t base = format->from_start ? 0 : texts;
			uint64_t key = base + number(entry + 4, big);
			uint64_t value = base + number(entry + 8, big);

			if (key < left && value < left && strcmp(head + key, name) == 0)
				r = take(context, head + value);
		}
		if (r < 0)
			return r;
		start += (texts + 7) & ~(size_t)7;
	}
	return 0;
}
