/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/commands/statement_json.h"
#include "installer/common/describe.h"
#include "installer/common/statement_file.h"
#include "installer/device/audit.h"
#include "verity/util/cleanup.h"

static void print_reason(const struct verity_error *why)
{
	const char *hint = verity_code_hint(why->code);

	printf("Reason: ");
	report_plain(stdout, why->message);
	printf("%s%s%s\n", hint ? " (" : "", hint ? hint : "", hint ? ")" : "");
}

static void print_statement(const struct verity_unlock *unlock, const char *serial,
			    int64_t now)
{
	const struct verity_signer *signer = verity_unlock_signer(unlock);
	struct verity_error why;
	char allows[VERITY_UNLOCK_WORDS_MAX], until[32];

	if (verity_unlock_check(unlock, serial, now, &why) < 0) {
		puts("Unlocked: no");
		print_reason(&why);
		return;
	}
	verity_unlock_words(verity_unlock_text(unlock)->allows, allows);
	describe_format_time(verity_unlock_text(unlock)->not_after, until);
	printf("Unlocked: %s\nUntil: %s\nSigner: %s\nTrusted by: %s\n", allows, until,
	       signer->subject, signer->anchor);
}

static void print_allow_untrusted(const struct overlay_trust *trust)
{
	const struct verity_error *locked = overlay_trust_locked(trust);

	printf("Allow Untrusted: %s\n",
	       overlay_trust_policy(trust)->allow_untrusted ? "yes" : "no");
	if (locked)
		print_reason(locked);
}

static int show(struct device *device, struct verity_error *err)
{
	const char *serial;
	struct overlay_trust *trust;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	serial = device_identity(device)->serial;
	printf("Serial: %s\n", serial[0] ? serial : "not known");
	if (overlay_trust_unlock(trust))
		print_statement(overlay_trust_unlock(trust), serial,
				overlay_trust_time(trust));
	else
		puts("Unlocked: no");
	print_allow_untrusted(trust);
	return 0;
}

/* What is going to be written to is asked for before it is read. */
static int open_trust(struct device *device, struct overlay_trust **ret,
		      struct verity_error *err)
{
	int record;
	int r = device_record_fd(device, &record, err);

	return r < 0 ? r : device_trust(device, ret, err);
}

static void audit_refusal(struct device *device, const char *file,
			  const struct verity_error *why)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_REFUSE,
						  .source = file,
						  .detail = "unlock statement",
						  .reason = why};

	auditing_add(device, &entry);
}

static void audit_unlock(struct device *device, const char *file,
			 const struct verity_unlock *unlock)
{
	char allows[VERITY_UNLOCK_WORDS_MAX], until[32], detail[256];
	const struct overlay_audit_entry entry = {
		.event = OVERLAY_AUDIT_UNLOCK,
		.source = file,
		.signer = verity_unlock_signer(unlock)->subject,
		.detail = detail};

	verity_unlock_words(verity_unlock_text(unlock)->allows, allows);
	describe_format_time(verity_unlock_text(unlock)->not_after, until);
	snprintf(detail, sizeof(detail), "%s, serial %s, until %s", allows,
		 verity_unlock_text(unlock)->serial, until);
	auditing_add(device, &entry);
}

static int set(struct device *device, const char *file, struct verity_error *err)
{
	struct verity_error why;
	cleanup_free char *bytes = NULL;
	const struct verity_unlock *unlock;
	struct overlay_trust *trust;
	char allows[VERITY_UNLOCK_WORDS_MAX], until[32];
	size_t size;
	int r = statement_load(file, &bytes, &size, err);

	if (r == 0)
		r = open_trust(device, &trust, err);
	if (r < 0)
		return r;
	r = overlay_trust_set_unlock(trust, bytes, size, err);
	if (r < 0) {
		audit_refusal(device, file, err);
		return verity_context(err, r, "%s", file);
	}
	if (overlay_trust_keep(trust, &why) < 0)
		report_warning("%s", why.message);
	unlock = overlay_trust_unlock(trust);
	verity_unlock_words(verity_unlock_text(unlock)->allows, allows);
	describe_format_time(verity_unlock_text(unlock)->not_after, until);
	audit_unlock(device, file, unlock);
	printf("Unlocked until %.10s: %s. Changes are applied after reboot.\n", until,
	       allows);
	return 0;
}

static int clear(struct device *device, struct verity_error *err)
{
	struct overlay_trust *trust;
	int r = open_trust(device, &trust, err);

	if (r == 0)
		r = overlay_trust_clear_unlock(trust, err);
	if (r < 0)
		return r;
	if (r > 0)
		auditing_add(device, &(struct overlay_audit_entry){
					     .event = OVERLAY_AUDIT_UNLOCK_CLEAR});
	puts(r ? "Unlock statement removed... Changes are applied after reboot."
	       : "There is no unlock statement.");
	return 0;
}

enum exit_status command_unlock(struct device *device, const struct words *words)
{
	struct verity_error err;
	int r;

	if (words_has(words, WORD_FILE))
		r = set(device, words->values[WORD_FILE], &err);
	else if (words_has(words, WORD_CLEAR))
		r = clear(device, &err);
	else if (words_has(words, WORD_JSON))
		r = unlock_json(device, &err);
	else
		r = show(device, &err);
	return r < 0 ? statement_report(&err) : report_output();
}
