/* SPDX-License-Identifier: MIT */

/* `wmopkg install`. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/install_run.h"
#include "installer/commands/source_words.h"
#include "installer/common/progress.h"
#include "installer/common/prompt.h"
#include "installer/common/report.h"
#include "installer/common/signals.h"
#include "installer/common/statement_file.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/forecast.h"
#include "installer/media/package_list.h"
#include "verity/util/cleanup.h"

/* Which installed packages another firmware or model would leave out. */
static void warn_forecast(struct device *device, const struct words *words)
{
	cleanup_with(forecast_list_free) struct forecast_list list = {.count = 0};
	const struct forecast_request asked = {
		.firmware = words->values[WORD_CHECK_FIRMWARE],
		.model = words->values[WORD_CHECK_MODEL],
	};
	struct verity_error why;

	if (!asked.firmware && !asked.model)
		return;
	if (forecast_read(device, &asked, &list, &why) < 0)
		report_warning("%s", why.message);
	else
		forecast_warn(&asked, &list);
}

static void begin(void *context, const char *title, uint64_t file_bytes)
{
	progress_begin(context, stdout, progress_style_of(STDOUT_FILENO), title,
		       file_bytes);
}

static void advance(void *context, uint64_t done_bytes)
{
	progress_advance(context, done_bytes);
}

static void pause_bar(void *context)
{
	progress_pause(context);
}

static void end(void *context, bool whole)
{
	if (whole)
		progress_end(context);
	else
		progress_break(context);
}

static void print_verdict(void *context, enum verity_verdict verdict)
{
	(void)context;
	printf("    PKG: %s\n", verity_verdict_name(verdict));
}

static void print_note(void *context, const char *line)
{
	(void)context;
	puts(line);
}

static int confirm_identity(void *context, const char *name,
			    const struct install_replaced *replaced,
			    const struct verity_manifest *manifest,
			    struct verity_error *err)
{
	char question[512];

	(void)context;
	if (!isatty(STDIN_FILENO))
		return 0;
	snprintf(
		question, sizeof(question),
		"%s is the package %s version %s. Replace it with the package %s version "
		"%s (y/N)?",
		name, replaced->identity, replaced->version, manifest->name,
		manifest->version);
	if (prompt_yes(question))
		return 0;
	return signals_check(err)
		       ?: verity_fail(
				  err, VERITY_E_INTERRUPTED,
				  "nothing was installed (to keep both, give the file "
				  "another name)");
}

enum exit_status command_install(struct device *device, const struct words *words)
{
	cleanup_with(source_free_p) struct source *source = NULL;
	struct progress progress = {.open = false};
	const struct install_view view = {
		.begin = begin,
		.confirm = confirm_identity,
		.advance = advance,
		.pause = pause_bar,
		.end = end,
		.verdict = print_verdict,
		.note = print_note,
		.context = &progress,
	};
	enum overlay_store_kind kind =
		words_has(words, WORD_PERSISTENT) ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	const char *where = words->values[WORD_SOURCE];
	const char *command = NULL;
	struct verity_error err;

	if (words_has(words, WORD_MEDIA) && !words_has(words, WORD_MEDIA_PATH))
		return media_packages_show(device, words->values[WORD_MEDIA]);
	if (source_of_words(device, words, false, &source, &err) < 0) {
		/* A signed statement is no package, but has a command of its own. */
		if (where && err.code == VERITY_E_BAD_NAME)
			command = statement_command(where);
		if (!command)
			return report_error(NULL, &err);
		verity_fail(&err, VERITY_E_WRONG_TYPE,
			    "%s: it is a signed statement, not a package (give it to: "
			    "wmopkg %s %s)",
			    where, command, where);
		return report_hinted(NULL, &err, NULL);
	}
	if (install_run(device, source, kind, words_has(words, WORD_FORCE), &view, &err) <
	    0)
		return report_hinted(source->where, &err,
				     allow_untrusted_hint(device, err.code));
	warn_forecast(device, words);
	puts("Installed... Changes are applied after reboot.");
	return STATUS_DONE;
}
