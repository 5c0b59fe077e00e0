/* SPDX-License-Identifier: MIT */
/* The view of an installation that writes its result. */
#include "installer/web/install_show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "installer/receive/install_run.h"
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

static void take_note(void *context, const char *line)
{
	add_note(context, line);
}

/* What a terminal asks for. */
static int check_identity(void *context, const char *name,
			  const struct install_replaced *replaced,
			  const struct verity_manifest *manifest,
			  struct verity_error *err)
{
	const struct web_page *page = context;

	if (strcmp(request_field(page->request, "replace"), "yes") == 0)
		return 0;
	return verity_fail(err, VERITY_E_OTHER_NAME,
			   "%s is the package %s version %s, and this is the package %s "
			   "version %s (to keep both, give the file another name; to "
			   "replace it, see More options)",
			   name, replaced->identity, replaced->version, manifest->name,
			   manifest->version);
}

int install_show(struct web_page *page, struct source *source,
		 enum overlay_store_kind kind, bool force, struct verity_error *err)
{
	/* Which servers were tried: what matters of it is in the error. */
	cleanup_file FILE *out = fopen("/dev/null", "we");
	const struct install_view view = {
		.begin = begin,
		.confirm = check_identity,
		.advance = advance,
		.pause = pause_bar,
		.end = end,
		.verdict = take_verdict,
		.note = take_note,
		.out = out,
		.context = page,
	};
	int r;

	if (!out)
		return verity_fail_errno(err, errno, "/dev/null");
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
