/* SPDX-License-Identifier: MIT */
/* The view of an installation that writes its result. */
#include "installer/web/install_show.h"

#include <stdio.h>
#include <stdlib.h>

#include "installer/commands/install_run.h"
#include "verity/util/cleanup.h"

static void begin(void *context, const char *title, uint64_t file_bytes)
{
	struct result *result = &((struct web_page *)context)->result;

	(void)title;
	result->total_bytes = file_bytes;
	result_advance(result, 0);
}

static void advance(void *context, uint64_t done_bytes)
{
	result_advance(&((struct web_page *)context)->result, done_bytes);
}

static void pause_bar(void *context)
{
	(void)context;
}

static void end(void *context, bool whole)
{
	(void)context;
	(void)whole;
}

static void add_note(const struct web_page *page, const char *text)
{
	messages_add(page->messages, MESSAGE_KIND_NOTE, text);
}

static void take_verdict(void *context, enum verity_verdict verdict)
{
	char text[64];

	snprintf(text, sizeof(text), "PKG: %s", verity_verdict_name(verdict));
	add_note(context, text);
}

static void take_replaces(void *context, const char *line)
{
	add_note(context, line);
}

int install_show(struct web_page *page, struct source *source,
		 enum overlay_store_kind kind, bool force, struct verity_error *err)
{
	cleanup_free char *lines = NULL;
	cleanup_file FILE *out = NULL;
	size_t size = 0;
	struct install_view view = {
		.begin = begin,
		.advance = advance,
		.pause = pause_bar,
		.end = end,
		.verdict = take_verdict,
		.replaces = take_replaces,
		.context = page,
	};
	int r;

	/* Which servers were tried: what matters of it is in the error. */
	view.out = out = open_memstream(&lines, &size);
	if (!out)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	result_begin(&page->result, page->run_fd, request_field(page->request, "id"));
	r = install_run(page->device, source, kind, force, &view, err);
	if (r == 0) {
		messages_add(page->messages, MESSAGE_KIND_DONE,
			     "Installed... Changes are applied after reboot.");
	} else {
		web_page_add_error(page, source->where, err);
		result_end(&page->result, false, page->messages);
	}
	return r;
}
