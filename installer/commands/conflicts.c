/* SPDX-License-Identifier: MIT */

/* `wmopkg conflicts`: what the packages of the next boot replace, delete and hide. */

#include "installer/commands/conflicts.h"

#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/device/installed.h"
#include "installer/layers/changes.h"
#include "verity/util/cleanup.h"

#define CONFLICTS_FORMAT 1

/* Lines of one package; the rest is a number, and in json. */
#define LINES_OF_ALL 20
#define LINES_OF_ONE 500
#define OWNER_WIDTH  24 /* columns; longer names push the path to the right */

struct conflicts {
	const struct stacks *stacks;
	const char *name; /* NULL: all packages */
	size_t lines_max;
	int width;                       /* columns of the owners' names */
	struct verity_json_writer *json; /* NULL: as text */
	size_t lines;                    /* of the package that is listed */
	size_t conflicts;
	const struct stacks_package *package;
	bool started; /* something is printed */
	struct changes_count sum;
};

static void print_line(struct conflicts *conflicts, const struct change *change)
{
	const struct stacks_package *package = conflicts->package;
	const struct overlay_contents_entry *entry = change->lookup->entry;
	bool adds = change->lookup->effect == OVERLAY_LOOKUP_ADDS;
	char look[CHANGES_LOOK_BYTES];

	if (conflicts->lines++ == 0) {
		printf("%s%s %s", conflicts->started ? "\n" : "", package->entry.name,
		       package->version);
		if (strcmp(package->identity, package->entry.name) != 0)
			printf(" (identity %s)", package->identity);
		puts(":");
		conflicts->started = true;
	}
	printf("  %-8s  %-*s  /", changes_word(change->lookup->effect), conflicts->width,
	       adds ? "" : stacks_owner_name(change->of));
	report_plain(stdout, entry->path);
	changes_format_look(change->lookup, look);
	fputs(look, stdout);
	if (entry->redirected)
		fputs(", redirected", stdout);
	if (change->lookup->covered)
		printf(", covered by %s", stacks_owner_name(change->by));
	if (change->critical)
		printf(" [critical: %s]", change->critical->what);
	putchar('\n');
}

/* How a folder looks; the mode is a text of octal digits. */
static void put_look(struct verity_json_writer *json, const char *key, uint16_t mode,
		     uint32_t uid, uint32_t gid)
{
	char text[8];

	snprintf(text, sizeof(text), "%04o", (unsigned)mode);
	verity_json_open(json, key);
	verity_json_text(json, "mode", text);
	verity_json_uint(json, "uid", uid);
	verity_json_uint(json, "gid", gid);
	verity_json_close(json);
}

static void put_change(struct verity_json_writer *json, const struct change *change)
{
	verity_json_open(json, NULL);
	changes_put_path(json, "path", change->lookup->entry->path);
	verity_json_text(json, "does", changes_word(change->lookup->effect));
	if (change->lookup->effect != OVERLAY_LOOKUP_ADDS)
		changes_put_owner(json, "of", change->of);
	if (change->lookup->effect == OVERLAY_LOOKUP_CHANGES) {
		const struct overlay_contents_entry *entry = change->lookup->entry;
		const struct overlay_lookup_result *below = &change->lookup->below;

		put_look(json, "from", below->mode, below->uid, below->gid);
		put_look(json, "to", entry->mode, entry->uid, entry->gid);
	}
	if (change->lookup->covered)
		changes_put_owner(json, "covered_by", change->by);
	if (change->critical)
		verity_json_text(json, "critical", change->critical->what);
	if (change->lookup->entry->redirected)
		verity_json_bool(json, "redirected", true);
	verity_json_close(json);
}

static int take_change(void *context, const struct change *change,
		       struct verity_error *err)
{
	struct conflicts *conflicts = context;

	(void)err;
	if (!changes_is_conflict(change))
		return 0;
	conflicts->conflicts++;
	if (conflicts->json)
		put_change(conflicts->json, change);
	/* Critical changes have as many lines again. */
	else if (conflicts->lines < conflicts->lines_max ||
		 (change->critical && conflicts->lines < 2 * conflicts->lines_max))
		print_line(conflicts, change);
	return 0;
}

static int list_one(struct conflicts *conflicts, const struct stacks_package *package,
		    struct verity_error *err)
{
	struct changes_count count;
	size_t before = conflicts->conflicts;
	int r;

	conflicts->package = package;
	conflicts->lines = 0;
	r = changes_list(&conflicts->stacks->next, package, take_change, conflicts,
			 &count, err);
	if (r < 0)
		return r;
	conflicts->sum.added += count.added;
	conflicts->sum.replaced += count.replaced;
	conflicts->sum.deleted += count.deleted;
	conflicts->sum.hidden += count.hidden;
	conflicts->sum.changed += count.changed;
	conflicts->sum.covered += count.covered;
	conflicts->sum.critical += count.critical;
	if (!conflicts->json && conflicts->conflicts - before > conflicts->lines)
		printf("  ... and %zu more: wmopkg conflicts %s json\n",
		       conflicts->conflicts - before - conflicts->lines,
		       package->entry.name);
	return 0;
}

/* The next of the packages in the stack, from the top. */
static const struct stacks_package *next_package(const struct conflicts *conflicts,
						 size_t *layer)
{
	const struct stacks_package *package;

	do
		package = stacks_next_package(&conflicts->stacks->next, layer);
	while (package && conflicts->name &&
	       strcmp(package->entry.name, conflicts->name) != 0);
	return package;
}

static int print_text(struct conflicts *conflicts, struct verity_error *err)
{
	const struct stacks *stacks = conflicts->stacks;
	const struct stacks_package *package;
	size_t width = strlen(stacks_owner_name(NULL));
	size_t layer = 0;
	int r = 0;

	for (size_t i = 0; i < stacks->count; i++) {
		size_t needed = strlen(stacks->packages[i].entry.name);

		width = needed > width ? needed : width;
	}
	conflicts->width = (int)(width < OWNER_WIDTH ? width : OWNER_WIDTH);
	while (r == 0 && (package = next_package(conflicts, &layer)))
		r = list_one(conflicts, package, err);
	if (r < 0)
		return r;
	if (conflicts->conflicts == 0) {
		puts("No conflicts.");
	} else {
		fputs("\nChanges: ", stdout);
		changes_print_count(&conflicts->sum);
		putchar('\n');
	}
	changes_print_unknown(stacks, true);
	return 0;
}

static int print_json(struct conflicts *conflicts, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct stacks_package *package;
	size_t layer = 0;
	int r = 0;

	conflicts->json = &json;
	verity_json_int(&json, "format", CONFLICTS_FORMAT);
	verity_json_open_list(&json, "packages");
	while (r == 0 && (package = next_package(conflicts, &layer))) {
		verity_json_open(&json, NULL);
		changes_put_owner_keys(&json, package);
		verity_json_open_list(&json, "changes");
		r = list_one(conflicts, package, err);
		verity_json_close(&json);
		verity_json_close(&json);
	}
	conflicts->json = NULL;
	if (r < 0)
		return r;
	verity_json_close(&json);
	verity_json_open(&json, "count");
	changes_put_count(&json, &conflicts->sum);
	verity_json_close(&json);
	changes_put_unknown(&json, conflicts->stacks);
	return verity_json_print(&json, stdout, err);
}

int conflicts_check_name(struct device *device, const struct stacks *stacks,
			 const char *name, struct verity_error *err)
{
	const struct conflicts conflicts = {.stacks = stacks, .name = name};
	struct overlay_entry found;
	struct overlay_store *store;
	size_t layer = 0;
	int r;

	if (next_package(&conflicts, &layer))
		return 0;
	for (size_t i = 0; i < stacks->unknown_count; i++)
		if (stacks->unknown[i].next && strcmp(stacks->unknown[i].name, name) == 0)
			return 0;
	r = device_store(device, &store, err);
	if (r == 0 && overlay_store_find(store, name, &found, NULL) < 0)
		return installed_fail_unknown(store, name, err);
	if (r == 0)
		r = verity_fail(err, VERITY_E_NOT_FOUND,
				"%s: it is not active, and will not be after a reboot "
				"(see 'wmopkg show %s')",
				name, name);
	return r;
}

enum exit_status command_conflicts(struct device *device, const struct words *words)
{
	cleanup_with(stacks_free_p) struct stacks *stacks = NULL;
	const char *name = words->values[WORD_NAME];
	struct conflicts conflicts = {.name = name,
				      .lines_max = name ? LINES_OF_ONE : LINES_OF_ALL};
	struct verity_error err;
	int r = stacks_load(device, NULL, STACKS_WHOLE, &stacks, &err);

	conflicts.stacks = stacks;
	if (r == 0 && name)
		r = conflicts_check_name(device, stacks, name, &err);
	if (r == 0)
		r = words_has(words, WORD_JSON) ? print_json(&conflicts, &err)
						: print_text(&conflicts, &err);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
