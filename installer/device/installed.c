/* SPDX-License-Identifier: MIT */

/* Combines the stores, the state file of this boot and the judge. */

#include "installer/device/installed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installer/common/report.h"
#include "installer/device/next_boot.h"
#include "installer/device/read_images.h"
#include "overlay/record/good_set.h"
#include "overlay/record/requirements.h"
#include "overlay/record/trials.h"
#include "overlay/store/order.h"
#include "overlay/store/relations.h"
#include "overlay/store/survey.h"
#include "verity/package/inspect.h"
#include "verity/util/cleanup.h"
#include "verity/util/passing.h"

#define COPY(to, from) snprintf((to), sizeof(to), "%s", (from))

void installed_list_free(struct installed_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		verity_package_free(list->items[i].package);
	free(list->items);
	*list = (struct installed_list){0};
}

/*
 * A reason that depends on the boot configuration, keys, deny list or records, or on the
 * other packages, which may have changed since.
 */
static bool may_be_over(enum verity_code code)
{
	switch (code) {
	case VERITY_E_DUPLICATE:
	case VERITY_E_MISSING_NEED:
	case VERITY_E_CONFLICT:
	case VERITY_E_SAFE_MODE:
	case VERITY_E_DISABLED:
	case VERITY_E_NO_SIGNATURE:
	case VERITY_E_UNTRUSTED_SIGNER:
	case VERITY_E_WEAK_KEY:
	case VERITY_E_MISSING_SIGNER:
	case VERITY_E_REVOKED:
	case VERITY_E_DOWNGRADE:
	case VERITY_E_QUARANTINED:
		return true;
	default:
		return false;
	}
}

/* A package that was accepted, and is not active, is out because the stack failed. */
static const struct verity_error *reason_of(const struct overlay_state *state,
					    const struct overlay_state_entry *entry)
{
	enum verity_code code = entry->reason.code;
	bool allowed =
		state->allow_untrusted &&
		(code == VERITY_E_NO_SIGNATURE || code == VERITY_E_UNTRUSTED_SIGNER ||
		 code == VERITY_E_WEAK_KEY || code == VERITY_E_MISSING_SIGNER);

	return !entry->active && state->stack.code && (code == VERITY_OK || allowed)
		       ? &state->stack
		       : &entry->reason;
}

static void take_state(struct installed *item, const struct overlay_state *state,
		       const struct overlay_state_entry *entry)
{
	item->status = entry->active ? INSTALLED_ACTIVE : INSTALLED_INACTIVE;
	item->active = entry->active;
	item->booted = entry;
	item->verdict = entry->verdict;
	item->reason = *reason_of(state, entry);
	COPY(item->identity, entry->identity);
	COPY(item->version, entry->version);
	COPY(item->description, entry->description);
}

/* @same: what this boot did with this very file; NULL: it did not see it */
static void find_status(struct installed *item, const struct overlay_state *state,
			const struct overlay_state_entry *same, bool accepted)
{
	if (same && same->active) {
		item->status = INSTALLED_ACTIVE;
	} else if (!accepted) {
		item->status = INSTALLED_INACTIVE;
	} else if (same && !may_be_over(reason_of(state, same)->code)) {
		item->status = INSTALLED_INACTIVE;
		item->reason = *reason_of(state, same);
	} else if (state && state->stack.code && state->count == 0) {
		/* The boot failed before it listed any package. */
		item->status = INSTALLED_INACTIVE;
		item->reason = state->stack;
	} else if (state && state->stack.code) {
		/* What kept the others out may keep it out as well. */
		item->status = INSTALLED_UNKNOWN;
		item->reason = state->stack;
	} else {
		item->status = state ? INSTALLED_PENDING : INSTALLED_UNKNOWN;
	}
}

/* Verdict and manifest of the opened package; whether the next boot would accept it. */
static bool take_package(struct installed *item)
{
	const struct verity_judgement *judgement =
		verity_package_judgement(item->package);
	const struct verity_manifest *manifest = judgement->manifest;
	struct verity_error why;

	item->verdict = judgement->verdict;
	item->reason = judgement->reason;
	if (manifest) {
		COPY(item->identity, manifest->name);
		COPY(item->version, manifest->version);
		COPY(item->description, manifest->description);
	}
	if (!verity_package_verified(item->package))
		return false;
	if (overlay_order_check_store(manifest, item->entry.kind, &why) == 0)
		return true;
	item->reason = why;
	return false;
}

/* The file that is active, which `undo` has brought back: its time of change is another.
 */
static bool is_active_package(const struct overlay_state_entry *entry,
			      const struct verity_package *package)
{
	const struct verity_manifest *manifest =
		verity_package_judgement(package)->manifest;
	struct overlay_file_id id;

	return entry->active && manifest &&
	       overlay_file_id_get(verity_package_fd(package), &id, NULL) == 0 &&
	       id.inode == entry->file.inode && id.bytes == entry->file.bytes &&
	       memcmp(manifest->root_hash, entry->root_hash, VERITY_DIGEST_BYTES) == 0;
}

static bool is_file(const struct overlay_state_entry *entry, int fd)
{
	struct overlay_file_id id;

	return fd >= 0 && overlay_file_id_get(fd, &id, NULL) == 0 &&
	       overlay_file_id_equal(&entry->file, &id);
}

struct sources {
	const struct overlay_store *store;
	const struct overlay_state *state; /* NULL: nothing was activated */
	const struct verity_policy *policy;
	struct verity_policy hasty; /* the same, where only the verdict matters */
	struct next_boot next;
	struct read_images *images;
	struct overlay_trials trials;
};

/* Whether the next boots leave it out to tell it from other suspects. */
static bool is_suspect(const struct overlay_trials *trials,
		       const struct verity_package *package)
{
	const uint8_t *id = verity_package_judgement(package)->id;

	for (size_t i = 0; i < trials->count; i++)
		if (memcmp(trials->items[i].id, id, VERITY_DIGEST_BYTES) == 0 &&
		    trials->items[i].suspicion != OVERLAY_SUSPICION_NONE)
			return true;
	return false;
}

static int open_package(const struct sources *sources, enum installed_depth depth,
			struct installed *item, int folder, const char *file)
{
	struct verity_policy policy =
		depth == INSTALLED_WHOLE ? *sources->policy : sources->hasty;

	policy.lazy = depth == INSTALLED_HEADS;
	return depth == INSTALLED_HEADS
		       ? verity_package_open(folder, file, &policy, &item->package,
					     &item->reason)
		       : read_images_open(sources->images, folder, file, &policy,
					  &item->package, &item->reason);
}

/*
 * @entry: what this boot did with a file of this name; NULL: nothing
 *
 * Return: 0, also where the file is damaged; -errno that passes.
 */
static int judge(const struct sources *sources, enum installed_depth depth,
		 struct installed *item, int folder, const char *file,
		 const struct overlay_state_entry *entry, struct verity_error *err)
{
	const struct overlay_state_entry *same = NULL;
	bool accepted = false;
	int r = open_package(sources, depth, item, folder, file);

	/* What a disk does not give a second time either is damaged. */
	if (r == -EIO)
		r = open_package(sources, depth, item, folder, file);
	if (verity_errno_passes(r) && r != -EIO) {
		*err = item->reason;
		return verity_context(err, r, "%s", file);
	}
	item->verdict = VERITY_INVALID;
	if (r == 0) {
		accepted = take_package(item);
		if (entry && entry->entry.kind == item->entry.kind &&
		    (is_file(entry, verity_package_fd(item->package)) ||
		     is_active_package(entry, item->package)))
			same = entry;
		/* The next boot tries it again: its quarantine was ended. */
		if (same && ((same->verdict == VERITY_QUARANTINED &&
			      item->verdict != VERITY_QUARANTINED) ||
			     (same->reason.code == VERITY_E_SUSPECT &&
			      !is_suspect(&sources->trials, item->package))))
			same = NULL;
	}
	find_status(item, sources->state, same, accepted);
	item->booted = entry;
	item->active = entry && entry->active;
	item->ends = item->active && !accepted;
	item->moved = item->active && entry->entry.kind != item->entry.kind;
	if (!same && item->active)
		COPY(item->running, entry->version);
	return 0;
}

/* Whether the next boot would say the same of a file as this one, without reading it. */
static bool is_settled(const struct sources *sources,
		       const struct overlay_state_entry *entry)
{
	const struct verity_policy *policy = sources->policy;
	uint32_t number =
		policy->denylist ? verity_denylist_text(policy->denylist)->number : 0;
	struct verity_error next;

	if (number != sources->state->denylist || entry->verdict == VERITY_QUARANTINED ||
	    entry->reason.code == VERITY_E_SUSPECT)
		return false;
	if (!entry->active) {
		int r = overlay_boot_rules_check(&sources->next.rules, &entry->entry,
						 NULL, &next);

		/* Left out by the boot configuration, and again: it is not read. */
		return (r < 0 && next.code == entry->reason.code) ||
		       !may_be_over(entry->reason.code);
	}
	/* What was active only because it was allowed may no longer be. */
	switch (entry->verdict) {
	case VERITY_UNSIGNED:
	case VERITY_UNTRUSTED:
		return policy->allow_untrusted;
	case VERITY_DOWNGRADE:
		return policy->allow_downgrade;
	default:
		return true;
	}
}

/* Whether this boot has said of it what the next one will, but for the others. */
static bool is_as_booted(const struct installed *item)
{
	return item->booted && !item->ends && !item->running[0] && !item->moved &&
	       item->status ==
		       (item->booted->active ? INSTALLED_ACTIVE : INSTALLED_INACTIVE);
}

/* By itself: what the others are is not asked. */
static bool is_next(const struct installed *item)
{
	return item->status == INSTALLED_PENDING || item->status == INSTALLED_UNKNOWN ||
	       (item->status == INSTALLED_ACTIVE && !item->ends);
}

/* What the boot configuration and a reset make of it. */
static void apply_next_boot(const struct sources *sources, struct installed *item)
{
	bool allowed =
		item->verdict == VERITY_UNSIGNED || item->verdict == VERITY_UNTRUSTED;
	struct verity_error why;

	if (!is_next(item))
		return;
	if (overlay_boot_rules_check(&sources->next.rules, &item->entry, NULL, &why) < 0)
		item->reason = why;
	else if (!allowed || sources->next.bootconf.allow_untrusted)
		return;
	item->ends = item->active;
	if (item->status != INSTALLED_ACTIVE)
		item->status = INSTALLED_INACTIVE;
}

static int fill(const struct sources *sources, enum installed_depth depth,
		struct installed *item, struct verity_error *err)
{
	int folder = overlay_store_folder(sources->store, item->entry.kind);
	const struct overlay_state_entry *entry = NULL;
	struct overlay_entry other = item->entry;
	cleanup_fd int fd = -1;
	char file[OVERLAY_FILE_BYTES];
	struct stat st;
	int elsewhere; /* the folder of the other store */
	int r;

	/* What this boot did with a file of this name, in this store or the other. */
	other.kind =
		other.kind == OVERLAY_ORDINARY ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	if (sources->state)
		entry = overlay_state_find(sources->state, &item->entry);
	/* It came from there, unless there is one still. */
	overlay_entry_file(&item->entry, file);
	elsewhere = overlay_store_folder(sources->store, other.kind);
	if (sources->state && !entry &&
	    (elsewhere < 0 || fstatat(elsewhere, file, &st, AT_SYMLINK_NOFOLLOW) < 0))
		entry = overlay_state_find(sources->state, &other);
	if (depth == INSTALLED_CHANGED && entry &&
	    entry->entry.kind == item->entry.kind) {
		fd = openat(folder, file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (is_file(entry, fd) && is_settled(sources, entry)) {
			take_state(item, sources->state, entry);
			apply_next_boot(sources, item);
			return 0;
		}
	}
	r = judge(sources, depth, item, folder, file, entry, err);
	if (r < 0)
		return r;
	apply_next_boot(sources, item);
	if (depth == INSTALLED_CHANGED) {
		verity_package_free(item->package);
		item->package = NULL;
	}
	return 0;
}

/* Appends what this boot activated, and is no longer installed. */
static void add_removed(const struct overlay_state *state, const char *name,
			struct installed_list *list)
{
	for (size_t i = 0; state && i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];
		struct installed *item = &list->items[list->count];
		bool listed = false;

		for (size_t k = 0; k < list->count; k++)
			listed = listed || strcmp(list->items[k].entry.name,
						  entry->entry.name) == 0;
		if (!entry->active || listed ||
		    (name && strcmp(entry->entry.name, name) != 0))
			continue;
		take_state(item, state, entry);
		item->entry = entry->entry;
		item->status = INSTALLED_REMOVED;
		item->ends = true;
		list->count++;
	}
}

static bool has_rival(const struct installed_list *list, const struct installed *item)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct installed *other = &list->items[i];

		if (other != item && is_next(other) &&
		    (strcmp(other->identity, item->identity) == 0 ||
		     strcmp(other->entry.name, item->entry.name) == 0))
			return true;
	}
	return false;
}

static bool is_trusted(const struct installed *item)
{
	return item->verdict == VERITY_SIGNED || item->verdict == VERITY_DOWNGRADE;
}

int installed_inspect(const struct overlay_store *store,
		      const struct overlay_entry *entry, struct verity_inspection **ret,
		      struct verity_error *err)
{
	int folder = overlay_store_folder(store, entry->kind), r;
	char file[OVERLAY_FILE_BYTES];
	struct verity_error why;

	*ret = NULL;
	overlay_entry_file(entry, file);
	r = verity_inspection_open(folder, file, ret, &why);
	/* What a disk does not give a second time either is damaged. */
	if (r == -EIO)
		r = verity_inspection_open(folder, file, ret, &why);
	if (!verity_errno_passes(r) || r == -EIO)
		return 0;
	*err = why;
	return verity_context(err, r, "%s", file);
}

/* What the order of duplicates depends on beyond what is known already. */
static int fill_claim(const struct overlay_store *store,
		      const struct overlay_good_set *good, const struct installed *item,
		      struct overlay_claim *claim, struct verity_error *err)
{
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		NULL;
	const struct verity_manifest *manifest;
	int r = installed_inspect(store, &item->entry, &inspection, err);

	*claim = (struct overlay_claim){
		.entry = item->entry,
		.identity = item->identity,
		.version = item->version,
		.trusted = is_trusted(item),
	};
	if (!inspection)
		return r;
	manifest = verity_inspection_manifest(inspection);
	claim->epoch = manifest->epoch;
	claim->good =
		overlay_good_has(good, &item->entry, manifest->name, manifest->root_hash);
	return 0;
}

/* The next boot leaves it out for what the others are. */
static void leave_out(struct installed *item)
{
	item->ends = item->active;
	if (item->status != INSTALLED_ACTIVE)
		item->status = INSTALLED_INACTIVE;
}

/* The rule of a boot, for the next one. */
static int settle_duplicates(struct device *device, const struct overlay_store *store,
			     struct installed_list *list, struct verity_error *err)
{
	cleanup_with(overlay_good_free) struct overlay_good_set good = {0};
	size_t most = list->count + 1, count = 0;
	cleanup_free struct overlay_claim *claims = calloc(most, sizeof(*claims));
	cleanup_free size_t *items = calloc(most, sizeof(*items));
	cleanup_free size_t *counts = calloc(most, sizeof(*counts));
	int r;

	if (!claims || !items || !counts)
		return verity_no_memory(err);
	for (size_t i = 0; i < list->count; i++)
		if (is_next(&list->items[i]) && has_rival(list, &list->items[i]))
			items[count++] = i;
	if (count == 0)
		return 0;
	r = device_good_find(device, &good, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = fill_claim(store, &good, &list->items[items[i]], &claims[i], err);
	if (r == 0)
		r = overlay_order_settle(claims, count, counts, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct installed *item = &list->items[items[i]];

		if (counts[i] == i)
			continue;
		overlay_order_duplicate(&claims[i], &claims[counts[i]], &item->reason);
		leave_out(item);
		item->left_of_move =
			!item->active && item->entry.kind == OVERLAY_ORDINARY &&
			strcmp(claims[i].entry.name, claims[counts[i]].entry.name) == 0;
	}
	return r;
}

/* The manifests of what the next boot activates, but for the others. */
struct manifests {
	struct verity_inspection **inspections; /* owned; NULL: not read */
	struct overlay_related *related;        /* owned */
	size_t count;
};

static void manifests_free(struct manifests *manifests)
{
	for (size_t i = 0; manifests->inspections && i < manifests->count; i++)
		verity_inspection_free(manifests->inspections[i]);
	free(manifests->inspections);
	free(manifests->related);
}

static int fill_related(const struct overlay_store *store, struct installed *item,
			struct verity_inspection **inspection,
			struct overlay_related *ret, struct verity_error *err)
{
	const struct verity_manifest *manifest = NULL;
	int r = 0;

	if (is_next(item) && item->package) {
		manifest = verity_package_judgement(item->package)->manifest;
	} else if (is_next(item)) {
		r = installed_inspect(store, &item->entry, inspection, err);
		if (*inspection)
			manifest = verity_inspection_manifest(*inspection);
	}
	*ret = (struct overlay_related){
		.entry = item->entry,
		.identity = item->identity,
		.version = item->version,
		.manifest = manifest,
		.trusted = is_trusted(item),
		.active = manifest,
		.reason = &item->reason,
	};
	return r;
}

/*
 * The same for needs and conflicts. Where nothing was changed since the boot, the boot
 * has settled them, and no manifest is read.
 */
static int settle_relations(struct device *device, const struct overlay_store *store,
			    struct installed_list *list, struct verity_error *err)
{
	const struct overlay_state *state = device_state(device);
	cleanup_with(overlay_good_free) struct overlay_good_set good = {0};
	cleanup_with(manifests_free) struct manifests all = {.count = list->count};
	size_t active = 0;
	bool as_booted = state;
	int r = 0;

	for (size_t i = 0; i < list->count; i++) {
		as_booted = as_booted && is_as_booted(&list->items[i]);
		active += list->items[i].active;
	}
	for (size_t i = 0; as_booted && i < state->count; i++)
		active -= state->entries[i].active;
	if (as_booted && active == 0)
		return 0;
	all.inspections = calloc(list->count + 1, sizeof(*all.inspections));
	all.related = calloc(list->count + 1, sizeof(*all.related));
	if (!all.inspections || !all.related)
		return verity_no_memory(err);
	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = fill_related(store, &list->items[i], &all.inspections[i],
				 &all.related[i], err);
	if (r == 0 && overlay_relations_exist(all.related, list->count))
		r = device_good_find(device, &good, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->count; i++)
		all.related[i].good =
			all.related[i].manifest &&
			overlay_good_has(&good, &list->items[i].entry,
					 all.related[i].manifest->name,
					 all.related[i].manifest->root_hash);
	r = overlay_relations_settle(all.related, list->count, err);
	for (size_t i = 0; r == 0 && i < list->count; i++)
		if (all.related[i].manifest && !all.related[i].active)
			leave_out(&list->items[i]);
	return r;
}

/*
 * Files that are no packages: a few are told, the others are counted. What is left of a
 * move to PERSIST is none either.
 */
static void sum_up(struct installed_list *list)
{
	size_t junk[2] = {0}, kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct installed *item = &list->items[i];
		enum overlay_store_kind kind = item->entry.kind;

		if (item->left_of_move) {
			verity_package_free(item->package);
			continue;
		}
		if (overlay_state_is_junk(item->verdict, item->identity,
					  item->reason.code) &&
		    !item->active && junk[kind]++ >= OVERLAY_SURVEY_JUNK_MAX) {
			list->unlisted[kind].junk++;
			verity_package_free(item->package);
			continue;
		}
		list->items[kept++] = *item;
	}
	list->count = kept;
}

/* @name: one to be in the list in any case; NULL: none */
static int list_files(const struct overlay_store *store, const char *name,
		      struct overlay_survey *ret, struct verity_error *err)
{
	struct overlay_entry first = {.name = ""};
	int r = 0;

	if (name)
		COPY(first.name, name);
	for (int kind = OVERLAY_PERSISTENT; r == 0 && kind >= OVERLAY_ORDINARY; kind--) {
		first.kind = (enum overlay_store_kind)kind;
		r = overlay_survey_add(store, first.kind, &first,
				       verity_name_valid(first.name), ret, err);
	}
	if (r == 0 && ret->count > 1)
		qsort(ret->entries, ret->count, sizeof(*ret->entries),
		      overlay_entry_compare);
	return r;
}

static void sources_done(struct sources *sources)
{
	overlay_trials_free(&sources->trials);
}

int installed_list_read(struct device *device, const char *name,
			enum installed_depth depth, struct installed_list *ret,
			struct verity_error *err)
{
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {.count = 0};
	cleanup_with(installed_list_free) struct installed_list list = {0};
	cleanup_free struct read_images *images = NULL;
	const char *run = device_config(device)->run;
	cleanup_with(sources_done) struct sources sources = {
		.state = device_state(device)};
	size_t most = sources.state ? sources.state->count : 0, kept = 0;
	struct overlay_store *store = NULL;
	bool hidden;
	int r = device_policy(device, &sources.policy, err);

	if (r == 0)
		r = read_images_load(run, &images, err);
	if (r == 0)
		r = device_store(device, &store, err);
	hidden = r == -EACCES && !store && sources.state && depth == INSTALLED_CHANGED;
	if (r == 0)
		r = list_files(store, name, &survey, err);
	if (r == 0)
		r = device_trials_find(device, &sources.trials, err);
	if (r < 0 && !hidden)
		return r;
	sources.store = store;
	sources.images = images;
	sources.hasty = *sources.policy;
	sources.hasty.refuse_early = true;
	next_boot_read(device, &sources.next);
	list.items = calloc(most + survey.count + 1, sizeof(*list.items));
	if (!list.items)
		return verity_no_memory(err);
	memcpy(list.unlisted, survey.unlisted, sizeof(list.unlisted));
	for (size_t i = 0; i < survey.count; i++) {
		bool asked = !name || strcmp(survey.entries[i].name, name) == 0;

		list.items[list.count].entry = survey.entries[i];
		r = fill(&sources, asked ? depth : INSTALLED_CHANGED,
			 &list.items[list.count++], err);
		if (r < 0)
			return r;
	}
	read_images_store(run, images);
	if (hidden) {
		report_warning("only root can read the packages: this is what the boot "
			       "found, without what was changed since");
		for (size_t i = 0; i < sources.state->count; i++) {
			struct installed *item = &list.items[list.count++];

			take_state(item, sources.state, &sources.state->entries[i]);
			item->entry = sources.state->entries[i].entry;
		}
	} else {
		r = settle_duplicates(device, store, &list, err);
		if (r == 0)
			r = settle_relations(device, store, &list, err);
		if (r < 0)
			return r;
		if (!name)
			sum_up(&list);
		for (size_t i = 0; name && i < list.count; i++)
			if (strcmp(list.items[i].entry.name, name) == 0 &&
			    !list.items[i].left_of_move)
				list.items[kept++] = list.items[i];
			else
				verity_package_free(list.items[i].package);
		if (name)
			list.count = kept;
		add_removed(sources.state, name, &list);
	}
	*ret = list;
	list = (struct installed_list){0};
	return 0;
}

bool installed_format_unlisted(const char *store, const struct overlay_unlisted *unlisted,
			       char ret[static INSTALLED_UNLISTED_BYTES])
{
	if (unlisted->junk + unlisted->links + unlisted->over == 0)
		return false;
	snprintf(ret, INSTALLED_UNLISTED_BYTES,
		 "%s has %" PRIu64 " more files that are not packages, %" PRIu64
		 " more hard links to packages, and %" PRIu64
		 " files over the limit of %d.",
		 store, unlisted->junk, unlisted->links, unlisted->over,
		 OVERLAY_SURVEY_ENTRIES_MAX);
	return true;
}

bool installed_path(struct device *device, const struct overlay_entry *entry, char *ret,
		    size_t size)
{
	char link[64], folder[PATH_MAX], file[80];
	struct overlay_store *store;
	struct verity_error unused;
	ssize_t length;

	if (device_store(device, &store, &unused) < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d",
		 overlay_store_folder(store, entry->kind));
	length = readlink(link, folder, sizeof(folder) - 1);
	if (length <= 0)
		return false;
	folder[length] = '\0';
	overlay_entry_file(entry, file);
	return (size_t)snprintf(ret, size, "%s/%s", folder, file) < size;
}

bool installed_is_required(struct device *device, const struct overlay_entry *entry)
{
	const struct overlay_state *state = device_state(device);
	const struct overlay_state_entry *known =
		state ? overlay_state_find(state, entry) : NULL;
	const char *name = known && known->identity[0] ? known->identity : entry->name;

	return overlay_requirements_has(device_config(device), name);
}
