/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/allowed.h"
#include "installer/auditing.h"
#include "installer/command.h"
#include "installer/interrupt.h"
#include "installer/media.h"
#include "installer/progress.h"
#include "installer/quarantine.h"
#include "installer/source.h"
#include "overlay/place.h"
#include "verity/cleanup.h"
#include "verity/stream.h"

DEFINE_CLEANUP(struct source, source_free);
DEFINE_CLEANUP(struct overlay_incoming, overlay_incoming_free);
DEFINE_CLEANUP(struct verity_stream, verity_stream_free);

/* One installation, from its source into the store. */
struct install {
	struct device *device; /* borrowed, like the rest */
	struct source *source;
	struct overlay_incoming *incoming;
	struct verity_stream *stream;
	enum overlay_store_kind kind;
	struct progress progress;
	uint64_t done;                   /* bytes */
	uint8_t id[VERITY_DIGEST_BYTES]; /* verity_judgement_id(), once it is there */
};

/* What the commands give a meaning to could never be named to them. */
static int check_name(const char *name, struct verity_error *err)
{
	static const char *const words[] = {"all", "json", "media"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], name) == 0)
			return verity_fail(err, VERITY_E_BAD_NAME,
					   "'%s' is a word of the commands, not a name "
					   "a package may have",
					   name);
	return 0;
}

/* Everything that can be known before the first block of data is. */
static int take_head(void *context, const struct verity_judgement *judgement,
		     uint64_t file_bytes, struct verity_error *err)
{
	struct install *install = context;
	int64_t offered = source_bytes(install->source);
	char title[VERITY_NAME_MAX + sizeof(VERITY_PACKAGE_SUFFIX)];
	int r = overlay_place_check(verity_judgement_manifest(judgement), install->kind,
				    err);

	if (r < 0)
		return r;
	if (offered >= 0 && (uint64_t)offered != file_bytes)
		return verity_fail(err, VERITY_E_BAD_LENGTH,
				   "the file has %" PRId64
				   " bytes where its manifest makes it %" PRIu64,
				   offered, file_bytes);
	r = overlay_incoming_reserve(install->incoming, file_bytes, err);
	if (r < 0)
		return r;
	snprintf(title, sizeof(title), "%s" VERITY_PACKAGE_SUFFIX,
		 source_name(install->source));
	progress_begin(&install->progress, stdout, isatty(STDOUT_FILENO) == 1, title,
		       file_bytes);
	return 0;
}

static int take_bytes(void *context, const void *bytes, size_t count,
		      struct verity_error *err)
{
	struct install *install = context;
	int r = verity_stream_feed(install->stream, bytes, count, err);

	if (r < 0)
		return r;
	install->done += count;
	progress_advance(&install->progress, install->done);
	return 0;
}

static void interlude(void *context)
{
	struct install *install = context;

	progress_pause(&install->progress);
}

static int transfer(struct install *install, struct verity_error *err)
{
	const struct source_sink sink = {
		.take = take_bytes,
		.interlude = interlude,
		.context = install,
	};
	const struct verity_judgement *judgement;
	int r = source_pull(install->source, &sink, err);

	if (r == 0)
		r = verity_stream_end(install->stream, err);
	if (r == 0) {
		progress_end(&install->progress);
		return 0;
	}
	progress_break(&install->progress);
	judgement = verity_stream_judgement(install->stream);
	if (judgement && !verity_judgement_accepted(judgement))
		verity_context(err, r, "%s",
			       verity_verdict_name(verity_judgement_verdict(judgement)));
	return r;
}

/* On what it depends that a package is active which is not plainly Signed. */
static const char *condition_of(enum verity_verdict verdict)
{
	return verdict == VERITY_DOWNGRADE
		       ? "it is active only as long as an unlock statement allows it"
		       : "it is active only where the boot configuration says Allow "
			 "Untrusted";
}

static void tell_verdict(const struct install *install)
{
	const struct verity_judgement *judgement =
		verity_stream_judgement(install->stream);
	enum verity_verdict verdict = verity_judgement_verdict(judgement);

	printf("    PKG: %s\n", verity_verdict_name(verdict));
	if (verdict != VERITY_SIGNED)
		report_warning("%s: %s: %s; %s", source_name(install->source),
			       verity_verdict_name(verdict),
			       verity_judgement_reason(judgement)->message,
			       condition_of(verdict));
}

/* What was refused is of interest as well; what never arrived is not. */
static void audit(const struct install *install, bool installed,
		  const struct verity_error *why)
{
	const struct verity_judgement *judgement =
		verity_stream_judgement(install->stream);
	const char *where = source_where(install->source);
	/* "./FILE" says little to who reads it elsewhere. */
	cleanup_free char *path = strstr(where, "://") ? NULL : realpath(where, NULL);
	struct overlay_entry package = {.kind = install->kind};
	struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_INSTALL,
					    .package = &package,
					    .source = path ? path : where};

	if (!installed && (!judgement || verity_judgement_accepted(judgement)))
		return;
	snprintf(package.name, sizeof(package.name), "%s", source_name(install->source));
	entry.reason = judgement ? verity_judgement_reason(judgement) : NULL;
	if (!installed) {
		entry.event = OVERLAY_AUDIT_REFUSE;
		if (!entry.reason || entry.reason->code == VERITY_OK)
			entry.reason = why;
	}
	auditing_add_judged(install->device, entry, judgement);
}

/* Whoever signed it vouches for the day it was signed on. */
static void remember(struct install *install)
{
	struct overlay_trust *trust;
	struct verity_error why;
	int r = device_trust(install->device, &trust, &why);

	if (r == 0)
		r = overlay_trust_seen(trust, verity_stream_judgement(install->stream),
				       false, &why);
	if (r == 0)
		r = overlay_trust_keep(trust, &why);
	if (r < 0)
		report_warning("%s", why.message);
}

static int receive(struct install *install, const struct verity_policy *policy,
		   struct verity_error *err)
{
	cleanup_with(verity_stream_free_p) struct verity_stream *stream = NULL;
	const struct verity_stream_hooks hooks = {.head = take_head, .context = install};
	int r = verity_stream_new(overlay_incoming_fd(install->incoming), policy, &hooks,
				  &stream, err);

	if (r < 0)
		return r;
	install->stream = stream;
	r = transfer(install, err);
	if (r == 0)
		r = interrupt_check(err);
	if (r == 0)
		tell_verdict(install);
	if (r == 0)
		r = overlay_incoming_commit(install->incoming, err);
	if (r == 0) {
		memcpy(install->id, verity_judgement_id(verity_stream_judgement(stream)),
		       sizeof(install->id));
		remember(install);
	}
	audit(install, r == 0, err);
	install->stream = NULL;
	return r;
}

/*
 * Who installs a package wants it tried, whatever became of it before: it is judged as
 * one that was never quarantined.
 */
static int receive_anew(struct device *device, struct install *install,
			const struct verity_policy *policy, struct verity_error *err)
{
	struct verity_policy anew = *policy;
	const char *name = source_name(install->source);
	struct verity_error why;
	int r;

	anew.quarantine = NULL;
	r = receive(install, &anew, err);
	if (r < 0 || !policy->quarantine || policy->quarantine->count == 0)
		return r;
	if (quarantine_end(device, name, install->id, &why) < 0)
		report_warning("%s: it stays quarantined: %s", name, why.message);
	return 0;
}

static int install_from(struct device *device, struct source *source,
			enum overlay_store_kind kind, struct verity_error *err)
{
	cleanup_with(overlay_incoming_free_p) struct overlay_incoming *incoming = NULL;
	struct install install = {.device = device, .source = source, .kind = kind};
	const struct verity_policy *policy;
	struct overlay_store *store;
	struct verity_error unmade;
	int record;
	int r = check_name(source_name(source), err);

	/* Where it cannot be made is told by who wants to write there. */
	(void)!device_record_fd(device, &record, &unmade);
	if (r == 0)
		r = device_policy(device, &policy, err);
	if (r == 0)
		r = device_store(device, &store, err);
	if (r < 0)
		return r;
	allowed_warn(device);
	interrupt_watch();
	r = overlay_incoming_new(store, kind, source_name(source), &incoming, err);
	if (r < 0)
		return r;
	install.incoming = incoming;
	return receive_anew(device, &install, policy, err);
}

static int open_source(struct device *device, const struct words *words,
		       struct source **ret, struct verity_error *err)
{
	const char *authorities = device_config(device)->authorities;
	const struct source_request request = {
		.where = words->values[WORD_SOURCE],
		.protocol = words->values[WORD_PROTOCOL],
		.address = words->values[WORD_ADDRESS],
		.path = words->values[WORD_SERVER_PATH],
		.user = words->values[WORD_USER],
		.password = words->values[WORD_PASSWORD],
		.authorities = authorities[0] ? authorities : NULL,
	};

	if (words_has(words, WORD_MEDIA))
		return media_source_open(device, words->values[WORD_MEDIA],
					 words->values[WORD_MEDIA_PATH], ret, err);
	return source_open(&request, ret, err);
}

enum exit_status command_install(struct device *device, const struct words *words)
{
	cleanup_with(source_free_p) struct source *source = NULL;
	enum overlay_store_kind kind =
		words_has(words, WORD_PERSISTENT) ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	struct verity_error err;

	if (open_source(device, words, &source, &err) < 0)
		return report_error(NULL, &err);
	if (install_from(device, source, kind, &err) < 0)
		return report_hinted(source_where(source), &err,
				     allowed_hint(device, err.code));
	puts("Installed... Changes are applied after reboot.");
	return STATUS_DONE;
}
