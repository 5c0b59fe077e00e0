/* SPDX-License-Identifier: MIT */

/* Writes events to syslog and to the audit log. */

#include "installer/device/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "installer/common/passwd.h"
#include "installer/common/report.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

#define USER_BYTES 64

/* The line in the audit log; number 0: none. */
struct added {
	uint64_t number;
	char digest[2 * VERITY_DIGEST_BYTES + 1];
};

/* The environment is what the caller makes it, and says nothing. */
static void find_user(const struct device *device, char ret[static USER_BYTES])
{
	const char *acts_for = device_user(device);
	struct passwd_user user;
	uid_t uid;

	(void)passwd_login_uid(&uid);
	if (acts_for)
		snprintf(ret, USER_BYTES, "%s", acts_for);
	else if (passwd_find(PASSWD_PATH, NULL, uid, &user))
		snprintf(ret, USER_BYTES, "%s", user.name);
	else
		snprintf(ret, USER_BYTES, "uid %lu", (unsigned long)uid);
	verity_text_plain(ret);
}

/* In quotes where needed: no value may look like another key. */
static void put(char *line, size_t size, const char *key, const char *value)
{
	size_t used = strlen(line);
	const char *quote;

	if (!value || !value[0])
		return;
	quote = strpbrk(value, " \"=") ? "\"" : "";
	verity_text_append(line, size, " %s=%s%s%s", key, quote, value, quote);
	if (!quote[0])
		return;
	used += strlen(key) + 3;
	for (char *at = line + used; used < size && at[0] && at[1]; at++)
		if (*at == '"')
			*at = '\'';
}

static void to_syslog(const struct overlay_audit_entry *entry, const char *user,
		      const struct added *added)
{
	bool refused = entry->reason && entry->reason->code != VERITY_OK;
	char line[1024], number[24] = "";

	if (added->number)
		snprintf(number, sizeof(number), "%" PRIu64, added->number);
	snprintf(line, sizeof(line), "%s", overlay_audit_event_name(entry->event));
	put(line, sizeof(line), "user", user);
	put(line, sizeof(line), "package", entry->package ? entry->package->name : NULL);
	put(line, sizeof(line), "version", entry->version);
	put(line, sizeof(line), "verdict", entry->verdict);
	put(line, sizeof(line), "number", number);
	put(line, sizeof(line), "digest", added->digest);
	put(line, sizeof(line), "code",
	    refused ? verity_code_name(entry->reason->code) : NULL);
	put(line, sizeof(line), "detail", entry->detail);
	put(line, sizeof(line), "source", entry->source);
	put(line, sizeof(line), "reason", refused ? entry->reason->message : NULL);
	openlog("wmopkg", LOG_PID, LOG_AUTHPRIV);
	syslog(refused ? LOG_WARNING : LOG_NOTICE, "%s", verity_text_plain(line));
	closelog();
}

static int to_log(struct device *device, const struct overlay_audit_entry *entry,
		  const char *user, struct added *ret, struct verity_error *err)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	struct overlay_trust *trust;
	struct verity_error unused;
	int64_t now = time(NULL);
	int record;
	int r = device_record_fd(device, &record, err);

	if (r < 0 || record < 0)
		return r;
	/* Also where the key ring cannot be read. */
	if (device_trust(device, &trust, &unused) == 0)
		now = overlay_trust_time(trust);
	r = overlay_audit_open(record, device_config(device)->audit_bytes, now, user,
			       &audit, err);
	if (r == 0)
		r = overlay_audit_append(audit, entry, 1, err);
	if (r == 0)
		ret->number = overlay_audit_last(audit, ret->digest);
	return r;
}

void audit_add(struct device *device, const struct overlay_audit_entry *entry)
{
	const char *source = entry->source;
	cleanup_free char *path =
		source && !strstr(source, "://") ? realpath(source, NULL) : NULL;
	struct overlay_audit_entry whole = *entry;
	struct added added = {.number = 0};
	struct verity_error err;
	char user[USER_BYTES];

	if (path)
		whole.source = path;
	find_user(device, user);
	if (to_log(device, &whole, user, &added, &err) < 0)
		report_warning("%s", err.message);
	to_syslog(&whole, user, &added);
}

void audit_add_judged(struct device *device, struct overlay_audit_entry entry,
		      const struct verity_judgement *judgement)
{
	const struct verity_manifest *manifest;
	const struct verity_signatures *signatures;

	if (judgement) {
		entry.verdict = verity_verdict_name(judgement->verdict);
		manifest = judgement->manifest;
		signatures = &judgement->signatures;
		if (manifest) {
			entry.version = manifest->version;
			entry.id = judgement->id;
		}
		if (signatures && signatures->count > 0)
			entry.signer = signatures->signers[0].subject;
	}
	audit_add(device, &entry);
}
