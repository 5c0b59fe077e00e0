/* SPDX-License-Identifier: MIT */
#include "installer/commands/install_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/commands/install_private.h"
#include "installer/common/report.h"
#include "installer/common/signals.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/critical_warn.h"
#include "installer/device/end_quarantine.h"
#include "installer/device/reset_pending.h"
#include "installer/grammar/grammar.h"
#include "overlay/store/place.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(struct overlay_incoming, overlay_incoming_free);

static int check_length(const struct source *source, uint64_t file_bytes,
			struct verity_error *err)
{
	int64_t offered = source_bytes(source);

	if (offered < 0 || (uint64_t)offered == file_bytes)
		return 0;
	return verity_fail(err, VERITY_E_BAD_LENGTH,
			   "the file has %" PRId64
			   " bytes where its manifest makes it %" PRIu64,
			   offered, file_bytes);
}

/* Everything that can be known before the first block of data is. */
static int take_head(void *context, const struct verity_judgement *judgement,
		     uint64_t file_bytes, struct verity_error *err)
{
	const struct verity_manifest *manifest = verity_judgement_manifest(judgement);
	struct installing *installing = context;
	const char *name = source_name(installing->source);
	char title[VERITY_NAME_MAX + sizeof(VERITY_PACKAGE_SUFFIX)];
	int r = overlay_place_check(manifest, installing->kind, err);

	if (r == 0)
		r = check_length(installing->source, file_bytes, err);
	if (r == 0)
		r = replacing_check_identity(installing->store, name, manifest->name,
					     err);
	if (r == 0)
		r = overlay_incoming_reserve(installing->incoming, file_bytes, err);
	if (r < 0)
		return r;
	snprintf(title, sizeof(title), "%s" VERITY_PACKAGE_SUFFIX, name);
	progress_begin(&installing->progress, stdout, isatty(STDOUT_FILENO) == 1, title,
		       file_bytes);
	return 0;
}

static int take_bytes(void *context, const void *bytes, size_t count,
		      struct verity_error *err)
{
	struct installing *installing = context;
	int r = verity_stream_feed(installing->stream, bytes, count, err);

	if (r < 0)
		return r;
	installing->done += count;
	progress_advance(&installing->progress, installing->done);
	return 0;
}

static void interlude(void *context)
{
	struct installing *installing = context;

	progress_pause(&installing->progress);
}

static int transfer(struct installing *installing, struct verity_error *err)
{
	const struct source_sink sink = {
		.take = take_bytes,
		.interlude = interlude,
		.context = installing,
	};
	const struct verity_judgement *judgement;
	int r = source_pull(installing->source, &sink, err);

	if (r == 0)
		r = verity_stream_end(installing->stream, err);
	if (r == 0) {
		progress_end(&installing->progress);
		return 0;
	}
	progress_break(&installing->progress);
	judgement = verity_stream_judgement(installing->stream);
	if (judgement && !verity_judgement_accepted(judgement))
		verity_context(err, r, "%s",
			       verity_verdict_name(verity_judgement_verdict(judgement)));
	return r;
}

static int receive(struct installing *installing, const struct verity_policy *policy,
		   struct verity_error *err)
{
	cleanup_with(verity_stream_free_p) struct verity_stream *stream = NULL;
	const struct verity_stream_hooks hooks = {.head = take_head,
						  .context = installing};
	int r = verity_stream_new(overlay_incoming_fd(installing->incoming), policy,
				  &hooks, &stream, err);

	if (r < 0)
		return r;
	installing->stream = stream;
	r = transfer(installing, err);
	if (r == 0)
		r = signals_check(err);
	if (r == 0) {
		installing_tell(installing);
		critical_warn(installing->device, source_name(installing->source),
			      verity_stream_verified(stream));
		/* The last moment: what may have taken long lies behind. */
		r = signals_check(err);
	}
	if (r == 0)
		r = overlay_incoming_commit(installing->incoming, err);
	if (r == 0) {
		memcpy(installing->id,
		       verity_judgement_id(verity_stream_judgement(stream)),
		       sizeof(installing->id));
		installing_remember(installing);
	}
	installing_audit(installing, r == 0, err);
	installing->stream = NULL;
	return r;
}

/*
 * Who installs a package wants it tried, whatever became of it before: it is judged as
 * one that was never quarantined.
 */
static int receive_anew(struct device *device, struct installing *installing,
			const struct verity_policy *policy, struct verity_error *err)
{
	struct verity_policy anew = *policy;
	const char *name = source_name(installing->source);
	struct verity_error why;
	int r;

	anew.quarantine = NULL;
	r = receive(installing, &anew, err);
	if (r < 0 || !policy->quarantine || policy->quarantine->count == 0)
		return r;
	if (quarantine_end(device, name, installing->id, &why) < 0)
		report_warning("%s: it stays quarantined: %s", name, why.message);
	return 0;
}

int installing_run(struct device *device, struct source *source,
		   enum overlay_store_kind kind, struct verity_error *err)
{
	cleanup_with(overlay_incoming_free_p) struct overlay_incoming *incoming = NULL;
	struct installing installing = {.device = device, .source = source, .kind = kind};
	const struct verity_policy *policy;
	struct verity_error unmade;
	int record;
	int r = 0;

	if (word_reserved(source_name(source)))
		r = verity_fail(err, VERITY_E_BAD_NAME,
				"'%s' is a word of the commands, not a name a package "
				"may have",
				source_name(source));

	/* Where it cannot be made is told by who wants to write there. */
	(void)!device_record_fd(device, &record, &unmade);
	if (r == 0)
		r = device_policy(device, &policy, err);
	if (r == 0)
		r = device_store(device, &installing.store, err);
	if (r < 0)
		return r;
	allowed_warn(device);
	reset_pending_warn(device);
	signals_watch();
	r = overlay_incoming_new(installing.store, kind, source_name(source), &incoming,
				 err);
	if (r < 0)
		return r;
	installing.incoming = incoming;
	replacing_find(installing.store, source_name(source), &installing.replaced);
	return receive_anew(device, &installing, policy, err);
}
