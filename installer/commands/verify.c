/* SPDX-License-Identifier: MIT */

/* `wmopkg verify`: judges a package file, and what it would change here. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/common/describe.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/critical_warn.h"
#include "installer/device/forecast.h"
#include "verity/util/cleanup.h"
#include "verity/util/name.h"

/* What a package would change on this device; not known where it is refused. */
struct effect {
	char name[VERITY_NAME_MAX + 1]; /* it would be installed under */
	bool known;
	struct changes_count count;
	struct critical_lines lines;
};

static void find_effect(struct device *device, const char *file,
			const struct verity_package *package, struct effect *ret)
{
	const struct verity_verified *verified = verity_package_verified(package);
	struct verity_error why;

	if (!verified)
		return;
	if (verity_name_from_path(file, ret->name, NULL) < 0)
		snprintf(ret->name, sizeof(ret->name), "%s",
			 verity_verified_manifest(verified)->name);
	ret->known = critical_find(device, ret->name, verified, false, &ret->lines,
				   &ret->count, &why) == 0;
	if (!ret->known)
		report_warning("what it changes cannot be determined: %s", why.message);
}

/* @list: NULL where nothing was asked about another firmware or model */
static int print_json(const struct verity_package *package, const struct effect *effect,
		      const struct forecast_request *asked,
		      const struct forecast_list *list, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct verity_judgement *judgement = verity_package_judgement(package);

	verity_json_bool(&json, "accepted", judgement->accepted);
	describe_put_judgement(&json, judgement, verity_package_layout(package));
	if (effect->known) {
		verity_json_open(&json, "changes");
		changes_put_count(&json, &effect->count);
		verity_json_close(&json);
	}
	if (list) {
		verity_json_open(&json, "forecast");
		forecast_put(&json, asked, list);
		verity_json_close(&json);
	}
	return verity_json_print(&json, stdout, err);
}

/* A package that would be refused is an error, after its description. */
static int verify(struct device *device, const struct forecast_request *asked, bool json,
		  struct verity_error *err)
{
	cleanup_with(forecast_list_free) struct forecast_list list = {.count = 0};
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	struct effect effect = {0};
	const struct verity_judgement *judgement;
	const struct verity_policy *policy;
	const char *file = asked->file;
	bool ahead = asked->firmware || asked->model;
	struct verity_policy anew;
	int r = device_policy(device, &policy, err);

	if (r < 0)
		return r;
	/* As `install` judges it, which ends a quarantine. */
	anew = *policy;
	anew.quarantine = NULL;
	r = verity_package_open(AT_FDCWD, file, &anew, &package, err);
	if (r < 0)
		return verity_context(err, r, "%s", file);
	if (ahead)
		r = forecast_read(device, asked, &list, err);
	if (r < 0)
		return r;
	judgement = verity_package_judgement(package);
	find_effect(device, file, package, &effect);
	if (json) {
		r = print_json(package, &effect, asked, ahead ? &list : NULL, err);
		if (r < 0)
			return r;
	} else {
		describe_print(judgement, verity_package_layout(package));
		if (effect.known) {
			fputs("Changes: ", stdout);
			changes_print_count(&effect.count);
			putchar('\n');
			critical_lines_warn(&effect.lines, effect.name);
		}
		if (ahead)
			forecast_print(asked, &list);
	}
	if (judgement->accepted)
		return forecast_check(asked, &list, err);
	allow_untrusted_warn(device);
	*err = judgement->reason;
	return verity_context(err, -1, "%s: %s", file,
			      verity_verdict_name(judgement->verdict));
}

/* Of all installed packages, without a file. */
static int forecast(struct device *device, const struct forecast_request *asked,
		    bool json, struct verity_error *err)
{
	cleanup_with(forecast_list_free) struct forecast_list list = {.count = 0};
	cleanup_with(verity_json_end) struct verity_json_writer writer = {0};
	int r = forecast_read(device, asked, &list, err);

	if (r == 0 && json) {
		forecast_put(&writer, asked, &list);
		r = verity_json_print(&writer, stdout, err);
	} else if (r == 0) {
		forecast_print(asked, &list);
	}
	return r < 0 ? r : forecast_check(asked, &list, err);
}

enum exit_status command_verify(struct device *device, const struct words *words)
{
	const struct forecast_request asked = {
		.firmware = words->values[WORD_CHECK_FIRMWARE],
		.model = words->values[WORD_CHECK_MODEL],
		.file = words->values[WORD_FILE],
	};
	bool json = words_has(words, WORD_JSON);
	struct verity_error err;
	int r = asked.file ? verify(device, &asked, json, &err)
			   : forecast(device, &asked, json, &err);

	return r < 0 ? report_hinted(NULL, &err, allow_untrusted_hint(device, err.code))
		     : report_output();
}
