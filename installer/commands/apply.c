/* SPDX-License-Identifier: MIT */

/* `wmopkg apply`: makes the installed packages what a set says, as one step. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/install_view.h"
#include "installer/commands/remove.h"
#include "installer/commands/source_words.h"
#include "installer/common/confirm.h"
#include "installer/common/layout.h"
#include "installer/common/signals.h"
#include "installer/device/audit.h"
#include "installer/device/consequences.h"
#include "installer/device/kept_room.h"
#include "installer/fetch/source_open.h"
#include "installer/receive/package_set.h"
#include "overlay/store/change_set.h"
#include "verity/package/inspect.h"
#include "verity/package/stream.h"
#include "verity/util/io.h"
#include "verity/util/json_write.h"
#include "verity/util/text.h"

#define NAMES_INDENT 4

/* What an installed file says of itself: good enough to compare, and for nothing else. */
struct present {
	bool there;
	bool readable;
	struct overlay_entry entry;
	char identity[VERITY_NAME_MAX + 1]; /* "" where unreadable, like the next two */
	char version[VERITY_VERSION_MAX + 1];
	uint8_t root_hash[VERITY_DIGEST_BYTES];
};

/* One package of the set, or an installed one that it does not name. */
struct item {
	const struct set_package *wanted; /* NULL: it is not named; borrowed */
	struct present present;
	bool met;  /* it is installed as wanted */
	bool seen; /* the next two are known */
	char identity[VERITY_NAME_MAX + 1];
	char version[VERITY_VERSION_MAX + 1]; /* of what comes */
	struct source *source;                /* owned; NULL: not opened */
	struct install *install;              /* owned; NULL: not fetched */
};

struct apply {
	struct device *device;
	struct overlay_store *store;
	const char *where; /* of the set */
	struct package_set set;
	struct item *items; /* owned */
	size_t count;
	struct item *current; /* which is being fetched */
	bool check;           /* only heads are fetched, and nothing is changed */
};

static void apply_free(struct apply *apply)
{
	for (size_t i = 0; i < apply->count; i++) {
		install_free(apply->items[i].install);
		source_free_p(&apply->items[i].source);
	}
	free(apply->items);
	package_set_free(&apply->set);
}

static bool goes(const struct apply *apply, const struct item *item)
{
	return !item->wanted && !apply->set.keep;
}

static const char *name_of(const struct item *item)
{
	return item->wanted ? item->wanted->name : item->present.entry.name;
}

static void look(const struct overlay_store *store, const struct overlay_entry *entry,
		 struct present *ret)
{
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		installed_inspect(store, entry);
	const struct verity_manifest *manifest;

	*ret = (struct present){.there = true, .entry = *entry};
	if (!inspection)
		return;
	manifest = verity_inspection_manifest(inspection);
	ret->readable = true;
	snprintf(ret->identity, sizeof(ret->identity), "%s", manifest->name);
	snprintf(ret->version, sizeof(ret->version), "%s", manifest->version);
	memcpy(ret->root_hash, manifest->root_hash, sizeof(ret->root_hash));
}

/* Whether @root_hash and @version are those that the set names. */
static int compare(const struct set_package *wanted, const char *version,
		   const uint8_t root_hash[static VERITY_DIGEST_BYTES],
		   struct verity_error *err)
{
	if (wanted->version[0] && strcmp(wanted->version, version) != 0)
		return verity_fail(err, VERITY_E_BAD_SET,
				   "the set says version %s, but this is version %s",
				   wanted->version, version);
	if (wanted->root_hash_bytes &&
	    memcmp(wanted->root_hash, root_hash, VERITY_DIGEST_BYTES) != 0)
		return verity_fail(err, VERITY_E_BAD_SET,
				   "its root hash is not the one that the set says");
	return 0;
}

static bool in_wanted_store(const struct item *item)
{
	return (item->present.entry.kind == OVERLAY_PERSISTENT) ==
	       item->wanted->persistent;
}

static int plan_item(struct item *item, struct verity_error *err)
{
	const struct set_package *wanted = item->wanted;
	const struct present *present = &item->present;
	struct verity_error why = {.message = "it is not installed"};
	int r = -ENOENT;

	if (present->there && !present->readable)
		verity_fail(&why, VERITY_E_BAD_SET, "its file cannot be read");
	else if (present->there && !in_wanted_store(item))
		verity_fail(&why, VERITY_E_BAD_SET, "it is%s persistent",
			    wanted->persistent ? " not" : "");
	else if (present->there)
		r = compare(wanted, present->version, present->root_hash, &why);
	item->met = r == 0 && (wanted->version[0] || wanted->root_hash_bytes);
	if (!item->met && !wanted->source[0])
		return verity_fail(err, VERITY_E_BAD_SET,
				   "%s: %s, and the set names no source for it",
				   wanted->name, why.message);
	return 0;
}

/* The packages of the set first, then the others that are installed. */
static int plan(struct apply *apply, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	size_t installed, named = apply->set.count;
	int r = overlay_store_list(apply->store, &entries, &installed, err);

	if (r < 0)
		return r;
	apply->items = calloc(named + installed + 1, sizeof(*apply->items));
	if (!apply->items)
		return verity_no_memory(err);
	apply->count = named;
	for (size_t i = 0; i < named; i++)
		apply->items[i].wanted = &apply->set.packages[i];
	for (size_t i = 0; i < installed; i++) {
		size_t at = 0;

		while (at < named &&
		       strcmp(apply->set.packages[at].name, entries[i].name) != 0)
			at++;
		if (at == named)
			at = apply->count++;
		look(apply->store, &entries[i], &apply->items[at].present);
	}
	for (size_t i = 0; r == 0 && i < named; i++)
		r = plan_item(&apply->items[i], err);
	for (size_t i = named; r == 0 && i < apply->count; i++)
		if (goes(apply, &apply->items[i]) &&
		    remove_is_required(apply->device, &apply->items[i].present.entry))
			r = verity_fail(err, VERITY_E_REQUIRED,
					"%s: the device does not start without it (name "
					"it in the set, or change require_packages in "
					"the configuration)",
					name_of(&apply->items[i]));
	return r;
}

static bool is_same(const struct present *a, const struct present *b)
{
	return a->there == b->there && a->readable == b->readable &&
	       a->entry.kind == b->entry.kind &&
	       strcmp(a->entry.name, b->entry.name) == 0 &&
	       strcmp(a->identity, b->identity) == 0 &&
	       strcmp(a->version, b->version) == 0 &&
	       memcmp(a->root_hash, b->root_hash, sizeof(a->root_hash)) == 0;
}

/* With the stores locked: whether they hold what was planned, and asked, with. */
static int check_plan(const struct apply *apply, struct verity_error *err)
{
	struct apply now = *apply;
	cleanup_free struct item *items = NULL;
	int r;

	now.items = NULL;
	r = plan(&now, err);
	items = now.items;
	if (r < 0)
		return r;
	for (size_t i = 0; i < apply->count || i < now.count; i++)
		if (i == apply->count || i == now.count ||
		    !is_same(&apply->items[i].present, &items[i].present))
			return verity_fail(err, VERITY_E_BUSY,
					   "another program has installed or removed "
					   "packages meanwhile; nothing was changed (try "
					   "again)");
	return 0;
}

/* Two files of one identity: at boot one of them would be left out. */
static int check_identity(const struct apply *apply, const char *identity,
			  struct verity_error *err)
{
	for (size_t i = 0; i < apply->set.count; i++) {
		const struct item *other = &apply->items[i];
		const char *known = other->seen  ? other->identity
				    : other->met ? other->present.identity
						 : "";

		if (other != apply->current && strcmp(known, identity) == 0)
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
	struct apply *apply = context;
	struct item *item = apply->current;
	const struct present *present = &item->present;
	int r = compare(item->wanted, manifest->version, manifest->root_hash, err);

	if (r == 0)
		r = check_identity(apply, manifest->name, err);
	if (r < 0)
		return r;
	snprintf(item->identity, sizeof(item->identity), "%s", manifest->name);
	snprintf(item->version, sizeof(item->version), "%s", manifest->version);
	item->seen = true;
	item->met = present->readable && in_wanted_store(item) &&
		    strcmp(present->identity, manifest->name) == 0 &&
		    strcmp(present->version, manifest->version) == 0 &&
		    memcmp(present->root_hash, manifest->root_hash,
			   sizeof(present->root_hash)) == 0;
	return item->met || apply->check ? -ECANCELED : 0;
}

static bool is_leaving(void *context, const char *name)
{
	const struct apply *apply = context;

	for (size_t i = 0; i < apply->count; i++)
		if (strcmp(name_of(&apply->items[i]), name) == 0)
			return apply->items[i].wanted ? !apply->items[i].met
						      : goes(apply, &apply->items[i]);
	return false;
}

/* A path in a set begins in the folder of the set. */
static int open_source(struct apply *apply, struct item *item, struct verity_error *err)
{
	const char *source = item->wanted->source;
	const char *end = strrchr(apply->where, '/');
	cleanup_free char *path = NULL;

	if (!source_is_url(source) && source[0] != '/' && end) {
		if (asprintf(&path, "%.*s/%s", (int)(end - apply->where), apply->where,
			     source) < 0)
			path = NULL;
		if (!path)
			return verity_no_memory(err);
		source = path;
	}
	return source_of_set(apply->device, source, item->wanted->name, &item->source,
			     err);
}

struct head {
	struct apply *apply;
	struct verity_stream *stream;
};

static int take_head(void *context, const struct verity_judgement *judgement,
		     uint64_t file_bytes, struct verity_error *err)
{
	struct head *head = context;

	(void)file_bytes;
	return accept(head->apply, judgement, err);
}

static int take_bytes(void *context, const void *bytes, size_t count,
		      struct verity_error *err)
{
	return verity_stream_feed(((struct head *)context)->stream, bytes, count, err);
}

/* Only the head, into memory. */
static int fetch_head(struct apply *apply, struct item *item, struct verity_error *err)
{
	cleanup_with(verity_stream_free_p) struct verity_stream *stream = NULL;
	struct head head = {.apply = apply};
	const struct verity_stream_hooks hooks = {take_head, &head};
	const struct source_sink sink = {.take = take_bytes, .context = &head};
	cleanup_fd int fd = memfd_create("wmopkg-head", MFD_CLOEXEC);
	const struct verity_policy *policy;
	int r;

	if (fd < 0)
		return verity_fail_errno(err, errno, "memory for the head");
	r = device_policy(apply->device, &policy, err);
	if (r == 0)
		r = verity_stream_new(fd, policy, &hooks, &stream, err);
	if (r < 0)
		return r;
	head.stream = stream;
	r = source_pull(item->source, &sink, err);
	if (r == 0)
		r = verity_stream_end(stream, err);
	return r;
}

static int fetch_whole(struct apply *apply, struct item *item,
		       struct overlay_change_set *changes, struct verity_error *err)
{
	const struct install_set in_set = {accept, is_leaving, apply};
	enum overlay_store_kind kind =
		item->wanted->persistent ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	struct overlay_incoming *incoming;
	struct progress progress = {.open = false};
	const struct install_view view = install_view_of_terminal(&progress);
	int r = overlay_change_set_add(changes, kind, item->wanted->name, &incoming, err);

	if (r < 0)
		return r;
	r = install_prepare(apply->device, item->source, incoming, kind, kind, false,
			    &in_set, &view, &item->install, err);
	if (r == -ECANCELED)
		overlay_change_set_drop(changes);
	return r;
}

/* Held to each other, and to those that stay: needs and conflicts. */
static int check_together(struct apply *apply, struct verity_error *err)
{
	cleanup_with(consequences_free) struct consequences after = {.count = 0};
	cleanup_free struct consequences_added *added =
		calloc(apply->count + 1, sizeof(*added));
	cleanup_free struct overlay_entry *removed =
		calloc(2 * apply->count + 1, sizeof(*removed));
	struct consequences_change change = {.added = added, .removed = removed};
	int r;

	if (!added || !removed)
		return verity_no_memory(err);
	for (size_t i = 0; i < apply->count; i++) {
		const struct item *item = &apply->items[i];
		struct overlay_entry entry = {.kind = OVERLAY_ORDINARY};

		if (!item->install && !goes(apply, item))
			continue;
		snprintf(entry.name, sizeof(entry.name), "%s", name_of(item));
		removed[change.removed_count++] = entry;
		entry.kind = OVERLAY_PERSISTENT;
		removed[change.removed_count++] = entry;
		if (!item->install)
			continue;
		if (!item->wanted->persistent)
			entry.kind = OVERLAY_ORDINARY;
		added[change.added_count++] = (struct consequences_added){
			entry, install_judgement(item->install)};
	}
	r = consequences_read(apply->device, &change, &after, err);
	for (size_t i = 0; r == 0 && i < after.count; i++)
		if (i < change.added_count ? !after.items[i].active
					   : consequences_end(&after, i))
			r = verity_fail(err, after.reasons[i].code,
					"%s would not be active: %s (correct the set)",
					after.items[i].entry.name,
					after.reasons[i].message);
	return r;
}

/* @changes: NULL: only the heads are fetched */
static int fetch(struct apply *apply, struct overlay_change_set *changes,
		 struct verity_error *err)
{
	for (size_t i = 0; i < apply->set.count; i++) {
		struct item *item = &apply->items[i];
		int r;

		if (item->met)
			continue;
		apply->current = item;
		r = open_source(apply, item, err);
		if (r == 0)
			r = changes ? fetch_whole(apply, item, changes, err)
				    : fetch_head(apply, item, err);
		if (r < 0 && r != -ECANCELED)
			return verity_context(err, r, "%s", item->wanted->name);
	}
	return 0;
}

static const char *action_of(const struct apply *apply, const struct item *item)
{
	if (!item->wanted)
		return goes(apply, item) ? "remove" : "none";
	if (item->met)
		return "none";
	return item->present.there ? "replace" : "install";
}

static void format(const struct apply *apply, const struct item *item, char *ret,
		   size_t size)
{
	const struct present *present = &item->present;

	snprintf(ret, size, "%s:", name_of(item));
	if (present->there)
		verity_text_append(ret, size, " %s%s goes",
				   present->readable ? "version " : "it",
				   present->version);
	if (!goes(apply, item))
		verity_text_append(ret, size, "%s version %s comes%s",
				   present->there ? "," : "", item->version,
				   item->wanted->persistent ? " (persistent)" : "");
}

static size_t print_changes(const struct apply *apply, bool removals_only)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	char line[VERITY_NAME_MAX + 2 * VERITY_VERSION_MAX + 64];
	size_t count = 0;

	for (size_t i = 0; i < apply->count; i++) {
		const struct item *item = &apply->items[i];

		if (removals_only ? !goes(apply, item)
				  : strcmp(action_of(apply, item), "none") == 0)
			continue;
		format(apply, item, line, sizeof(line));
		layout_printf(stdout, &layout, NAMES_INDENT, "  %s", line);
		count++;
	}
	return count;
}

static int print_json(const struct apply *apply, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_int(&json, "format", 1);
	verity_json_open_list(&json, "packages");
	for (size_t i = 0; i < apply->count; i++) {
		const struct item *item = &apply->items[i];
		bool stays = strcmp(action_of(apply, item), "none") == 0;

		verity_json_open(&json, NULL);
		verity_json_text(&json, "name", name_of(item));
		verity_json_text(&json, "action", action_of(apply, item));
		verity_json_some_text(&json, "installed_version", item->present.version);
		verity_json_some_text(&json, "version",
				      stays ? item->present.version : item->version);
		verity_json_bool(&json, "persistent",
				 item->wanted ? item->wanted->persistent
					      : item->present.entry.kind ==
							OVERLAY_PERSISTENT);
		verity_json_close(&json);
	}
	verity_json_close(&json);
	return verity_json_print(&json, stdout, err);
}

static size_t count_removals(const struct apply *apply)
{
	size_t count = 0;

	for (size_t i = 0; i < apply->count; i++)
		count += goes(apply, &apply->items[i]);
	return count;
}

/* Return: 1: changed; 0: there was nothing to change; -errno. */
static int change(struct apply *apply, struct verity_error *err)
{
	cleanup_with(overlay_change_set_free_p) struct overlay_change_set *changes = NULL;
	size_t count = count_removals(apply);
	bool begun;
	int r = overlay_change_set_new(apply->store, &changes, err);

	if (r == 0)
		r = check_plan(apply, err);
	if (r == 0)
		r = fetch(apply, changes, err);
	for (size_t i = 0; r == 0 && i < apply->count; i++)
		if (goes(apply, &apply->items[i]))
			r = overlay_change_set_remove(
				changes, &apply->items[i].present.entry, err);
	for (size_t i = 0; i < apply->count; i++)
		count += apply->items[i].install != NULL;
	if (r == 0 && count > 0)
		r = check_together(apply, err);
	if (r == 0)
		r = signals_check(err);
	if (r < 0 || count == 0)
		return r;
	r = overlay_change_set_commit(changes, &begun, err);
	if (r < 0 && begun)
		verity_text_append(
			err->message, sizeof(err->message),
			"; the rest of the set is completed by the next boot or "
			"the next command");
	for (size_t i = 0; (r == 0 || begun) && i < apply->count; i++) {
		const struct item *item = &apply->items[i];
		const struct overlay_audit_entry removed = {
			.event = OVERLAY_AUDIT_REMOVE, .package = &item->present.entry};

		if (item->install)
			install_finish(item->install);
		else if (goes(apply, item))
			audit_add(apply->device, &removed);
	}
	kept_room_limit(apply->device);
	return r < 0 ? r : 1;
}

static int load(struct apply *apply, struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	size_t size;
	int r;

	/* Who may write here may also remove packages; a server may not. */
	if (source_is_url(apply->where))
		return verity_fail(
			err, VERITY_E_UNSUPPORTED,
			"%s: a set that is not signed is taken from a file of this "
			"device only (download it first)",
			apply->where);
	r = verity_io_load(AT_FDCWD, apply->where, PACKAGE_SET_BYTES_MAX, &bytes, &size,
			   err);
	if (r < 0)
		return r; /* its name is in the message */
	r = package_set_decode(bytes, size, &apply->set, err);
	if (r == 0)
		r = device_store(apply->device, &apply->store, err);
	if (r == 0)
		r = plan(apply, err);
	return r < 0 ? verity_context(err, r, "%s", apply->where) : 0;
}

static enum exit_status check(struct apply *apply, bool json)
{
	struct verity_error err;
	int r = fetch(apply, NULL, &err);

	if (r == 0 && json)
		r = print_json(apply, &err);
	if (r < 0)
		return report_error(apply->where, &err);
	if (!json && print_changes(apply, false) == 0)
		puts("Nothing to do: the packages are those of the set.");
	return report_output();
}

enum exit_status command_apply(struct device *device, const struct words *words)
{
	cleanup_with(apply_free) struct apply apply = {
		.device = device,
		.where = words->values[WORD_SET],
		.check = words_has(words, WORD_CHECK)};
	struct verity_error err;
	int r = load(&apply, &err);

	if (r < 0)
		return report_error(NULL, &err);
	if (apply.check)
		return check(&apply, words_has(words, WORD_JSON));
	install_begin(device);
	if (count_removals(&apply) > 0 && !words_has(words, WORD_YES)) {
		print_changes(&apply, true);
		r = confirm("apply", "Remove what the set does not name",
			    "Nothing changed.", &err);
		if (r < 0)
			return report_error(NULL, &err);
		if (r == 0)
			return STATUS_FAILED;
	}
	r = change(&apply, &err);
	if (r < 0)
		return report_error(NULL, &err);
	puts(r > 0 ? "Applied... Changes are applied after reboot."
		   : "Nothing to do: the packages are those of the set.");
	return STATUS_DONE;
}
