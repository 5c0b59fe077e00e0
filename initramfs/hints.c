/* SPDX-License-Identifier: MIT */
/* Reads the last good set and the trials, and counts boots that verify packages. */
#include "initramfs/hints.h"

#include <stdlib.h>

#include "initramfs/log.h"
#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"

void hints_free(struct hints *hints)
{
	overlay_good_free(&hints->good);
	free(hints->first);
	*hints = (struct hints){.first_count = 0};
}

void hints_load(int record_fd, unsigned limit, struct hints *ret)
{
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {0};
	struct hints hints = {.begun = overlay_begun_load(record_fd)};

	(void)!overlay_good_load(record_fd, &hints.good, NULL);
	(void)!overlay_trials_load(record_fd, &trials, NULL);
	hints.caution = overlay_begun_caution(hints.begun, limit);
	hints.first = calloc(hints.good.count + trials.count + 1, sizeof(*hints.first));
	for (size_t i = 0; hints.first && i < hints.good.count; i++)
		hints.first[hints.first_count++] = hints.good.items[i].entry;
	for (size_t i = 0; hints.first && i < trials.count; i++)
		hints.first[hints.first_count++] = trials.items[i].entry;
	*ret = hints;
}

static void store(int record_fd, unsigned begun)
{
	struct verity_error why;

	if (overlay_begun_store(record_fd, begun, &why) < 0)
		log_line(LOG_LEVEL_WARNING,
			 "trials: the begin of boots is not counted: %s", why.message);
}

void hints_begin(int record_fd, unsigned limit, const struct hints *hints)
{
	static const char *const left_out[] = {
		[OVERLAY_CAUTION_NONE] = "",
		[OVERLAY_CAUTION_STRANGERS] =
			(": in this boot, of DATA only packages are verified that were "
			 "active in the last completed boot"),
		[OVERLAY_CAUTION_DATA] = ": in this boot, packages of DATA are left out",
		[OVERLAY_CAUTION_ALL] = ": in this boot, all packages are left out",
	};

	if (record_fd < 0 || limit == 0)
		return;
	if (hints->begun > 0)
		log_line(LOG_LEVEL_WARNING,
			 "boot not completed: %u in a row ended before the packages were "
			 "verified%s",
			 hints->begun, left_out[hints->caution]);
	store(record_fd, hints->begun + 1);
}

void hints_end(int record_fd, unsigned limit, const struct hints *hints)
{
	if (record_fd >= 0 && limit > 0)
		store(record_fd, overlay_begun_after(hints->caution, limit));
}
