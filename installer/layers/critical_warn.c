/* SPDX-License-Identifier: MIT */

/* Collects the critical changes of a package, and warns of them. */

#include "installer/layers/critical_warn.h"

#include <stdio.h>
#include <string.h>

#include "installer/common/report.h"
#include "installer/common/signals.h"
#include "verity/util/cleanup.h"

/* A whiteout deletes on purpose. */
static void note_hidden(const struct change *change, struct critical_lines *lines)
{
	const struct overlay_contents_entry *entry = change->lookup->entry;
	enum overlay_contents_kind below = change->lookup->below.kind;
	bool folder = entry->kind == OVERLAY_CONTENTS_FOLDER ||
		      entry->kind == OVERLAY_CONTENTS_OPAQUE;
	const char *what = NULL, *there = NULL;

	if (change->lookup->effect != OVERLAY_LOOKUP_REPLACES || change->of ||
	    lines->hides[0])
		return;
	if (folder) {
		what = "the folder";
		there = below == OVERLAY_CONTENTS_LINK
				? "a link: its files belong where that link leads"
				: "a file";
	} else if (below == OVERLAY_CONTENTS_FOLDER) {
		what = "a file or link";
		there = "a folder: all that is in it would be hidden";
	}
	if (what)
		snprintf(lines->hides, sizeof(lines->hides),
			 "has %s /%.128s, where the firmware has %s", what, entry->path,
			 there);
}

static int take_change(void *context, const struct change *change,
		       struct verity_error *err)
{
	struct critical_lines *lines = context;
	const char *what = change->critical ? change->critical->what : NULL;
	char look[CHANGES_LOOK_BYTES];
	size_t i = 0;

	/* Hardly ever what was meant: the tree was made under another umask or user. */
	if (!what && change->lookup->effect == OVERLAY_LOOKUP_CHANGES &&
	    !change->lookup->covered)
		what = "its files are merged with those that are there";
	note_hidden(change, lines);
	if (what) {
		changes_format_look(change->lookup, look);
		while (i < lines->used && strcmp(lines->lines[i].what, what) != 0)
			i++;
		if (i == CRITICAL_LINES_MAX) {
			lines->more++;
		} else if (lines->lines[i].count++ == 0) {
			lines->used = i + 1;
			lines->lines[i].what = what;
			snprintf(lines->lines[i].change, sizeof(lines->lines[i].change),
				 "%s /%s%s", changes_word(change->lookup->effect),
				 change->lookup->entry->path, look);
		}
	}
	/* There may be many changes. */
	return signals_check(err);
}

void critical_lines_warn(const struct critical_lines *lines, const char *name)
{
	for (size_t i = 0; i < lines->used; i++) {
		size_t count = lines->lines[i].count;

		if (count == 1)
			report_warning("%s: %s: %s", name, lines->lines[i].change,
				       lines->lines[i].what);
		else
			report_warning("%s: %s, and %zu more: %s", name,
				       lines->lines[i].change, count - 1,
				       lines->lines[i].what);
	}
	if (lines->more)
		report_warning("%s: changes %zu more system-critical paths", name,
			       lines->more);
}

int critical_find(const struct package_stack *stack, struct critical_lines *lines,
		  struct changes_count *ret, struct verity_error *err)
{
	const struct stacks *stacks = stack->stacks;

	return changes_list(stack, &stacks->packages[stacks->count - 1], take_change,
			    lines, ret, err);
}

int critical_lines_check(const struct critical_lines *lines, struct verity_error *err)
{
	if (!lines->hides[0])
		return 0;
	return verity_fail(err, VERITY_E_HIDES_FIRMWARE,
			   "it %s (ask the vendor for a package that was made with "
			   "--base; to install it all the same: install force ...)",
			   lines->hides);
}

int critical_check(const struct stacks *stacks, bool force, struct verity_error *err)
{
	const char *name = stacks->packages[stacks->count - 1].entry.name;
	struct critical_lines lines = {.used = 0};
	struct changes_count count;
	struct verity_error why;
	int r = critical_find(&stacks->alone, &lines, &count, &why);

	if (signals_check(NULL) < 0)
		return 0;
	if (r < 0)
		report_warning("what it changes cannot be determined: %s", why.message);
	critical_lines_warn(&lines, name);
	r = critical_lines_check(&lines, &why);
	if (r < 0 && force)
		report_warning("%s: it %s", name, lines.hides);
	else if (r < 0)
		*err = why;
	return force ? 0 : r;
}
