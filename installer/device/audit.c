/* SPDX-License-Identifier: MIT */
#include "installer/device/audit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "installer/common/report.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/text.h"

#define USER_BYTES 64
#define UID_UNSET  4294967295UL /* of a process that nobody logged in for */

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

/* The line of the audit log; .number 0 where there is none. */
struct added {
	uint64_t number;
	char digest[2 * VERITY_DIGEST_BYTES + 1];
};

static void name_of(uid_t uid, char ret[static USER_BYTES])
{
	const struct passwd *entry = getpwuid(uid);

	if (entry)
		snprintf(ret, USER_BYTES, "%s", entry->pw_name);
	else
		snprintf(ret, USER_BYTES, "uid %u", (unsigned)uid);
}

/*
 * Who logged in, whoever they have become since; the kernel keeps it for us where it can,
 * and nothing of the environment counts for more.
 */
static void find_user(char ret[static USER_BYTES])
{
	cleanup_free char *text = NULL;
	unsigned long uid = UID_UNSET;
	const char *sudo = getenv("SUDO_USER");
	size_t size;

	if (verity_io_load(AT_FDCWD, "/proc/self/loginuid", 32, &text, &size, NULL) == 0)
		uid = strtoul(text, NULL, 10);
	if (uid != UID_UNSET && size > 0)
		name_of((uid_t)uid, ret);
	else if (sudo && sudo[0] && getuid() == 0)
		snprintf(ret, USER_BYTES, "%s", sudo);
	else
		name_of(getuid(), ret);
	verity_text_plain(ret);
}

/* In quotes where it needs them: no value may look like a key of its own. */
static void put(char *line, size_t size, const char *key, const char *value)
{
	size_t used = strlen(line);
	const char *quote;

	if (!value || !value[0])
		return;
	quote = strpbrk(value, " \"=") ? "\"" : "";
	snprintf(line + used, size - used, " %s=%s%s%s", key, quote, value, quote);
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
	int64_t now = time(NULL);
	int record;
	int r = device_record_fd(device, &record, err);

	if (r < 0 || record < 0)
		return r;
	/* Who is not trusted is no reason to note nothing. */
	if (device_trust(device, &trust, NULL) == 0)
		now = overlay_trust_time(trust);
	r = overlay_audit_open(record, device_config(device)->audit_bytes, now, user,
			       &audit, err);
	if (r == 0)
		r = overlay_audit_append(audit, entry, 1, err);
	if (r == 0)
		ret->number = overlay_audit_last(audit, ret->digest);
	return r;
}

/* "./FILE" says little to who reads it elsewhere. NULL where it is no such file. */
static char *absolute(const char *source)
{
	return source && !strstr(source, "://") ? realpath(source, NULL) : NULL;
}

void auditing_add(struct device *device, const struct overlay_audit_entry *entry)
{
	cleanup_free char *path = absolute(entry->source);
	struct overlay_audit_entry whole = *entry;
	struct added added = {.number = 0};
	struct verity_error err;
	char user[USER_BYTES];

	if (path)
		whole.source = path;
	find_user(user);
	if (to_log(device, &whole, user, &added, &err) < 0)
		report_warning("%s", err.message);
	to_syslog(&whole, user, &added);
}

void auditing_add_judged(struct device *device, struct overlay_audit_entry entry,
			 const struct verity_judgement *judgement)
{
	const struct verity_manifest *manifest =
		judgement ? verity_judgement_manifest(judgement) : NULL;
	const struct verity_signatures *signatures =
		judgement ? verity_judgement_signatures(judgement) : NULL;

	if (judgement)
		entry.verdict = verity_verdict_name(verity_judgement_verdict(judgement));
	if (manifest) {
		entry.version = manifest->version;
		entry.id = verity_judgement_id(judgement);
	}
	if (signatures && signatures->count > 0)
		entry.signer = signatures->signers[0].subject;
	auditing_add(device, &entry);
}
