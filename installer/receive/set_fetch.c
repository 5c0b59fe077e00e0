/* SPDX-License-Identifier: MIT */
/* Fetches heads, and packages, of a set. */
#include "installer/receive/set_fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "installer/fetch/source_open.h"
#include "installer/receive/device_source.h"
#include "verity/package/stream.h"

struct fetch {
	struct set_plan *plan;
	const char *folder;
	const struct install_view *view;    /* NULL, like the next: only heads */
	struct overlay_change_set *changes; /* where packages go */
	struct set_item *current;           /* which is being fetched */
	struct verity_stream *stream;       /* of a head; borrowed */
};

/* Two files of one identity: at boot one of them would be left out. */
static int check_identity(const struct fetch *fetch, const char *identity,
			  struct verity_error *err)
{
	for (size_t i = 0; i < fetch->plan->set->count; i++) {
		const struct set_item *other = &fetch->plan->items[i];
		const char *known = other->seen  ? other->identity
				    : other->met ? other->present.identity
						 : "";

		if (other != fetch->current && strcmp(known, identity) == 0)
			return verity_fail(err, VERITY_E_BAD_SET,
					   "it is the package %s, and so is %s", identity,
					   other->wanted->name);
	}
	return 0;
}

/* The head of a package of the set has arrived. -ECANCELED: no more of it is needed. */
static int accept(void *context, const struct verity_judgement *judgement,
		  struct verity_error *err)
{
	const struct verity_manifest *manifest = judgement->manifest;
	struct fetch *fetch = context;
	struct set_item *item = fetch->current;
	const struct set_present *present = &item->present;
	int r = set_package_compare(item->wanted, manifest->version, manifest->root_hash,
				    err);

	if (r == 0)
		r = check_identity(fetch, manifest->name, err);
	if (r < 0)
		return r;
	snprintf(item->identity, sizeof(item->identity), "%s", manifest->name);
	snprintf(item->version, sizeof(item->version), "%s", manifest->version);
	item->seen = true;
	item->met = present->readable && set_item_in_store(item) &&
		    strcmp(present->identity, manifest->name) == 0 &&
		    strcmp(present->version, manifest->version) == 0 &&
		    memcmp(present->root_hash, manifest->root_hash,
			   sizeof(present->root_hash)) == 0;
	return item->met || !fetch->changes ? -ECANCELED : 0;
}

static bool is_leaving(void *context, const char *name)
{
	const struct set_plan *plan = ((struct fetch *)context)->plan;

	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(set_item_name(&plan->items[i]), name) == 0)
			return set_plan_action(plan, &plan->items[i]) != SET_NONE;
	return false;
}

static int open_source(struct fetch *fetch, struct set_item *item,
		       struct verity_error *err)
{
	const char *where = item->wanted->source;
	cleanup_free char *path = NULL;
	struct source_request request = {.where = where, .any_name = true};
	int r;

	if (!source_is_url(where) && where[0] != '/') {
		if (asprintf(&path, "%s%s", fetch->folder, where) < 0)
			path = NULL;
		if (!path)
			return verity_no_memory(err);
		request.where = path;
	}
	r = device_source_open(fetch->plan->device, &request, &item->source, err);
	if (r == 0) /* whatever the file is called */
		snprintf(item->source->name, sizeof(item->source->name), "%s",
			 item->wanted->name);
	return r;
}

static int take_head(void *context, const struct verity_judgement *judgement,
		     uint64_t file_bytes, struct verity_error *err)
{
	(void)file_bytes;
	return accept(context, judgement, err);
}

static int take_bytes(void *context, const void *bytes, size_t count,
		      struct verity_error *err)
{
	return verity_stream_feed(((struct fetch *)context)->stream, bytes, count, err);
}

/* Into memory. */
static int fetch_head(struct fetch *fetch, struct set_item *item,
		      struct verity_error *err)
{
	cleanup_with(verity_stream_free_p) struct verity_stream *stream = NULL;
	const struct verity_stream_hooks hooks = {take_head, fetch};
	const struct source_sink sink = {.take = take_bytes, .context = fetch};
	cleanup_fd int fd = memfd_create("wmopkg-head", MFD_CLOEXEC);
	const struct verity_policy *policy;
	int r;

	if (fd < 0)
		return verity_fail_errno(err, errno, "memory for the head");
	r = device_policy(fetch->plan->device, &policy, err);
	if (r == 0)
		r = verity_stream_new(fd, policy, &hooks, &stream, err);
	if (r < 0)
		return r;
	fetch->stream = stream;
	r = source_pull(item->source, &sink, err);
	return r < 0 ? r : verity_stream_end(stream, err);
}

static int fetch_package(struct fetch *fetch, struct set_item *item,
			 struct verity_error *err)
{
	const struct install_set in_set = {accept, is_leaving, fetch};
	enum overlay_store_kind kind =
		item->wanted->persistent ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	struct overlay_incoming *incoming;
	int r = overlay_change_set_add(fetch->changes, kind, item->wanted->name,
				       &incoming, err);

	if (r < 0)
		return r;
	r = install_prepare(fetch->plan->device, item->source, incoming, kind, kind,
			    false, &in_set, fetch->view, &item->install, err);
	if (r == -ECANCELED)
		overlay_change_set_drop(fetch->changes);
	return r;
}

static int fetch_all(struct fetch *fetch, struct verity_error *err)
{
	for (size_t i = 0; i < fetch->plan->set->count; i++) {
		struct set_item *item = &fetch->plan->items[i];
		int r;

		if (item->met)
			continue;
		fetch->current = item;
		r = open_source(fetch, item, err);
		if (r == 0)
			r = fetch->changes ? fetch_package(fetch, item, err)
					   : fetch_head(fetch, item, err);
		if (r < 0 && r != -ECANCELED)
			return verity_context(err, r, "%s", item->wanted->name);
	}
	return 0;
}

int set_fetch_heads(struct set_plan *plan, const char *folder, struct verity_error *err)
{
	struct fetch fetch = {.plan = plan, .folder = folder};

	return fetch_all(&fetch, err);
}

int set_fetch_whole(struct set_plan *plan, const char *folder,
		    const struct install_view *view, struct overlay_change_set *changes,
		    struct verity_error *err)
{
	struct fetch fetch = {
		.plan = plan, .folder = folder, .view = view, .changes = changes};

	return fetch_all(&fetch, err);
}
