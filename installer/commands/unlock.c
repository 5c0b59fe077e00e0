/* SPDX-License-Identifier: MIT */

/* `wmopkg unlock`: installs, clears or shows the unlock statement. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/commands/source_words.h"
#include "installer/common/confirm.h"
#include "installer/common/describe.h"
#include "installer/common/page.h"
#include "installer/common/statement_file.h"
#include "installer/device/audit.h"
#include "installer/receive/statement_receive.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/json_write.h"
#include "verity/util/text.h"

#define UNLOCK_FORMAT 1 /* of the JSON */
#define UNTIL_BYTES   32

static void print_reason(const struct verity_error *why)
{
	const char *hint = verity_code_hint(why->code);

	report_line("Reason: %s%s%s%s", why->message, hint ? " (" : "", hint ?: "",
		    hint ? ")" : "");
}

/* @allows: "untrusted, downgrade"; @until: "2026-11-23 01:02:03 UTC" */
static void format(const struct verity_unlock *unlock,
		   char allows[static VERITY_UNLOCK_WORDS_MAX],
		   char until[static UNTIL_BYTES])
{
	verity_unlock_words(verity_unlock_text(unlock)->allows, allows);
	verity_text_format_time(verity_unlock_text(unlock)->not_after, until);
}

static int show(struct device *device, struct verity_error *err)
{
	char allows[VERITY_UNLOCK_WORDS_MAX], until[UNTIL_BYTES];
	struct verity_error why = {VERITY_OK, ""};
	const struct verity_unlock *unlock;
	const struct verity_signer *signer;
	const struct overlay_anchor_result *anchor;
	const struct verity_error *locked;
	struct overlay_trust *trust;
	char hex[2 * VERITY_DIGEST_BYTES + 1];
	const char *serial;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	serial = device_identity(device)->serial;
	unlock = overlay_trust_unlock(trust);
	locked = overlay_trust_locked(trust);
	report_line("Serial: %s", serial[0] ? serial : "not known");
	if (unlock &&
	    verity_unlock_check(unlock, serial, overlay_trust_time(trust), &why) == 0) {
		signer = verity_unlock_signer(unlock);
		format(unlock, allows, until);
		report_line("Unlocked: %s", allows);
		report_line("Until: %s", until);
		report_line("Signer: %s", signer->subject);
		report_line("Trusted by: %s", signer->anchor);
	} else {
		report_line("Unlocked: no");
		if (unlock)
			print_reason(&why);
	}
	if (unlock) {
		verity_hex_encode(verity_unlock_digest(unlock), VERITY_DIGEST_BYTES, hex);
		report_line("Hash: %s", hex);
	}
	anchor = overlay_trust_anchor(trust);
	report_line("Hardware anchor: %s: %s", anchor->present ? "present" : "absent",
		    anchor->text);
	report_line("Allow Untrusted: %s",
		    overlay_trust_policy(trust)->allow_untrusted ? "yes" : "no");
	if (locked)
		print_reason(locked);
	return 0;
}

static int show_json(struct device *device, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	struct verity_error why = {VERITY_OK, ""};
	const struct verity_unlock *unlock;
	const struct verity_error *locked;
	struct overlay_trust *trust;
	const char *serial;
	bool unlocked;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	serial = device_identity(device)->serial;
	unlock = overlay_trust_unlock(trust);
	locked = overlay_trust_locked(trust);
	verity_json_int(&json, "format", UNLOCK_FORMAT);
	verity_json_some_text(&json, "serial", serial);
	if (unlock) {
		verity_json_open(&json, "statement");
		verity_unlock_put(&json, verity_unlock_text(unlock));
		verity_json_hex(&json, "hash", verity_unlock_digest(unlock),
				VERITY_DIGEST_BYTES);
		describe_put_signer(&json, "signer", verity_unlock_signer(unlock));
		verity_json_close(&json);
	}
	unlocked = unlock && verity_unlock_check(unlock, serial,
						 overlay_trust_time(trust), &why) == 0;
	verity_json_bool(&json, "unlocked", unlocked);
	verity_json_reason(&json, "reason", &why, verity_code_hint(why.code));
	verity_json_bool(&json, "allow_untrusted",
			 overlay_trust_policy(trust)->allow_untrusted);
	verity_json_reason(&json, "locked", locked,
			   locked ? verity_code_hint(locked->code) : NULL);
	verity_json_open(&json, "anchor");
	verity_json_put_fields(&json, overlay_anchor_fields, overlay_trust_anchor(trust));
	verity_json_close(&json);
	return verity_json_print(&json, stdout, err);
}

static int set(struct device *device, const struct words *words, struct verity_error *err)
{
	struct verity_error why;
	cleanup_with(source_free_p) struct source *source = NULL;
	cleanup_free char *bytes = NULL;
	const struct verity_unlock *unlock;
	struct overlay_trust *trust;
	char allows[VERITY_UNLOCK_WORDS_MAX], until[UNTIL_BYTES], detail[512];
	struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_UNLOCK,
					    .detail = detail};
	size_t size;
	int record;
	int r = device_record_fd(device, &record, err);

	/* The record is created before trust is read from it. */
	if (r == 0)
		r = device_trust(device, &trust, err);
	if (r == 0)
		r = source_of_words(device, words, true, &source, err);
	if (r < 0)
		return r;
	r = statement_receive(source, NULL, &bytes, &size, err);
	if (r < 0 && r != -EBADMSG)
		return verity_context(err, r, "%s", source->where);
	entry.source = source_came_from(source);
	if (r == 0)
		r = overlay_trust_set_unlock(trust, bytes, size, err);
	if (r < 0) {
		entry.event = OVERLAY_AUDIT_REFUSE;
		entry.detail = "unlock statement";
		entry.reason = err;
		audit_add(device, &entry);
		return verity_context(err, r, "%s", source->where);
	}
	if (overlay_trust_keep(trust, &why) < 0)
		report_warning("%s", why.message);
	unlock = overlay_trust_unlock(trust);
	format(unlock, allows, until);
	snprintf(detail, sizeof(detail), "%s, serial %s, until %s%s%s", allows,
		 verity_unlock_text(unlock)->serial, until, source->place[0] ? ", " : "",
		 source->place);
	entry.signer = verity_unlock_signer(unlock)->subject;
	audit_add(device, &entry);
	report_line("Unlocked until %.10s: %s. Changes are applied after reboot.", until,
		    allows);
	return 0;
}

/* Return: 1; 0 where the answer is no. */
static int clear(struct device *device, bool sure, struct verity_error *err)
{
	const struct overlay_audit_entry cleared = {.event = OVERLAY_AUDIT_UNLOCK_CLEAR};
	struct verity_error unspent = {.code = VERITY_OK};
	struct overlay_trust *trust;
	int record;
	int r = device_record_fd(device, &record, err);

	if (r == 0)
		r = device_trust(device, &trust, err);
	/* One that does not count is cleared without a question: nothing is lost. */
	if (r == 0 && !sure && overlay_trust_unlock(trust)) {
		r = confirm("unlock",
			    "Clear the unlock statement, which this device then never "
			    "accepts again",
			    "Nothing cleared.", err);
		if (r == 0)
			return 0;
	}
	if (r >= 0)
		r = overlay_trust_clear_unlock(trust, &unspent, err);
	if (r < 0)
		return r;
	if (unspent.code != VERITY_OK)
		report_warning("unlock statement: it is removed, but not remembered as "
			       "cleared: %s (repair PERSIST, then install the statement "
			       "and clear it again)",
			       unspent.message);
	if (r > 0)
		audit_add(device, &cleared);
	report_line("%s",
		    r ? "Unlock statement removed... Changes are applied after reboot."
		      : "There is no unlock statement.");
	return 1;
}

enum exit_status command_unlock(struct device *device, const struct words *words)
{
	struct verity_error err;
	struct page page;
	int r;

	if (source_words_given(words))
		r = set(device, words, &err);
	else if (words_has(words, WORD_CLEAR))
		r = clear(device, words_has(words, WORD_YES), &err);
	else if (words_has(words, WORD_JSON))
		r = show_json(device, &err);
	else {
		page_begin(&page);
		r = show(device, &err);
		page_end(&page);
	}
	if (r < 0)
		return statement_report(&err);
	return words_has(words, WORD_CLEAR) && r == 0 ? STATUS_FAILED : report_output();
}
