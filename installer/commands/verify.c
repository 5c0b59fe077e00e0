/* SPDX-License-Identifier: MIT */

/* `wmopkg verify`: judges a package file, and what it would change here. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/commands/source_words.h"
#include "installer/common/describe.h"
#include "installer/common/signals.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/forecast.h"
#include "installer/layers/critical_warn.h"
#include "verity/package/stream.h"
#include "verity/util/cleanup.h"
#include "verity/util/name.h"

#define ARRIVAL_NAME "verify" /* it never gets a name in the store */

/* What a package would change on this device; not known where it is refused. */
struct effect {
	char name[VERITY_NAME_MAX + 1]; /* it would be installed under */
	bool known;
	struct changes_count count;
	struct critical_lines lines;
};

/* A package that was judged, wherever it came from. */
struct judged {
	const char *where; /* borrowed, like the rest */
	const struct verity_judgement *judgement;
	const struct verity_layout *layout;     /* NULL: unknown */
	const struct verity_verified *verified; /* NULL: refused */
};

static void find_effect(struct device *device, const struct judged *judged,
			struct effect *ret)
{
	cleanup_with(stacks_free_p) struct stacks *stacks = NULL;
	struct overlay_entry entry = {.kind = OVERLAY_ORDINARY};
	const struct stacks_candidate candidate = {.entry = &entry,
						   .verified = judged->verified};
	struct verity_error why;
	int r;

	if (!judged->verified)
		return;
	if (verity_name_from_path(judged->where, ret->name, NULL) < 0)
		snprintf(ret->name, sizeof(ret->name), "%s",
			 judged->judgement->manifest->name);
	snprintf(entry.name, sizeof(entry.name), "%s", ret->name);
	r = stacks_load(device, &candidate, STACKS_WHOLE, &stacks, &why);
	if (r == 0)
		r = critical_find(&stacks->next, &ret->lines, &ret->count, &why);
	ret->known = r == 0;
	if (!ret->known)
		report_warning("what it changes cannot be determined: %s", why.message);
}

/* @list: NULL where nothing was asked about another firmware or model */
static int print_json(const struct judged *judged, const struct effect *effect,
		      const struct forecast_request *asked,
		      const struct forecast_list *list, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_bool(&json, "accepted", judged->judgement->accepted);
	describe_put_judgement(&json, judged->judgement, judged->layout);
	if (effect->known) {
		verity_json_open(&json, "changes");
		changes_put_count(&json, &effect->count);
		verity_json_close(&json);
	}
	if (list) {
		verity_json_open(&json, "forecast");
		forecast_put(&json, asked, list);
		verity_json_close(&json);
	}
	return verity_json_print(&json, stdout, err);
}

/*
 * A package that would be refused is an error, after its description.
 * @asked: its file is NULL where the package is not here as a whole
 */
static int report(struct device *device, const struct judged *judged,
		  const struct forecast_request *asked, bool json,
		  struct verity_error *err)
{
	cleanup_with(forecast_list_free) struct forecast_list list = {.count = 0};
	const struct verity_judgement *judgement = judged->judgement;
	bool ahead = asked->firmware || asked->model;
	struct effect effect = {0};
	int r = ahead ? forecast_read(device, asked, &list, err) : 0;

	if (r < 0)
		return r;
	find_effect(device, judged, &effect);
	if (json) {
		r = print_json(judged, &effect, asked, ahead ? &list : NULL, err);
		if (r < 0)
			return r;
	} else {
		describe_print(judgement, judged->layout);
		if (effect.known) {
			fputs("Changes: ", stdout);
			changes_print_count(&effect.count);
			putchar('\n');
			critical_lines_warn(&effect.lines, effect.name);
			if (effect.lines.hides[0])
				report_warning("%s: it %s: install refuses it without "
					       "force",
					       effect.name, effect.lines.hides);
		}
		if (ahead)
			forecast_print(asked, &list);
	}
	if (judgement->accepted)
		return forecast_check(asked, &list, err);
	allow_untrusted_warn(device);
	*err = judgement->reason;
	return verity_context(err, -1, "%s: %s", judged->where,
			      verity_verdict_name(judgement->verdict));
}

/* As `install` judges it, which ends a quarantine. */
static int policy_anew(struct device *device, struct verity_policy *ret,
		       struct verity_error *err)
{
	const struct verity_policy *policy;
	int r = device_policy(device, &policy, err);

	if (r == 0) {
		*ret = *policy;
		ret->quarantine = NULL;
	}
	return r;
}

static int verify_here(struct device *device, const struct forecast_request *asked,
		       bool json, struct verity_error *err)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	struct judged judged = {.where = asked->file};
	struct verity_policy policy;
	int r = policy_anew(device, &policy, err);

	if (r < 0)
		return r;
	r = verity_package_open(AT_FDCWD, asked->file, &policy, &package, err);
	if (r < 0)
		return verity_context(err, r, "%s", asked->file);
	judged.judgement = verity_package_judgement(package);
	judged.layout = verity_package_layout(package);
	judged.verified = verity_package_verified(package);
	return report(device, &judged, asked, json, err);
}

/* A package that is judged while it arrives, as by `install`, and is not kept. */
struct arrival {
	struct source *source;
	struct overlay_incoming *incoming;
	struct verity_stream *stream;
};

static int take_head(void *context, const struct verity_judgement *judgement,
		     uint64_t file_bytes, struct verity_error *err)
{
	const struct arrival *arrival = context;

	(void)judgement;
	return overlay_incoming_reserve(arrival->incoming, file_bytes, err);
}

static int take(void *context, const void *bytes, size_t count, struct verity_error *err)
{
	return verity_stream_feed(((struct arrival *)context)->stream, bytes, count, err);
}

static bool is_whole(void *context)
{
	return verity_stream_is_whole(((struct arrival *)context)->stream);
}

static int verify_arrival(struct device *device, struct arrival *arrival,
			  const struct verity_policy *policy,
			  const struct forecast_request *asked, bool json,
			  struct verity_error *err)
{
	cleanup_with(verity_stream_free_p) struct verity_stream *stream = NULL;
	const struct source_sink sink = {.take = take,
					 .is_whole = is_whole,
					 .out = json ? stderr : stdout,
					 .context = arrival};
	const struct verity_stream_hooks hooks = {take_head, arrival};
	struct forecast_request forecast = *asked;
	struct judged judged = {0};
	char path[32];
	int fd = overlay_incoming_fd(arrival->incoming);
	int r = verity_stream_new(fd, policy, &hooks, &stream, err);

	if (r < 0)
		return r;
	arrival->stream = stream;
	signals_watch();
	r = source_pull(arrival->source, &sink, err);
	if (r == 0)
		r = verity_stream_end(stream, err);
	judged.where = arrival->source->where;
	judged.judgement = verity_stream_judgement(stream);
	/* What the judge refuses has a verdict; the rest is a failure of something else.
	 */
	if (r < 0 && (!judged.judgement || judged.judgement->accepted))
		return verity_context(err, r, "%s", judged.where);
	judged.verified = verity_stream_verified(stream);
	if (judged.verified)
		judged.layout = verity_verified_layout(judged.verified);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	forecast.file = judged.verified ? path : NULL;
	return report(device, &judged, &forecast, json, err);
}

static int verify_remote(struct device *device, const struct words *words,
			 const struct forecast_request *asked, bool json,
			 struct verity_error *err)
{
	cleanup_with(overlay_incoming_free_p) struct overlay_incoming *incoming = NULL;
	cleanup_with(source_free_p) struct source *source = NULL;
	struct overlay_store *store;
	struct verity_policy policy;
	struct arrival arrival;
	int r = source_of_words(device, words, true, &source, err);

	if (r == 0)
		r = policy_anew(device, &policy, err);
	if (r == 0)
		r = device_store(device, &store, err);
	if (r == 0)
		r = overlay_incoming_new(store, OVERLAY_ORDINARY, ARRIVAL_NAME, &incoming,
					 err);
	if (r < 0)
		return r;
	arrival = (struct arrival){.source = source, .incoming = incoming};
	return verify_arrival(device, &arrival, &policy, asked, json, err);
}

/* Of all installed packages, without a file. */
static int forecast(struct device *device, const struct forecast_request *asked,
		    bool json, struct verity_error *err)
{
	cleanup_with(forecast_list_free) struct forecast_list list = {.count = 0};
	cleanup_with(verity_json_end) struct verity_json_writer writer = {0};
	int r = forecast_read(device, asked, &list, err);

	if (r == 0 && json) {
		forecast_put(&writer, asked, &list);
		r = verity_json_print(&writer, stdout, err);
	} else if (r == 0) {
		forecast_print(asked, &list);
	}
	return r < 0 ? r : forecast_check(asked, &list, err);
}

enum exit_status command_verify(struct device *device, const struct words *words)
{
	const struct forecast_request asked = {
		.firmware = words->values[WORD_CHECK_FIRMWARE],
		.model = words->values[WORD_CHECK_MODEL],
		.file = words->values[WORD_FILE],
	};
	bool json = words_has(words, WORD_JSON);
	struct verity_error err;
	int r;

	if (!source_words_given(words))
		r = forecast(device, &asked, json, &err);
	else if (source_words_remote(words))
		r = verify_remote(device, words, &asked, json, &err);
	else
		r = verify_here(device, &asked, json, &err);

	return r < 0 ? report_hinted(NULL, &err, allow_untrusted_hint(device, err.code))
		     : report_output();
}
