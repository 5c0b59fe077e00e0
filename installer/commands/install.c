/* SPDX-License-Identifier: MIT */

/* `wmopkg install`. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/install_view.h"
#include "installer/commands/source_words.h"
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
	struct install_view view = install_view_of_terminal(&progress);
	enum overlay_store_kind kind =
		words_has(words, WORD_PERSISTENT) ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	const char *where = words->values[WORD_SOURCE];
	const char *command = NULL;
	struct verity_error err;

	view.confirm = confirm_identity;
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
	report_line("Installed... Changes are applied after reboot.");
	return STATUS_DONE;
}
