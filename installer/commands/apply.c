/* SPDX-License-Identifier: MIT */

/* `wmopkg apply`: makes the installed packages what a set says, as one step. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/commands/install_view.h"
#include "installer/commands/source_words.h"
#include "installer/common/confirm.h"
#include "installer/common/page.h"
#include "installer/common/signals.h"
#include "installer/common/statement_file.h"
#include "installer/device/audit.h"
#include "installer/fetch/source_open.h"
#include "installer/receive/set_apply.h"
#include "installer/receive/set_print.h"
#include "installer/receive/statement_receive.h"
#include "overlay/record/newest_set.h"
#include "verity/package/judge_rules.h"
#include "verity/statement/statement.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#define DETAIL_BYTES  64
#define NOTHING_TO_DO "Nothing to do: the packages are those of the set."

/* A set, from wherever it comes. */
struct given {
	struct device *device; /* borrowed, like the next */
	const struct words *words;
	struct source *source; /* owned; NULL: it is a file of this device */
	const char *where;     /* for messages; borrowed */
	char *bytes;           /* owned */
	size_t size;
	struct verity_package_set document;   /* where it is not signed */
	struct verity_signed_set *is_signed;  /* owned; NULL: it is not */
	const struct verity_package_set *set; /* either of them */
	char *folder;                         /* owned; see struct set_origin */
};

static void given_free(struct given *given)
{
	source_free_p(&given->source);
	free(given->bytes);
	verity_package_set_free(&given->document);
	verity_signed_set_free(given->is_signed);
	free(given->folder);
}

/* For the audit log; borrowed. */
static const char *came_from(const struct given *given)
{
	return given->source ? source_came_from(given->source) : given->where;
}

static int load_file(struct given *given, struct verity_error *err)
{
	size_t max = VERITY_PACKAGE_SET_BYTES_MAX > VERITY_STATEMENT_FILE_MAX
			     ? VERITY_PACKAGE_SET_BYTES_MAX
			     : VERITY_STATEMENT_FILE_MAX;

	given->where = given->words->values[WORD_SET];
	return verity_io_load(AT_FDCWD, given->where, max, &given->bytes, &given->size,
			      err);
}

/* Who may write to this device may also remove packages; a server may not. */
static int receive(struct given *given, struct verity_error *err)
{
	int r = source_of_words(given->device, given->words, true, &given->source, err);

	if (r < 0)
		return r;
	r = statement_receive(given->source,
			      words_has(given->words, WORD_JSON) ? stderr : NULL,
			      &given->bytes, &given->size, err);
	given->where = given->source->where;
	if (r < 0 && err->code == VERITY_E_BAD_STATEMENT)
		verity_text_append(err->message, sizeof(err->message),
				   ": a set that is not signed is taken from a file of "
				   "this device only");
	return r < 0 ? verity_context(err, r, "%s", given->where) : 0;
}

/* Up to the last '/' of the path, without what follows '?' and '#'. */
static int find_folder(struct given *given, struct verity_error *err)
{
	const char *typed = given->words->values[WORD_SET];
	/* What was typed has a user and password, which are not in messages. */
	const char *where = typed ?: given->where;
	size_t size = given->source ? strcspn(where, "?#") : strlen(where);

	if (words_has(given->words, WORD_MEDIA)) {
		where = given->words->values[WORD_MEDIA_FILE];
		size = strlen(where);
	}
	while (size > 0 && where[size - 1] != '/')
		size--;
	given->folder = strndup(where, size);
	return given->folder ? 0 : verity_no_memory(err);
}

static int read_signed(struct given *given, struct verity_error *err)
{
	const struct verity_policy *policy;
	struct overlay_audit_entry refused = {
		.event = OVERLAY_AUDIT_REFUSE, .detail = "set", .reason = err};
	int record, r = device_record_find(given->device, &record, err);

	if (r == 0)
		r = device_policy(given->device, &policy, err);
	if (r < 0)
		return r;
	r = verity_signed_set_read(given->bytes, given->size, policy->keyring,
				   policy->denylist, &given->is_signed, err);
	if (r == 0) {
		given->set = verity_signed_set_content(given->is_signed);
		r = overlay_newest_set_check(record, policy, given->is_signed, err);
	}
	refused.source = came_from(given);
	if (r < 0 && !words_has(given->words, WORD_CHECK))
		audit_add(given->device, &refused);
	return r;
}

static int load(struct given *given, struct verity_error *err)
{
	const char *typed = given->words->values[WORD_SET];
	const struct verity_policy *policy;
	int r = typed && !source_is_url(typed) ? load_file(given, err)
					       : receive(given, err);

	if (r == 0)
		r = find_folder(given, err);
	if (r < 0)
		return r; /* its name is in the message */
	if (verity_statement_is(given->bytes, given->size)) {
		r = read_signed(given, err);
	} else {
		r = verity_package_set_decode(given->bytes, given->size, &given->document,
					      err);
		given->set = &given->document;
	}
	if (r == 0 && given->set->compatible_count > 0) {
		r = device_policy(given->device, &policy, err);
		if (r == 0)
			r = verity_judge_model(policy, given->set->compatible,
					       given->set->compatible_count, err);
	}
	return r < 0 ? verity_context(err, r, "%s", given->where) : 0;
}

/* Before the step: an older one must not come after it, also if power fails now. */
static int keep_number(void *context, struct verity_error *err)
{
	struct given *given = context;
	const struct verity_policy *policy;
	int record, r;

	if (!given->is_signed)
		return 0;
	r = device_record_fd(given->device, &record, err);
	if (r == 0)
		r = device_policy(given->device, &policy, err);
	return r < 0 ? r
		     : overlay_newest_set_keep(record, policy, given->is_signed,
					       given->bytes, given->size, err);
}

/* @detail: borrowed by what is returned, as @given is */
static struct overlay_audit_entry describe(const struct given *given,
					   char detail[static DETAIL_BYTES])
{
	const char *plural = given->set->count == 1 ? "" : "s";

	if (given->is_signed)
		snprintf(detail, DETAIL_BYTES, "number %" PRIu32 ", %zu package%s",
			 given->set->number, given->set->count, plural);
	else
		snprintf(detail, DETAIL_BYTES, "not signed, %zu package%s",
			 given->set->count, plural);
	return (struct overlay_audit_entry){
		.event = OVERLAY_AUDIT_SET,
		.source = came_from(given),
		.signer = given->is_signed
				  ? verity_signed_set_signer(given->is_signed)->subject
				  : NULL,
		.detail = detail};
}

static enum exit_status check(struct set_plan *plan, const struct given *given,
			      const struct set_origin *origin)
{
	bool json = words_has(given->words, WORD_JSON);
	struct verity_error err;
	struct page page;
	int r = set_check(plan, origin, &err);

	if (r == 0 && json)
		r = set_print_json(plan, &err);
	if (r < 0)
		return report_error(given->where, &err);
	if (!json)
		page_begin(&page);
	set_warn_inactive(plan);
	if (!json && set_print(plan, false) == 0)
		report_line("%s", NOTHING_TO_DO);
	if (!json)
		page_end(&page);
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
	cleanup_with(given_free) struct given given = {.device = device, .words = words};
	cleanup_with(set_plan_free) struct set_plan plan = {.count = 0};
	struct overlay_audit_entry event;
	char detail[DETAIL_BYTES];
	struct verity_error err;
	struct set_origin origin;
	int r;

	if (words_has(words, WORD_JSON) && !words_has(words, WORD_CHECK))
		return report_usage("apply: json is the output of --check");
	/* A check fetches, too: it must not be ended with the terminal as it is then. */
	signals_watch();
	r = load(&given, &err);
	if (r < 0)
		return statement_report(&err);
	r = set_plan_make(device, given.set, &plan, &err);
	if (r < 0) {
		verity_context(&err, r, "%s", given.where);
		return report_error(NULL, &err);
	}
	event = describe(&given, detail);
	origin = (struct set_origin){.folder = given.folder,
				     .medium = words->values[WORD_MEDIA],
				     .user = words->values[WORD_USER],
				     .password = words->values[WORD_PASSWORD],
				     .accepted = keep_number,
				     .context = &given,
				     .event = &event};
	if (words_has(words, WORD_CHECK))
		return check(&plan, &given, &origin);
	r = change(&plan, &origin, words_has(words, WORD_YES), &err);
	if (r == -ECANCELED)
		return STATUS_FAILED;
	if (r < 0)
		return report_error(NULL, &err);
	set_warn_inactive(&plan);
	report_line("%s", r > 0 ? "Applied... Changes are applied after reboot."
				: NOTHING_TO_DO);
	return STATUS_DONE;
}
