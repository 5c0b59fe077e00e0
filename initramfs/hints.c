/* SPDX-License-Identifier: MIT */
/* Reads the last good set and the trials, and counts boots that verify packages. */
#include "initramfs/hints.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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
	/* Where it cannot be changed, hints_begin() does not believe it either. */
	if (record_fd >= 0 &&
	    !(faccessat(record_fd, ".", W_OK, AT_EACCESS) < 0 && errno == EROFS))
		hints.caution = overlay_begun_caution(hints.begun, limit);
	hints.first = calloc(hints.good.count + trials.count + 1, sizeof(*hints.first));
	for (size_t i = 0; hints.first && i < hints.good.count; i++)
		hints.first[hints.first_count++] = hints.good.items[i].entry;
	for (size_t i = 0; hints.first && i < trials.count; i++)
		hints.first[hints.first_count++] = trials.items[i].entry;
	*ret = hints;
}

static bool store(int record_fd, unsigned begun)
{
	struct verity_error why;

	if (overlay_begun_store(record_fd, begun, &why) == 0)
		return true;
	log_line(LOG_LEVEL_WARNING,
		 "trials: the count of boots that end early cannot be written: %s",
		 why.message);
	return false;
}

/* A number that no boot can change would leave packages out for ever: it says nothing. */
void hints_begin(int record_fd, unsigned limit, struct hints *hints)
{
	static const char *const left_out[] = {
		[OVERLAY_CAUTION_NONE] = "",
		[OVERLAY_CAUTION_STRANGERS] =
			(": in this boot, of DATA only packages are verified that were "
			 "active in the last completed boot"),
		[OVERLAY_CAUTION_DATA] = ": in this boot, DATA is left out",
		[OVERLAY_CAUTION_ALL] = ": in this boot, all packages are left out",
	};

	if (record_fd < 0 || limit == 0)
		return;
	if (!store(record_fd, hints->begun + 1) && hints->begun > 0) {
		log_line(LOG_LEVEL_WARNING,
			 "trials: the number of boots that ended early is ignored: it is "
			 "%u, and cannot be changed",
			 hints->begun);
		hints->caution = OVERLAY_CAUTION_NONE;
	} else if (hints->begun > 0) {
		log_line(LOG_LEVEL_WARNING,
			 "boot not completed: %u in a row ended before the packages were "
			 "verified%s",
			 hints->begun, left_out[hints->caution]);
	}
}

void hints_end(int record_fd, unsigned limit, const struct hints *hints)
{
	if (record_fd >= 0 && limit > 0)
		(void)store(record_fd, overlay_begun_after(hints->caution, limit));
}
