/* SPDX-License-Identifier: MIT */

/* `wmopkg denylist`: installs or shows the deny list. */

#include <inttypes.h>
#include <stdio.h>

#include "installer/commands/commands.h"
#include "installer/commands/source_words.h"
#include "installer/common/describe.h"
#include "installer/common/describe_statement.h"
#include "installer/common/statement_file.h"
#include "installer/device/installed.h"
#include "installer/receive/denylist_receive.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_write.h"

#define DENYLIST_FORMAT 1 /* of the JSON */

static int show(struct device *device, struct verity_error *err)
{
	const struct verity_denylist *list;
	const struct verity_signer *signer;
	struct overlay_trust *trust;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	list = overlay_trust_policy(trust)->denylist;
	if (!list) {
		report_line("No deny list is in force.");
		return 0;
	}
	signer = verity_denylist_signer(list);
	describe_line("Number", "%" PRIu32, verity_denylist_text(list)->number);
	describe_line("Signer", "%s", signer->subject);
	describe_line("Trusted by", "%s",
		      signer->anchor[0] ? signer->anchor : "not in the key ring");
	for (size_t i = 0; i < verity_denylist_text(list)->count; i++)
		describe_print_deny(&verity_denylist_text(list)->entries[i]);
	return 0;
}

static int show_json(struct device *device, struct verity_error *err)
{
	static const struct verity_denylist_text none = {.number = 0};
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct verity_denylist *denylist;
	struct overlay_trust *trust;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	denylist = overlay_trust_policy(trust)->denylist;
	verity_json_int(&json, "format", DENYLIST_FORMAT);
	verity_denylist_put(&json, denylist ? verity_denylist_text(denylist) : &none);
	if (denylist)
		describe_put_signer(&json, "signer", verity_denylist_signer(denylist));
	return verity_json_print(&json, stdout, err);
}

/* The packages that the next boot leaves out. */
static int print_revoked(struct device *device, struct verity_error *err)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};
	int r = installed_list_read(device, NULL, INSTALLED_CHANGED, &list, err);

	for (size_t i = 0; r == 0 && i < list.count; i++) {
		const struct installed *item = &list.items[i];

		if (item->verdict != VERITY_REVOKED || item->status == INSTALLED_REMOVED)
			continue;
		report_line("%s: Revoked: %s", item->entry.name, item->reason.message);
	}
	return r;
}

static int set(struct device *device, const struct words *words, struct verity_error *err)
{
	cleanup_with(source_free_p) struct source *source = NULL;
	struct overlay_trust *trust;
	uint32_t number;
	bool unlocked;
	int record;
	int r = device_record_fd(device, &record, err);

	if (r == 0)
		r = device_trust(device, &trust, err);
	if (r == 0)
		r = source_of_words(device, words, true, &source, err);
	if (r < 0)
		return r;
	unlocked = overlay_trust_unlock(trust) != NULL;
	r = denylist_receive(device, source, NULL, err);
	if (r < 0)
		return r;
	number = verity_denylist_text(overlay_trust_policy(trust)->denylist)->number;
	if (r == 0)
		report_line("Deny list %" PRIu32 " is in force already.", number);
	else
		report_line("Deny list %" PRIu32
			    " is in force: packages that it names stay "
			    "out after reboot.",
			    number);
	if (unlocked && !overlay_trust_unlock(trust))
		report_line("Unlock statement: Revoked: deny list %" PRIu32
			    " names it, or a key that it was signed with",
			    number);
	return print_revoked(device, err);
}

enum exit_status command_denylist(struct device *device, const struct words *words)
{
	struct verity_error err;
	int r;

	if (source_words_given(words))
		r = set(device, words, &err);
	else if (words_has(words, WORD_JSON))
		r = show_json(device, &err);
	else
		r = show(device, &err);
	return r < 0 ? statement_report(&err) : report_output();
}
