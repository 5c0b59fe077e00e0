/* SPDX-License-Identifier: MIT */
/* Counts boots that did not get through verifying their packages. */
#include "overlay/record/begun.h"

#include <stdio.h>
#include <string.h>

#include "overlay/record/record.h"
#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"

#define BYTES 8 /* of the file: digits, spaces, a line feed */

/* The last step needs so many boots that no series of power cuts reaches it by chance. */
enum overlay_caution overlay_begun_caution(unsigned begun, unsigned limit)
{
	if (limit == 0 || begun < limit)
		return OVERLAY_CAUTION_NONE;
	if (begun >= OVERLAY_TRIALS_ROUNDS * limit)
		return OVERLAY_CAUTION_ALL;
	return begun < 2 * limit ? OVERLAY_CAUTION_STRANGERS : OVERLAY_CAUTION_DATA;
}

unsigned overlay_begun_after(enum overlay_caution caution, unsigned limit)
{
	switch (caution) {
	case OVERLAY_CAUTION_STRANGERS:
		return limit - 1;
	case OVERLAY_CAUTION_DATA:
		return 2 * limit - 1;
	case OVERLAY_CAUTION_ALL:
		return OVERLAY_TRIALS_ROUNDS * limit - 1;
	case OVERLAY_CAUTION_NONE:
		break;
	}
	return 0;
}

unsigned overlay_begun_decode(const char *text, size_t size)
{
	unsigned begun;

	if (size != BYTES || !strchr("0123456789", text[0]) || text[0] == '\0' ||
	    sscanf(text, "%6u", &begun) != 1)
		return 0;
	return begun < OVERLAY_BEGUN_MAX ? begun : OVERLAY_BEGUN_MAX;
}

unsigned overlay_begun_load(int record_fd)
{
	cleanup_free char *text = NULL;
	size_t size = 0;

	if (record_fd < 0 || overlay_record_load(record_fd, OVERLAY_RECORD_BEGUN, BYTES,
						 &text, &size, NULL) < 0)
		return 0;
	return overlay_begun_decode(text, size);
}

int overlay_begun_store(int record_fd, unsigned begun, struct verity_error *err)
{
	const char *name = OVERLAY_RECORD_BEGUN;
	char text[BYTES + 1];

	snprintf(text, sizeof(text), "%-*u\n", BYTES - 1,
		 begun < OVERLAY_BEGUN_MAX ? begun : OVERLAY_BEGUN_MAX);
	if (overlay_record_overwrite(record_fd, name, text, BYTES, NULL) == 0)
		return 0;
	return overlay_record_put(record_fd, name, text, BYTES, err);
}
