/* SPDX-License-Identifier: MIT */

/* Counts what is covered between a new package and each installed one. */

#include "installer/layers/covered.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "installer/common/signals.h"
#include "verity/util/text.h"

/* Of one other package. */
struct count {
	size_t files;
	const char *first; /* path, borrowed from the candidate's contents */
};

struct covered {
	const struct stacks *stacks;
	struct count *theirs; /* by the number of the package: what the new one covers */
	struct count *own;    /* what covers the new one */
	size_t lines;
	void (*say)(void *context, const char *line);
	void *context;
};

static void add(struct count *counts, const struct stacks *stacks,
		const struct stacks_package *package, const char *path)
{
	struct count *count = &counts[package - stacks->packages];

	if (count->files++ == 0)
		count->first = path;
}

static int take_change(void *context, const struct overlay_lookup_change *change,
		       struct verity_error *err)
{
	const struct covered *covered = context;
	const struct package_stack *next = &covered->stacks->next;
	const struct stacks_package *of =
		change->effect != OVERLAY_LOOKUP_ADDS
			? stacks_owner(next, change->below.layer)
			: NULL;
	const struct stacks_package *by =
		change->covered ? stacks_owner(next, change->by) : NULL;

	if (change->effect != OVERLAY_LOOKUP_CHANGES && by)
		add(covered->own, covered->stacks, by, change->entry->path);
	else if (change->effect != OVERLAY_LOOKUP_CHANGES && !change->covered && of)
		add(covered->theirs, covered->stacks, of, change->entry->path);
	return signals_check(err);
}

/* What the firmware has changes nothing between packages, and costs most. */
static int look_nothing(void *context, const char *path,
			struct overlay_contents_look *ret, struct verity_error *err)
{
	(void)context;
	(void)path;
	(void)ret;
	(void)err;
	return -ENOENT;
}

/* @theirs: the files are those of the other package */
static void say_one(struct covered *covered, const struct stacks_package *other,
		    const struct count *count, bool theirs)
{
	const char *own =
		covered->stacks->packages[covered->stacks->count - 1].entry.name;
	char line[COVERED_LINE_BYTES], path[256];

	if (count->files == 0 || covered->lines++ >= COVERED_LINES_MAX)
		return;
	snprintf(path, sizeof(path), "/%s", count->first);
	snprintf(line, sizeof(line),
		 theirs ? "Note: %zu file%s of package '%s' will be covered by this "
			  "one%s%s. See: wmopkg conflicts %s"
			: "Note: %zu file%s of this one will be covered by package "
			  "'%s'%s%s. See: wmopkg conflicts %s",
		 count->files, count->files > 1 ? "s" : "", other->entry.name,
		 count->files > 1 ? ", first " : ": ", verity_text_plain(path), own);
	covered->say(covered->context, line);
}

static void say_rest(const struct covered *covered)
{
	const struct stacks *stacks = covered->stacks;
	const char *own = stacks->packages[stacks->count - 1].entry.name;
	const struct stacks_unknown *first = NULL;
	char line[COVERED_LINE_BYTES];
	size_t unknown = 0;

	if (covered->lines > COVERED_LINES_MAX) {
		snprintf(line, sizeof(line),
			 "Note: %zu more packages cover files of this one, or the "
			 "reverse. See: wmopkg conflicts %s",
			 covered->lines - COVERED_LINES_MAX, own);
		covered->say(covered->context, line);
	}
	for (size_t i = 0; i < stacks->unknown_count; i++) {
		if (!stacks->unknown[i].next)
			continue;
		if (unknown++ == 0)
			first = &stacks->unknown[i];
	}
	if (!first)
		return;
	snprintf(line, sizeof(line),
		 "Note: it is not known whether files of %zu package%s will be covered, "
		 "first '%s': %.200s. See: wmopkg conflicts %s",
		 unknown, unknown > 1 ? "s" : "", first->name, first->why.message, own);
	covered->say(covered->context, verity_text_plain(line));
}

int covered_list(const struct stacks *stacks,
		 void (*say)(void *context, const char *line), void *context,
		 struct verity_error *err)
{
	const struct stacks_package *own = &stacks->packages[stacks->count - 1];
	cleanup_free struct count *theirs = calloc(stacks->count, sizeof(*theirs));
	cleanup_free struct count *covers = calloc(stacks->count, sizeof(*covers));
	struct covered covered = {.stacks = stacks,
				  .theirs = theirs,
				  .own = covers,
				  .say = say,
				  .context = context};
	struct overlay_lookup lookup = stacks->next.lookup;
	size_t layer = 0;
	int r = 0;

	if (!theirs || !covers)
		return verity_no_memory(err);
	if (own->contents.count > STACKS_GLANCE_LOOKUPS / stacks->count)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%zu files and %zu packages are too many to compare "
				   "now (see: wmopkg conflicts %s)",
				   own->contents.count, stacks->count - 1,
				   own->entry.name);
	lookup.base = (struct overlay_lookup_base){look_nothing, NULL};
	while (layer < lookup.count && stacks->next.packages[layer] != own)
		layer++;
	if (layer < lookup.count)
		r = overlay_lookup_changes(&lookup, layer, take_change, &covered, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < stacks->count; i++) {
		say_one(&covered, &stacks->packages[i], &theirs[i], true);
		say_one(&covered, &stacks->packages[i], &covers[i], false);
	}
	say_rest(&covered);
	return 0;
}
