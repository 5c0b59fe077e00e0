/* SPDX-License-Identifier: MIT */

/* Lists and counts the changes of a package. */

#include "installer/layers/changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/report.h"
#include "installer/fetch/fetch_program.h"
#include "overlay/fs/mounts.h"
#include "overlay/fs/standard_folders.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

struct listing {
	const struct package_stack *stack;
	struct overlay_mounts mounts; /* what is mounted now; empty: not known */
	int (*take)(void *context, const struct change *change, struct verity_error *err);
	void *context;
	struct changes_count count;
};

/*
 * Whether something is mounted at the path or below it, on a folder of the firmware that
 * the stack does not show any more. What is mounted below the root before the packages
 * has to be mounted on the stack.
 */
static bool blocks_mount(const struct listing *listing, const char *path)
{
	const struct overlay_lookup *lookup = &listing->stack->lookup;
	size_t size = strlen(path);

	for (size_t i = 0; i < listing->mounts.count; i++) {
		const char *target = listing->mounts.items[i].target;
		struct overlay_lookup_result base, seen;

		if (strncmp(target + 1, path, size) != 0 ||
		    (target[1 + size] != '\0' && target[1 + size] != '/') ||
		    overlay_lookup_find(lookup, lookup->count, target + 1, &base, NULL,
					NULL) < 0 ||
		    base.status != OVERLAY_LOOKUP_PRESENT ||
		    overlay_lookup_find(lookup, 0, target + 1, &seen, NULL, NULL) < 0)
			continue;
		if (seen.status != OVERLAY_LOOKUP_PRESENT || seen.kind != base.kind)
			return true;
	}
	return false;
}

/* Whether @path is where this program was started from, or what it starts beside it. */
static bool is_running(const char *path)
{
	char program[PATH_MAX] = "/";
	ssize_t size = readlink("/proc/self/exe", program, sizeof(program) - 1);
	size_t folder;

	program[size < 0 ? 1 : size] = '\0';
	folder = (size_t)(strrchr(program, '/') - program);
	return strcmp(program + 1, path) == 0 ||
	       (strncmp(program + 1, path, folder) == 0 &&
		strcmp(path + folder, FETCH_PROGRAM) == 0);
}

/* Without a folder, or a link to one, all that is below it is gone too. */
static const struct overlay_critical *find_critical(
	const struct listing *listing, const struct overlay_lookup_change *change)
{
	static const struct overlay_critical mounted = {
		"", "a file system is mounted there, so a boot may leave the package out",
		true};
	const struct package_stack *stack = listing->stack;
	static const struct overlay_critical running = {
		"", "part of the running wmopkg, which is not protected (set protect)",
		true};
	const char *path = change->entry->path;
	const struct overlay_critical *critical = overlay_critical_find(path);
	const struct overlay_closure *libraries = &stack->stacks->libraries;
	const struct overlay_closure *essential = &stack->stacks->essential;
	bool adds = change->effect == OVERLAY_LOOKUP_ADDS;
	const struct overlay_contents_entry *engine;

	/*
	 * Where the layer of the engine covers the change, it has no effect. A folder of
	 * that layer is merged, and what is no folder below it still hides the
	 * firmware's.
	 */
	if (change->covered && !stacks_owner(stack, change->by)) {
		engine = overlay_contents_find(stack->layers[change->by], path);
		if (!engine || engine->kind != OVERLAY_CONTENTS_FOLDER)
			return overlay_paths_has(&libraries->tried, path) ||
					       overlay_paths_has(&libraries->there, path)
				       ? &overlay_critical_library
				       : &overlay_critical_engine;
	}
	if (!critical && change->effect == OVERLAY_LOOKUP_CHANGES)
		return overlay_standard_folder_find(path) ? &overlay_critical_standard
							  : NULL;
	if (!adds && blocks_mount(listing, path))
		return &mounted;
	if (critical)
		return adds && !critical->added ? NULL : critical;
	if (is_running(path))
		return &running;
	if (overlay_paths_has(&essential->tried, path) ||
	    (!adds && overlay_paths_has(&essential->there, path)))
		return &overlay_critical_needed;
	if (adds || (change->below.kind != OVERLAY_CONTENTS_FOLDER &&
		     change->below.kind != OVERLAY_CONTENTS_LINK))
		return NULL;
	critical = overlay_critical_below(path);
	if (!critical && (overlay_paths_has_below(&libraries->there, path) ||
			  overlay_paths_has_below(&essential->there, path)))
		critical = &overlay_critical_needed;
	if (!critical && overlay_standard_folder_find(path))
		critical = &overlay_critical_standard;
	return critical;
}

static void count_one(const struct change *change, struct changes_count *count)
{
	switch (change->lookup->effect) {
	case OVERLAY_LOOKUP_ADDS:
		count->added++;
		break;
	case OVERLAY_LOOKUP_REPLACES:
		count->replaced++;
		break;
	case OVERLAY_LOOKUP_DELETES:
		count->deleted++;
		break;
	case OVERLAY_LOOKUP_HIDES:
		count->hidden++;
		break;
	case OVERLAY_LOOKUP_CHANGES:
		count->changed++;
		break;
	}
	count->covered += change->lookup->covered;
	count->critical += change->critical != NULL;
}

/* As trees have them that were made with the links of a merged /usr. */
static bool is_same_link(const struct stacks *stacks,
			 const struct overlay_lookup_change *change)
{
	const struct overlay_contents_entry *entry = change->entry;
	char target[PATH_MAX];

	return change->effect == OVERLAY_LOOKUP_REPLACES &&
	       entry->kind == OVERLAY_CONTENTS_LINK &&
	       change->below.kind == OVERLAY_CONTENTS_LINK &&
	       stacks_link_target(stacks, &change->below, entry->path, target, NULL) ==
		       0 &&
	       strcmp(target, entry->target) == 0;
}

static int take_change(void *context, const struct overlay_lookup_change *lookup,
		       struct verity_error *err)
{
	struct listing *listing = context;
	const struct package_stack *stack = listing->stack;
	struct overlay_lookup_change seen = *lookup;
	struct change change = {.lookup = &seen};

	if (is_same_link(stack->stacks, lookup))
		return 0;
	/* The engine's layer shows its folders as the firmware has them. */
	if (seen.effect == OVERLAY_LOOKUP_CHANGES && seen.covered &&
	    !stacks_owner(stack, seen.by)) {
		const struct overlay_contents_entry *entry =
			overlay_contents_find(stack->layers[seen.by], seen.entry->path);

		if (!entry || !entry->library_way)
			return 0;
		seen.covered = false;
	}
	change.critical = find_critical(listing, &seen);
	if (lookup->effect != OVERLAY_LOOKUP_ADDS)
		change.of = stacks_owner(listing->stack, lookup->below.layer);
	if (seen.covered)
		change.by = stacks_owner(listing->stack, lookup->by);
	count_one(&change, &listing->count);
	return listing->take ? listing->take(listing->context, &change, err) : 0;
}

int changes_list(const struct package_stack *stack, const struct stacks_package *package,
		 int (*take)(void *context, const struct change *change,
			     struct verity_error *err),
		 void *context, struct changes_count *ret, struct verity_error *err)
{
	struct listing listing = {.stack = stack, .take = take, .context = context};
	size_t layer = 0;
	int r = 0;

	(void)!overlay_mounts_read(OVERLAY_MOUNTINFO, &listing.mounts);
	while (layer < stack->lookup.count && stack->packages[layer] != package)
		layer++;
	if (layer < stack->lookup.count)
		r = overlay_lookup_changes(&stack->lookup, layer, take_change, &listing,
					   err);
	overlay_mounts_free(&listing.mounts);
	if (r == 0)
		*ret = listing.count;
	return r;
}

bool changes_is_conflict(const struct change *change)
{
	/* A visible addition affects nobody else. */
	return change->lookup->effect != OVERLAY_LOOKUP_ADDS || change->lookup->covered ||
	       change->critical;
}

void changes_format_look(const struct overlay_lookup_change *change,
			 char ret[static CHANGES_LOOK_BYTES])
{
	const struct overlay_contents_entry *entry = change->entry;
	const struct overlay_lookup_result *below = &change->below;

	ret[0] = '\0';
	if (change->effect != OVERLAY_LOOKUP_CHANGES)
		return;
	if (entry->mode != below->mode)
		verity_text_append(ret, CHANGES_LOOK_BYTES, ", mode %04o to %04o",
				   (unsigned)below->mode, (unsigned)entry->mode);
	if (entry->uid != below->uid || entry->gid != below->gid)
		verity_text_append(ret, CHANGES_LOOK_BYTES,
				   ", owner %" PRIu32 ":%" PRIu32 " to %" PRIu32
				   ":%" PRIu32,
				   below->uid, below->gid, entry->uid, entry->gid);
}

const char *changes_word(enum overlay_lookup_effect effect)
{
	static const char *const words[] = {
		[OVERLAY_LOOKUP_ADDS] = "adds",
		[OVERLAY_LOOKUP_REPLACES] = "replaces",
		[OVERLAY_LOOKUP_DELETES] = "deletes",
		[OVERLAY_LOOKUP_HIDES] = "hides",
		[OVERLAY_LOOKUP_CHANGES] = "changes",
	};

	return words[effect];
}

void changes_put_owner_keys(struct verity_json_writer *json,
			    const struct stacks_package *owner)
{
	if (!owner) {
		verity_json_bool(json, "firmware", true);
		return;
	}
	verity_json_text(json, "package", owner->entry.name);
	verity_json_text(json, "version", owner->version);
	verity_json_text(json, "identity", owner->identity);
	verity_json_bool(json, "persistent", owner->entry.kind == OVERLAY_PERSISTENT);
}

void changes_put_owner(struct verity_json_writer *json, const char *key,
		       const struct stacks_package *owner)
{
	verity_json_open(json, key);
	changes_put_owner_keys(json, owner);
	verity_json_close(json);
}

void changes_put_unknown(struct verity_json_writer *json, const struct stacks *stacks)
{
	verity_json_open_list(json, "unknown");
	for (size_t i = 0; i < stacks->unknown_count; i++) {
		const struct stacks_unknown *unknown = &stacks->unknown[i];

		verity_json_open(json, NULL);
		verity_json_text(json, "package", unknown->name);
		verity_json_text(json, "version", unknown->version);
		verity_json_bool(json, "now", unknown->now);
		verity_json_bool(json, "after_reboot", unknown->next);
		verity_json_text(json, "why", unknown->why.message);
		verity_json_close(json);
	}
	verity_json_close(json);
}

void changes_print_unknown(const struct stacks *stacks, bool next)
{
	for (size_t i = 0; i < stacks->unknown_count; i++) {
		const struct stacks_unknown *unknown = &stacks->unknown[i];

		if (next && !unknown->next)
			continue;
		printf("Not known: the contents of %s%s%s: ", unknown->name,
		       unknown->version[0] ? " " : "", unknown->version);
		report_plain(stdout, unknown->why.message);
		putchar('\n');
	}
}

void changes_put_path(struct verity_json_writer *json, const char *key, const char *path)
{
	cleanup_free char *text = malloc(strlen(path) + 2);

	if (text)
		sprintf(text, "/%s", path);
	verity_json_text(json, key, text);
}

void changes_put_count(struct verity_json_writer *json, const struct changes_count *count)
{
	verity_json_uint(json, "adds", count->added);
	verity_json_uint(json, "replaces", count->replaced);
	verity_json_uint(json, "deletes", count->deleted);
	verity_json_uint(json, "hides", count->hidden);
	verity_json_uint(json, "changes", count->changed);
	verity_json_uint(json, "covered", count->covered);
	verity_json_uint(json, "critical", count->critical);
}

void changes_print_count(const struct changes_count *count)
{
	const struct {
		const char *word;
		size_t number;
	} numbers[] = {
		{"adds", count->added},      {"replaces", count->replaced},
		{"deletes", count->deleted}, {"hides", count->hidden},
		{"changes", count->changed},
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].number == 0)
			continue;
		printf("%s%s %zu", between, numbers[i].word, numbers[i].number);
		between = ", ";
	}
	if (!*between)
		fputs("none", stdout);
	if (count->covered)
		printf("; %zu covered", count->covered);
	if (count->critical)
		printf("; %zu system-critical", count->critical);
}
