/* SPDX-License-Identifier: MIT */

/* `wmopkg apply`: makes the installed packages what a set says, as one step. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/commands/install_view.h"
#include "installer/common/confirm.h"
#include "installer/fetch/source_open.h"
#include "installer/receive/set_apply.h"
#include "installer/receive/set_print.h"
#include "verity/util/io.h"

#define NOTHING_TO_DO "Nothing to do: the packages are those of the set."

static int load(const char *where, struct package_set *ret, struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	size_t size;
	int r;

	/* Who may write here may also remove packages; a server may not. */
	if (source_is_url(where))
		return verity_fail(
			err, VERITY_E_UNSUPPORTED,
			"%s: a set that is not signed is taken from a file of this "
			"device only (download it first)",
			where);
	r = verity_io_load(AT_FDCWD, where, PACKAGE_SET_BYTES_MAX, &bytes, &size, err);
	if (r < 0)
		return r; /* its name is in the message */
	r = package_set_decode(bytes, size, ret, err);
	return r < 0 ? verity_context(err, r, "%s", where) : 0;
}

static enum exit_status check(struct set_plan *plan, const char *where,
			      const struct set_origin *origin, bool json)
{
	struct verity_error err;
	int r = set_check(plan, origin, &err);

	if (r == 0 && json)
		r = set_print_json(plan, &err);
	if (r < 0)
		return report_error(where, &err);
	set_warn_inactive(plan);
	if (!json && set_print(plan, false) == 0)
		puts(NOTHING_TO_DO);
	return report_output();
}

/* Return: 1: changed; 0: there was nothing to change; -ECANCELED: the answer is no. */
static int change(struct set_plan *plan, const struct set_origin *origin, bool sure,
		  struct verity_error *err)
{
	struct progress progress = {.open = false};
	const struct install_view view = install_view_of_terminal(&progress);
	int r = 1;

	install_begin(plan->device);
	if (set_plan_removals(plan) > 0 && !sure) {
		set_print(plan, true);
		r = confirm("apply", "Remove what the set does not name",
			    "Nothing changed.", err);
		if (r == 0)
			return -ECANCELED;
	}
	return r < 0 ? r : set_apply(plan, origin, &view, err);
}

enum exit_status command_apply(struct device *device, const struct words *words)
{
	cleanup_with(package_set_free) struct package_set set = {.count = 0};
	cleanup_with(set_plan_free) struct set_plan plan = {.count = 0};
	const char *where = words->values[WORD_SET];
	const char *end = strrchr(where, '/');
	cleanup_free char *folder = strndup(where, end ? end - where + 1 : 0);
	const struct set_origin origin = {.folder = folder};
	struct verity_error err;
	int r = folder ? load(where, &set, &err) : verity_no_memory(&err);

	if (r == 0) {
		r = set_plan_make(device, &set, &plan, &err);
		if (r < 0)
			verity_context(&err, r, "%s", where);
	}
	if (r < 0)
		return report_error(NULL, &err);
	if (words_has(words, WORD_CHECK))
		return check(&plan, where, &origin, words_has(words, WORD_JSON));
	r = change(&plan, &origin, words_has(words, WORD_YES), &err);
	if (r == -ECANCELED)
		return STATUS_FAILED;
	if (r < 0)
		return report_error(NULL, &err);
	set_warn_inactive(&plan);
	puts(r > 0 ? "Applied... Changes are applied after reboot." : NOTHING_TO_DO);
	return STATUS_DONE;
}
