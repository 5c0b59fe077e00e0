/* SPDX-License-Identifier: MIT */
/* Fetches heads, and packages, of a set. */
#include "installer/receive/set_fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "installer/fetch/source_open.h"
#include "installer/media/open.h"
#include "installer/receive/device_source.h"
#include "verity/statement/catalog.h"
#include "verity/util/version.h"

struct fetch {
	struct set_plan *plan;
	const struct set_origin *origin;
	const struct install_view *view;    /* NULL, like the next: only heads */
	struct overlay_change_set *changes; /* where packages go */
	struct set_item *current;           /* which is being fetched */
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

/* What is installed stays where the source has no newer one. */
static int check_latest(struct set_item *item, const struct verity_manifest *manifest,
			struct verity_error *err)
{
	const struct set_present *present = &item->present;
	int newer = verity_version_compare_epochs(manifest->epoch, manifest->version,
						  present->epoch, present->version);

	if (newer > 0 || (newer == 0 && !set_item_in_store(item)))
		return 0;
	if (set_item_in_store(item)) {
		item->met = true;
		return 0;
	}
	return verity_fail(err, VERITY_E_BAD_SET,
			   "it has to move to the other store, and version %s of the "
			   "source is older than the installed version %s",
			   manifest->version, present->version);
}

/* One that was signed as well, and is called the same, is not the one that is meant. */
static int check_published(const struct verity_catalog_entry *published,
			   const struct verity_judgement *judgement, uint64_t file_bytes,
			   struct verity_error *err)
{
	if (memcmp(published->id, judgement->id, VERITY_DIGEST_BYTES) != 0)
		return verity_fail(err, VERITY_E_NOT_PUBLISHED,
				   "its manifest is not the one that the catalogue "
				   "names");
	if (published->file_bytes != file_bytes)
		return verity_fail(err, VERITY_E_NOT_PUBLISHED,
				   "it has %" PRIu64
				   " bytes, and the catalogue names %" PRIu64,
				   file_bytes, published->file_bytes);
	return 0;
}

/* The head of a package of the set has arrived. -ECANCELED: no more of it is needed. */
static int accept(void *context, const struct verity_judgement *judgement,
		  uint64_t file_bytes, struct verity_error *err)
{
	const struct verity_manifest *manifest = judgement->manifest;
	struct fetch *fetch = context;
	struct set_item *item = fetch->current;
	const struct set_present *present = &item->present;
	int r = set_package_compare(item->wanted, manifest->version, manifest->root_hash,
				    err);

	if (r == 0 && item->wanted->published)
		r = check_published(item->wanted->published, judgement, file_bytes, err);
	if (r == 0)
		r = check_identity(fetch, manifest->name, err);
	/* Another one than is meant is not damaged, which -EBADMSG would say here. */
	if (r < 0)
		return r == -EBADMSG ? -EINVAL : r;
	snprintf(item->identity, sizeof(item->identity), "%s", manifest->name);
	snprintf(item->version, sizeof(item->version), "%s", manifest->version);
	item->seen = true;
	if (!present->readable || present->damaged ||
	    strcmp(present->identity, manifest->name) != 0)
		return 0;
	item->met = set_item_in_store(item) &&
		    strcmp(present->version, manifest->version) == 0 &&
		    memcmp(present->root_hash, manifest->root_hash,
			   sizeof(present->root_hash)) == 0;
	if (verity_set_package_is_latest(item->wanted))
		r = check_latest(item, manifest, err);
	return item->met ? -ECANCELED : r;
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
	const struct set_origin *origin = fetch->origin;
	struct device *device = fetch->plan->device;
	struct source_request request = {.where = item->wanted->source, .any_name = true};
	bool remote = origin->medium || source_is_url(origin->folder);
	cleanup_free char *path = NULL;
	int r;

	if (request.where[0] == '/' && remote)
		return verity_fail(err, VERITY_E_BAD_SET,
				   "its source is a file of this device, which only a "
				   "set that is a file of this device can name");
	if (request.where[0] != '/' && !source_is_url(request.where)) {
		if (asprintf(&path, "%s%s", origin->folder, request.where) < 0)
			path = NULL;
		if (!path)
			return verity_no_memory(err);
		request.where = path;
		request.user = origin->user;
		request.password = origin->password;
	}
	r = path && origin->medium
		    ? media_source_open(device, origin->medium, path, true, &item->source,
					err)
		    : device_source_open(device, &request, &item->source, err);
	if (r == 0) /* whatever the file is called */
		snprintf(item->source->name, sizeof(item->source->name), "%s",
			 item->wanted->name);
	return r;
}

/* Each one of the set is compared with those that arrived before it. */
static bool find_beside(void *context, size_t index, struct overlay_entry *ret,
			const struct verity_verified **ret_verified)
{
	const struct set_plan *plan = ((struct fetch *)context)->plan;

	for (size_t i = 0; i < plan->set->count; i++) {
		const struct set_item *item = &plan->items[i];

		if (!item->install || index-- > 0)
			continue;
		*ret = (struct overlay_entry){.kind = set_item_kind(item)};
		snprintf(ret->name, sizeof(ret->name), "%s", item->wanted->name);
		*ret_verified = install_verified(item->install);
		return true;
	}
	return false;
}

/* Return: 0; -ECANCELED: it is installed already; -errno. */
static int fetch_package(struct fetch *fetch, struct set_item *item,
			 struct verity_error *err)
{
	const struct install_set in_set = {accept, is_leaving, find_beside, fetch};
	struct install_request request = {.device = fetch->plan->device,
					  .source = item->source,
					  .kind = set_item_kind(item),
					  .asked = set_item_kind(item),
					  .set = &in_set,
					  .view = fetch->view};
	int r = 0;

	if (fetch->changes)
		r = overlay_change_set_add(fetch->changes, request.kind,
					   item->wanted->name, &request.incoming, err);
	if (r < 0)
		return r;
	r = install_prepare(&request, &item->install, err);
	if (r == -ECANCELED && fetch->changes)
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
			r = fetch_package(fetch, item, err);
		if (r < 0 && r != -ECANCELED)
			return verity_context(err, r, "%s", item->wanted->name);
	}
	return 0;
}

int set_fetch_heads(struct set_plan *plan, const struct set_origin *origin,
		    struct verity_error *err)
{
	struct fetch fetch = {.plan = plan, .origin = origin};

	return fetch_all(&fetch, err);
}

int set_fetch_whole(struct set_plan *plan, const struct set_origin *origin,
		    const struct install_view *view, struct overlay_change_set *changes,
		    struct verity_error *err)
{
	struct fetch fetch = {
		.plan = plan, .origin = origin, .view = view, .changes = changes};

	return fetch_all(&fetch, err);
}
