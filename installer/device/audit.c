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
#include "overlay/record/audit_step.h"
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

/* Also where the key ring cannot be read. */
static int64_t time_of(struct device *device)
{
	struct overlay_trust *trust;
	struct verity_error unused;

	return device_trust(device, &trust, &unused) == 0 ? overlay_trust_time(trust)
							  : time(NULL);
}

static int to_log(struct device *device, const struct overlay_audit_entry *entry,
		  const char *user, struct added *ret, struct verity_error *err)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	int record;
	int r = device_record_fd(device, &record, err);

	if (r == 0 && record < 0)
		return 0;
	if (r == 0)
		r = overlay_audit_open(record, device_config(device)->audit_bytes,
				       time_of(device), user, &audit, err);
	if (r < 0)
		return verity_context(err, r, "audit log");
	r = overlay_audit_append(audit, entry, 1, err);
	if (r == 0)
		ret->number = overlay_audit_last(audit, ret->digest);
	return r;
}

/* NULL where it is no local file; the caller's to free. */
static char *whole_path(const char *source)
{
	return source && !strstr(source, "://") ? realpath(source, NULL) : NULL;
}

void audit_add(struct device *device, const struct overlay_audit_entry *entry)
{
	cleanup_free char *path = whole_path(entry->source);
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

bool audit_keep(struct device *device, const struct overlay_audit_entry *entries,
		size_t count, uint8_t ret[static VERITY_DIGEST_BYTES])
{
	cleanup_free struct overlay_audit_entry *whole =
		calloc(count + 1, sizeof(*whole));
	cleanup_free char **paths = calloc(count + 1, sizeof(*paths));
	struct verity_error err;
	char user[USER_BYTES];
	int record, r = device_record_fd(device, &record, &err);

	if (r == 0 && (!whole || !paths))
		r = verity_no_memory(&err);
	if (r == 0 && record < 0)
		return false;
	for (size_t i = 0; r == 0 && i < count; i++) {
		whole[i] = entries[i];
		paths[i] = whole_path(entries[i].source);
		if (paths[i])
			whole[i].source = paths[i];
	}
	find_user(device, user);
	if (r == 0)
		r = overlay_audit_step_keep(record, time_of(device), user, whole, count,
					    ret, &err);
	for (size_t i = 0; paths && i < count; i++)
		free(paths[i]);
	if (r < 0)
		report_warning("audit log: %s", err.message);
	return r == 0;
}

void audit_add_kept(struct device *device, const struct overlay_audit_entry *entries,
		    size_t count)
{
	struct verity_error err;
	int record;

	for (size_t i = 0; i < count; i++)
		audit_add(device, &entries[i]);
	if (device_record_fd(device, &record, &err) == 0 && record >= 0 &&
	    overlay_audit_step_forget(record, &err) < 0)
		report_warning("audit log: %s", err.message);
}

void audit_judged(struct overlay_audit_entry *entry,
		  const struct verity_judgement *judgement)
{
	const struct verity_signatures *signatures;

	if (!judgement)
		return;
	signatures = &judgement->signatures;
	entry->verdict = verity_verdict_name(judgement->verdict);
	if (judgement->manifest) {
		entry->version = judgement->manifest->version;
		entry->id = judgement->id;
	}
	if (signatures->count > 0)
		entry->signer = signatures->signers[0].subject;
}

void audit_add_judged(struct device *device, struct overlay_audit_entry entry,
		      const struct verity_judgement *judgement)
{
	audit_judged(&entry, judgement);
	audit_add(device, &entry);
}
