/* SPDX-License-Identifier: MIT */
/* What the packages of the next boot replace, delete and hide. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/commands/conflicts.h"
#include "installer/layers/changes.h"
#include "installer/web/all_pages.h"
#include "installer/web/html.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define LINES_MAX 200 /* of one package; the rest is a number */

struct listing {
	FILE *out;
	size_t lines, all;
};

/* A path may hold any bytes. */
static void put_line(struct listing *listing, const struct change *change)
{
	cleanup_free char *path = strdup(change->lookup->entry->path);
	bool adds = change->lookup->effect == OVERLAY_LOOKUP_ADDS;
	char look[CHANGES_LOOK_BYTES];

	if (!path)
		return;
	changes_format_look(change->lookup, look);
	html_print(listing->out,
		   "<tr><td data-label=Change>%s</td><td data-label=Of>%s</td>"
		   "<td data-label=Path><span><code>/%s</code>%s%s%s%s</span></td>"
		   "<td data-label=Critical>%s</td></tr>\n",
		   changes_word(change->lookup->effect),
		   adds ? "" : stacks_owner_name(change->of), verity_text_plain(path),
		   look, change->lookup->entry->redirected ? ", redirected" : "",
		   change->lookup->covered ? ", covered by " : "",
		   change->lookup->covered ? stacks_owner_name(change->by) : "",
		   change->critical ? change->critical->what : "");
}

static int take_change(void *context, const struct change *change,
		       struct verity_error *err)
{
	struct listing *listing = context;

	(void)err;
	if (!changes_is_conflict(change))
		return 0;
	listing->all++;
	if (listing->lines < LINES_MAX ||
	    (change->critical && listing->lines < 2 * LINES_MAX)) {
		if (listing->lines++ == 0)
			fputs("<table class=cards><thead><tr><th scope=col>Change"
			      "<th scope=col>Of<th scope=col>Path<th scope=col>Critical"
			      "</tr></thead><tbody>\n",
			      listing->out);
		put_line(listing, change);
	}
	return 0;
}

static int put_package(struct web_page *page, const struct stacks *stacks,
		       const struct stacks_package *package, struct verity_error *err)
{
	struct listing listing = {.out = page->body};
	struct changes_count count;
	int r;

	html_print(page->body, "<section class=card>\n<h2>%s %s</h2>\n",
		   package->entry.name, package->version);
	r = changes_list(&stacks->next, package, take_change, &listing, &count, err);
	if (listing.lines > 0)
		fputs("</tbody></table>\n", page->body);
	else
		fputs("<p class=empty>No conflicts.</p>\n", page->body);
	if (listing.all > listing.lines)
		html_print(page->body,
			   "<p>%zu more: <code>wmopkg conflicts %s json</code></p>\n",
			   listing.all - listing.lines, package->entry.name);
	fputs("</section>\n", page->body);
	return r;
}

int conflicts_page(struct web_page *page, struct verity_error *err)
{
	cleanup_with(stacks_free_p) struct stacks *stacks = NULL;
	const char *name = request_field(page->request, "name");
	const struct stacks_package *package;
	size_t layer = 0, shown = 0;
	int r = stacks_load(page->device, NULL, STACKS_WHOLE, &stacks, err);

	if (r == 0 && name[0])
		r = conflicts_check_name(page->device, stacks, name, err);
	if (r < 0)
		return r;
	fputs("<p class=lead>What the packages of the next boot replace, delete and hide, "
	      "from the top of the stack.</p>\n",
	      page->body);
	while (r == 0 && (package = stacks_next_package(&stacks->next, &layer)))
		if (!name[0] || strcmp(package->entry.name, name) == 0) {
			r = put_package(page, stacks, package, err);
			shown++;
		}
	if (shown == 0)
		fputs("<p class=empty>No conflicts.</p>\n", page->body);
	for (size_t i = 0; i < stacks->unknown_count; i++)
		if (stacks->unknown[i].next)
			html_print(page->body,
				   "<p>Not known: the contents of %s %s: %s</p>\n",
				   stacks->unknown[i].name, stacks->unknown[i].version,
				   stacks->unknown[i].why.message);
	return r;
}
