/* SPDX-License-Identifier: MIT */

/* Reads the contents of the installed packages, and puts them into stacks. */

#include "installer/layers/stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/device/installed.h"
#include "overlay/contents/contents.h"
#include "overlay/contents/firmware.h"
#include "overlay/fs/open_beneath.h"
#include "overlay/libraries/essential.h"
#include "overlay/stack/stack.h"
#include "overlay/store/order.h"
#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

#define COPY(to, from) snprintf((to), sizeof(to), "%s", (from))

void stacks_free(struct stacks *stacks)
{
	if (!stacks)
		return;
	for (size_t i = 0; i < stacks->count; i++)
		overlay_contents_free(&stacks->packages[i].contents);
	free(stacks->packages);
	free(stacks->unknown);
	for (size_t i = 0; i < STACKS_DEPTH; i++)
		free(stacks->memos[i].path);
	overlay_contents_free(&stacks->engine);
	overlay_closure_free(&stacks->libraries);
	overlay_closure_free(&stacks->essential);
	cleanup_fd_p(&stacks->firmware.root);
	for (size_t i = 0; i < stacks->firmware.count; i++)
		cleanup_fd_p(&stacks->parts[i].fd);
	free(stacks->now.layers);
	free(stacks->now.packages);
	free(stacks->next.layers);
	free(stacks->next.packages);
	free(stacks->alone.layers);
	free(stacks->alone.packages);
	free(stacks);
}

/* Hierarchies that the firmware does not have were left out at boot. */
static void open_parts(const struct overlay_config *config, struct stacks *stacks)
{
	struct overlay_firmware *firmware = &stacks->firmware;

	firmware->parts = stacks->parts;
	stacks->limited = config->hierarchies_count > 0;
	for (size_t i = 0; i < config->hierarchies_count; i++) {
		char folder[PATH_MAX];
		int fd = -1;

		snprintf(folder, sizeof(folder), "%s/layers/h%zu/" OVERLAY_STACK_ROOT,
			 config->run, i + 1);
		if (stacks->stacked)
			fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = overlay_beneath_open(firmware->root, config->hierarchies[i],
						  true);
		if (fd < 0)
			continue;
		stacks->parts[firmware->count].path = config->hierarchies[i] + 1;
		stacks->parts[firmware->count].fd = fd;
		stacks->hierarchies[firmware->count++] = config->hierarchies[i] + 1;
	}
}

/* Where something is stacked over it, the firmware is not what is seen at /. */
static int open_firmware(struct device *device, struct stacks *stacks,
			 struct verity_error *err)
{
	const struct overlay_config *config = device_config(device);
	const struct overlay_state *state = device_state(device);
	char folder[PATH_MAX];
	struct statx st;
	int r;

	for (size_t i = 0; state && i < state->count; i++)
		if (state->entries[i].active)
			stacks->stacked = true;
	/* With an upper layer there is a stack without packages, too. */
	if (snprintf(folder, sizeof(folder), "%s/layers/" OVERLAY_STACK_ROOT,
		     config->run) >= (int)sizeof(folder))
		return verity_fail_errno(err, ENAMETOOLONG, "%s", config->run);
	if (sys_statx(AT_FDCWD, folder, 0, STATX_TYPE, &st) == 0 &&
	    (st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		stacks->stacked = true;
	r = overlay_firmware_open(stacks->stacked ? folder : "/", &stacks->firmware.root,
				  err);
	if (r == 0)
		open_parts(config, stacks);
	return r;
}

/*
 * Paths come in order, and each with all directories above it, so those are looked up
 * once. Nothing changes in a read-only firmware.
 */
static int look_firmware(void *context, const char *path,
			 struct overlay_contents_look *ret, struct verity_error *err)
{
	struct stacks *stacks = context;
	struct overlay_contents_look look = {OVERLAY_CONTENTS_FILE};
	struct stacks_memo *memo;
	const char *rest;
	size_t depth = 0;
	int fd, r;

	for (const char *at = path; *at; at++)
		depth += *at == '/' && depth < STACKS_DEPTH - 1;
	memo = &stacks->memos[depth];
	if (!memo->path || strcmp(memo->path, path) != 0) {
		fd = overlay_firmware_at(&stacks->firmware, path, &rest);
		r = overlay_firmware_look(fd, rest, &look, err);
		if (r < 0 && r != -ENOENT)
			return r;
		free(memo->path);
		*memo = (struct stacks_memo){strdup(path), r, look};
		if (!memo->path)
			return verity_no_memory(err);
	}
	if (memo->result == 0)
		*ret = memo->look;
	return memo->result;
}

int stacks_link_target(const struct stacks *stacks,
		       const struct overlay_lookup_result *view, const char *path,
		       char ret[static PATH_MAX], struct verity_error *err)
{
	int fd;

	if (!view->entry) {
		fd = overlay_firmware_at(&stacks->firmware, path, &path);
		return overlay_firmware_target(fd, path, ret, err);
	}
	snprintf(ret, PATH_MAX, "%s", view->entry->target);
	return 0;
}

static int add_package(struct stacks *stacks, const struct overlay_entry *entry,
		       const struct verity_verified *verified, bool now, bool next,
		       struct contents_limits *left, struct verity_error *err)
{
	const struct verity_manifest *manifest = verity_verified_manifest(verified);
	struct stacks_package *package = &stacks->packages[stacks->count];
	int r = left ? overlay_contents_read_within(verified, left, &package->contents,
						    err)
		     : overlay_contents_read(verified, &package->contents, err);

	if (r < 0)
		return verity_context(err, r, "%s", entry->name);
	package->entry = *entry;
	COPY(package->identity, manifest->name);
	COPY(package->version, manifest->version);
	package->priority = manifest->priority;
	package->now = now;
	package->next = next;
	stacks->count++;
	return 0;
}

static void add_unknown(struct stacks *stacks, const char *name, const char *version,
			bool now, bool next, const struct verity_error *why)
{
	struct stacks_unknown *unknown = &stacks->unknown[stacks->unknown_count++];

	COPY(unknown->name, name);
	COPY(unknown->version, version);
	unknown->now = now;
	unknown->next = next;
	unknown->why = *why;
}

/*
 * @replaced: in the next stack, by the candidate
 * @left:     NULL: read its image as far as its own limits let; otherwise only for the
 * next stack, and no more than that
 */
static void add_installed(struct stacks *stacks, const struct installed *item,
			  bool replaced, struct contents_limits *left)
{
	const struct verity_verified *verified =
		item->package ? verity_package_verified(item->package) : NULL;
	bool runs = verified && item->status == INSTALLED_ACTIVE;
	bool now = runs && !left;
	bool next = verified && !replaced &&
		    ((runs && !item->ends) || item->status == INSTALLED_PENDING ||
		     item->status == INSTALLED_UNKNOWN);
	bool removed = item->status == INSTALLED_REMOVED;
	struct verity_error why = item->reason;

	/* What runs is the file that the boot took, which may no longer exist. */
	if (item->active && !runs) {
		if (removed || item->running[0])
			verity_fail(&why, VERITY_E_NOT_FOUND,
				    "%s, and active until the next boot",
				    removed ? "removed" : "replaced");
		add_unknown(stacks, item->entry.name,
			    item->running[0] ? item->running : item->version, true, false,
			    &why);
	}
	if ((now || next) &&
	    add_package(stacks, &item->entry, verified, now, next, left, &why) < 0)
		add_unknown(stacks, item->entry.name,
			    now && item->running[0] ? item->running : item->version, now,
			    next, &why);
}

/* The packages of one stack, in order; the one on top first. */
static int make_stack(struct stacks *stacks, struct package_stack *stack,
		      struct verity_error *err)
{
	cleanup_free struct overlay_order_item *items =
		calloc(stacks->count + 1, sizeof(*items));
	struct overlay_lookup *lookup = &stack->lookup;
	size_t count = 0;

	stack->stacks = stacks;
	stack->layers = calloc(stacks->count + 1, sizeof(*stack->layers));
	stack->packages = calloc(stacks->count + 1, sizeof(*stack->packages));
	if (!items || !stack->layers || !stack->packages)
		return verity_no_memory(err);
	lookup->layers = stack->layers;
	lookup->base.look = look_firmware;
	lookup->base.context = stacks;
	lookup->limited = stacks->limited;
	lookup->hierarchies = stacks->hierarchies;
	lookup->hierarchies_count = stacks->firmware.count;
	for (size_t i = 0; i < stacks->count; i++) {
		const struct stacks_package *package = &stacks->packages[i];

		bool part = stack == &stacks->now    ? package->now
			    : stack == &stacks->next ? package->next
						     : i + 1 == stacks->count;

		if (!part)
			continue;
		items[count].entry = package->entry;
		items[count].priority = package->priority;
		items[count++].index = i;
	}
	overlay_order_sort(items, count);
	/* Without a package there is no stack, and nothing on top of it. */
	if (count > 0)
		stack->layers[lookup->count++] = &stacks->engine;
	for (size_t i = 0; i < count; i++) {
		const struct stacks_package *package = &stacks->packages[items[i].index];

		stack->packages[lookup->count] = package;
		stack->layers[lookup->count++] = &package->contents;
	}
	return 0;
}

static int at_firmware(const void *context, const char *path, const char **ret_rest)
{
	return overlay_firmware_at(context, path, ret_rest);
}

static bool is_replaced(const struct stacks_candidate *candidate, const char *name)
{
	return candidate &&
	       (strcmp(name, candidate->entry->name) == 0 ||
		(candidate->leaves && candidate->leaves(candidate->context, name)));
}

/* The candidate comes last. */
static int add_all(struct stacks *stacks, const struct installed_list *list,
		   const struct stacks_candidate *candidate, enum stacks_depth depth,
		   struct verity_error *err)
{
	struct contents_limits left = {STACKS_GLANCE_ENTRIES, STACKS_GLANCE_BYTES,
				       STACKS_GLANCE_READS};
	const struct verity_verified *verified;
	struct overlay_entry entry;
	struct verity_error why;
	size_t beside = 0;

	while (candidate && candidate->beside &&
	       candidate->beside(candidate->context, beside, &entry, &verified))
		beside++;
	/* One more for the candidate; an installed package may be unknown twice. */
	stacks->packages = calloc(list->count + beside + 1, sizeof(*stacks->packages));
	stacks->unknown = calloc(2 * list->count + beside + 1, sizeof(*stacks->unknown));
	if (!stacks->packages || !stacks->unknown)
		return verity_no_memory(err);
	for (size_t i = 0; i < list->count; i++)
		add_installed(stacks, &list->items[i],
			      is_replaced(candidate, list->items[i].entry.name),
			      depth == STACKS_GLANCE ? &left : NULL);
	for (size_t i = 0; i < beside; i++)
		if (candidate->beside(candidate->context, i, &entry, &verified) &&
		    add_package(stacks, &entry, verified, false, true, &left, &why) < 0)
			add_unknown(stacks, entry.name,
				    verity_verified_manifest(verified)->version, false,
				    true, &why);
	return candidate ? add_package(stacks, candidate->entry, candidate->verified,
				       false, true, NULL, err)
			 : 0;
}

int stacks_load(struct device *device, const struct stacks_candidate *candidate,
		enum stacks_depth depth, struct stacks **ret, struct verity_error *err)
{
	cleanup_with(stacks_free_p) struct stacks *stacks = calloc(1, sizeof(*stacks));
	cleanup_with(installed_list_free) struct installed_list list = {0};
	struct overlay_protect own = overlay_config_protect(device_config(device));
	struct overlay_closure_tree tree = {at_firmware, NULL};
	int r;

	if (!stacks)
		return verity_no_memory(err);
	tree.context = &stacks->firmware;
	stacks->firmware.root = -1;
	r = open_firmware(device, stacks, err);
	if (r == 0)
		r = overlay_closure_add_protected(&stacks->libraries, &tree, &own, err);
	if (r == 0)
		r = overlay_essential_find(&tree, device_config(device)->cmdline,
					   &stacks->essential, err);
	own.libraries = (const char *const *)stacks->libraries.tried.items;
	own.libraries_count = stacks->libraries.tried.count;
	if (r == 0)
		r = overlay_firmware_engine(&stacks->firmware, &own, &stacks->engine,
					    err);
	if (r == 0)
		r = installed_list_read(device, NULL,
					depth == STACKS_WHOLE ? INSTALLED_WHOLE
							      : INSTALLED_HEADS,
					&list, err);
	/* It costs what is said of other packages, not of the firmware. */
	if (r < 0 && depth == STACKS_GLANCE && err->code != VERITY_E_NO_MEMORY)
		r = 0;
	if (r == 0)
		r = add_all(stacks, &list, candidate, depth, err);
	if (r == 0)
		r = make_stack(stacks, &stacks->now, err);
	if (r == 0)
		r = make_stack(stacks, &stacks->next, err);
	if (r == 0 && candidate)
		r = make_stack(stacks, &stacks->alone, err);
	if (r == 0)
		*ret = steal_ptr(&stacks);
	return r;
}

const struct stacks_package *stacks_next_package(const struct package_stack *stack,
						 size_t *layer)
{
	while (*layer < stack->lookup.count) {
		const struct stacks_package *package = stack->packages[(*layer)++];

		if (package)
			return package;
	}
	return NULL;
}

const char *stacks_owner_name(const struct stacks_package *owner)
{
	return owner ? owner->entry.name : "the firmware";
}

const struct stacks_package *stacks_owner(const struct package_stack *stack, size_t layer)
{
	return layer < stack->lookup.count ? stack->packages[layer] : NULL;
}
