/* SPDX-License-Identifier: MIT */
/* Fills the folders of the overlays, and finds the layers that block a mount in them. */
#include "initramfs/hierarchies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "initramfs/log.h"
#include "overlay/fs/mkdir.h"
#include "overlay/fs/open_beneath.h"
#include "overlay/libraries/touched.h"
#include "overlay/stack/layers_dir.h"
#include "overlay/stack/share.h"
#include "overlay/stack/stack.h"
#include "overlay/stack/submounts.h"
#include "overlay/stack/way.h"
#include "verity/util/cleanup.h"

void hierarchies_free(struct hierarchies *hierarchies)
{
	for (size_t i = 0; hierarchies->items && i < OVERLAY_HIERARCHIES_MAX; i++)
		free(hierarchies->items[i].layers);
	free(hierarchies->items);
	overlay_closure_free(&hierarchies->closure);
	overlay_paths_free(&hierarchies->libraries);
	*hierarchies = (struct hierarchies){.count = 0};
}

/* What a layer has in the hierarchy. */
static int find_share(const struct hierarchy *hierarchy, const char *layers,
		      const char *layer, enum overlay_share *ret,
		      struct verity_error *err)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/%s", layers, layer);
	*ret = OVERLAY_SHARE_NONE;
	return overlay_share_look(folder, hierarchy->path, ret, err);
}

static int link_share(const struct hierarchy *hierarchy, const char *name,
		      const char *layer, struct verity_error *err)
{
	char path[PATH_MAX];
	char target[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", hierarchy->folder, name);
	snprintf(target, sizeof(target), "../%s%s", layer, hierarchy->path);
	if ((unlink(path) < 0 && errno != ENOENT) || symlink(target, path) < 0)
		return verity_fail_errno(err, errno, "%s", path);
	return 0;
}

/* An opaque share is the last: nothing below it is visible. */
static int add_layer(struct hierarchies *hierarchies, struct hierarchy *hierarchy,
		     size_t index, struct verity_error *err)
{
	char layer[OVERLAY_STACK_NAME_MAX], name[OVERLAY_STACK_NAME_MAX];
	enum overlay_share share;
	struct verity_error why;

	snprintf(layer, sizeof(layer), "%zu", index + 1);
	if (find_share(hierarchy, hierarchies->boot->layers, layer, &share, &why) < 0) {
		attach_leave_out(hierarchies->attached, index, &why);
		return 0;
	}
	if (share == OVERLAY_SHARE_NONE || share == OVERLAY_SHARE_OTHER)
		return 0;
	hierarchy->layers[hierarchy->layers_count++] = index;
	hierarchy->parts.packages++;
	if (share == OVERLAY_SHARE_OPAQUE)
		hierarchy->parts.root = false;
	snprintf(name, sizeof(name), "%zu", hierarchy->parts.packages);
	return link_share(hierarchy, name, layer, err);
}

static int fill(struct hierarchies *hierarchies, struct hierarchy *hierarchy,
		struct verity_error *err)
{
	const struct attached *attached = hierarchies->attached;
	enum overlay_share share;
	int r = find_share(hierarchy, hierarchies->boot->layers, OVERLAY_STACK_ENGINE,
			   &share, err);

	if (r == 0 && (share == OVERLAY_SHARE_FOLDER || share == OVERLAY_SHARE_OPAQUE)) {
		hierarchy->parts.engine = true;
		r = link_share(hierarchy, OVERLAY_STACK_ENGINE, OVERLAY_STACK_ENGINE,
			       err);
	}
	for (size_t i = 0; r == 0 && hierarchy->parts.root && i < attached->count; i++)
		if (!attached->left_out[i])
			r = add_layer(hierarchies, hierarchy, i, err);
	return r;
}

/* What the file system that is covered does not allow, the stack does not either. */
static bool is_nosuid(const char *target)
{
	struct statvfs fs;

	return statvfs(target, &fs) == 0 && (fs.f_flag & ST_NOSUID);
}

int hierarchies_fill(struct hierarchies *hierarchies, struct verity_error *err)
{
	const struct attached *attached = hierarchies->attached;
	bool nosuid, whole = hierarchies->boot->config.hierarchies_count == 0;
	int r = 0;

	attach_stacks(attached, &nosuid);
	for (size_t i = 0; r == 0 && i < hierarchies->count; i++) {
		struct hierarchy *hierarchy = &hierarchies->items[i];

		free(hierarchy->layers);
		hierarchy->layers_count = 0;
		hierarchy->layers = calloc(attached->count + 1, sizeof(size_t));
		if (!hierarchy->layers)
			return verity_no_memory(err);
		hierarchy->parts = (struct overlay_stack_parts){
			.engine = whole,
			.root = true,
			.nosuid = nosuid || is_nosuid(hierarchy->target),
		};
		if (!whole) {
			r = fill(hierarchies, hierarchy, err);
			continue;
		}
		hierarchy->parts.packages = attached->count;
		hierarchy->parts.left_out = attached->left_out;
		for (size_t layer = 0; layer < attached->count; layer++)
			if (!attached->left_out[layer])
				hierarchy->layers[hierarchy->layers_count++] = layer;
	}
	return r;
}

void hierarchies_tell(const struct hierarchies *hierarchies)
{
	const struct attached *attached = hierarchies->attached;
	enum overlay_share share;
	char layer[OVERLAY_STACK_NAME_MAX];

	if (hierarchies->boot->config.hierarchies_count == 0)
		return;
	for (size_t i = 0; i < attached->count; i++) {
		const char *name = attached->packages[i]->state->entry.name;
		bool used = false;

		snprintf(layer, sizeof(layer), "%zu", i + 1);
		for (size_t h = 0; !attached->left_out[i] && h < hierarchies->count;
		     h++) {
			const struct hierarchy *hierarchy = &hierarchies->items[h];

			if (find_share(hierarchy, hierarchies->boot->layers, layer,
				       &share, NULL) < 0)
				continue;
			used = used || share == OVERLAY_SHARE_FOLDER ||
			       share == OVERLAY_SHARE_OPAQUE;
			if (share == OVERLAY_SHARE_OTHER)
				log_line(
					LOG_LEVEL_WARNING,
					"%s: its %s is not a folder: nothing of it is visible there",
					name, hierarchy->path);
		}
		if (!used && !attached->left_out[i])
			log_line(LOG_LEVEL_WARNING,
				 "%s: nothing of it is in any of the hierarchies", name);
	}
}

/* Return: 1 where the firmware has no such folder. */
static int check_target(const struct hierarchy *hierarchy, const char *root,
			struct verity_error *err)
{
	cleanup_fd int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = -1;

	if (top < 0)
		return verity_fail_errno(err, errno, "%s", root);
	fd = overlay_beneath_open(top, hierarchy->path, true);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 1;
	if (fd < 0)
		return verity_fail_errno(err, -fd, "%s", hierarchy->target);
	return overlay_stack_check_depth(hierarchy->target, err);
}

static int prepare_one(struct hierarchies *hierarchies, size_t number,
		       struct verity_error *err)
{
	const struct boot *boot = hierarchies->boot;
	struct hierarchy *hierarchy = &hierarchies->items[hierarchies->count];
	char empty[PATH_MAX];
	int r;

	*hierarchy = (struct hierarchy){.path = boot->config.hierarchies[number - 1]};
	if (snprintf(hierarchy->folder, sizeof(hierarchy->folder), "%s/h%zu",
		     boot->layers, number) >= (int)sizeof(hierarchy->folder) ||
	    snprintf(hierarchy->target, sizeof(hierarchy->target), "%s%s", boot->root,
		     hierarchy->path) >= (int)sizeof(hierarchy->target))
		return verity_fail_errno(err, ENAMETOOLONG, "%s", hierarchy->path);
	r = check_target(hierarchy, boot->root, err);
	if (r > 0) {
		log_line(LOG_LEVEL_WARNING,
			 "hierarchies: the firmware has no folder %s: it is left out",
			 hierarchy->path);
		return 0;
	}
	if (r == 0)
		r = overlay_folder_make(hierarchy->folder, 0755, err);
	if (r == 0)
		r = overlay_layers_bind(hierarchy->folder, hierarchy->target,
					OVERLAY_STACK_ROOT, err);
	snprintf(empty, sizeof(empty), "%s/" OVERLAY_STACK_EMPTY, hierarchy->folder);
	if (r == 0)
		r = overlay_folder_make(empty, 0755, err);
	if (r == 0)
		hierarchies->count++;
	return r;
}

static void leave_out_unreadable(void *context, size_t layer,
				 const struct verity_error *why)
{
	struct attached *attached = context;

	if (!attached->left_out[layer])
		attach_leave_out(attached, layer, why);
}

/*
 * A library of the engine is put back only where a package has something in its place:
 * the copies of all of them would take some ten MiB of memory.
 */
static int find_libraries(struct hierarchies *hierarchies, struct overlay_protect *own,
			  struct verity_error *err)
{
	const struct boot *boot = hierarchies->boot;
	cleanup_fd int root = open(boot->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int layers = open(boot->layers, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct overlay_closure_tree tree = {overlay_closure_at_root, &root};
	const struct overlay_touching by = {.fd = layers,
					    .count = hierarchies->attached->count,
					    .unreadable = leave_out_unreadable,
					    .context = hierarchies->attached};
	int r;

	if (root < 0 || layers < 0)
		return verity_fail_errno(err, errno, "%s",
					 root < 0 ? boot->root : boot->layers);
	r = overlay_closure_add_protected(&hierarchies->closure, &tree, own, err);
	if (r == 0)
		r = overlay_touched_find(root, &by, &hierarchies->closure.tried,
					 &hierarchies->libraries, err);
	if (r == 0 && hierarchies->libraries.count > 0)
		log_line(LOG_LEVEL_WARNING,
			 "the firmware's own /%s is kept: wmopkg needs it (%zu such "
			 "paths are changed by packages)",
			 hierarchies->libraries.items[0], hierarchies->libraries.count);
	own->libraries = (const char *const *)hierarchies->libraries.items;
	own->libraries_count = hierarchies->libraries.count;
	return r;
}

int hierarchies_prepare(struct attached *attached, const struct boot *boot,
			struct hierarchies *ret, struct verity_error *err)
{
	struct overlay_protect own = overlay_config_protect(&boot->config);
	size_t count = boot->config.hierarchies_count;
	int r = 0;

	ret->boot = boot;
	ret->attached = attached;
	ret->items = calloc(OVERLAY_HIERARCHIES_MAX, sizeof(*ret->items));
	if (!ret->items)
		return verity_no_memory(err);
	if (count == 0)
		r = overlay_stack_check_depth(boot->root, err);
	if (r == 0)
		r = overlay_layers_bind(boot->layers, boot->root, OVERLAY_STACK_ROOT,
					err);
	if (r == 0)
		r = find_libraries(ret, &own, err);
	if (r == 0)
		r = overlay_layers_mount_engine(boot->layers, boot->root, &own, err);
	if (r == 0 && count == 0) {
		ret->items[0].path = "";
		snprintf(ret->items[0].folder, PATH_MAX, "%s", boot->layers);
		snprintf(ret->items[0].target, PATH_MAX, "%s", boot->root);
		ret->count = 1;
	}
	for (size_t i = 1; r == 0 && i <= count; i++)
		r = prepare_one(ret, i, err);
	return r;
}

/* The engine's layer comes first, if it is part of the overlay. */
struct look {
	struct hierarchies *hierarchies;
	const struct hierarchy *hierarchy;
	struct overlay_way *ways; /* owned */
	size_t count;
	int left_out;
};

static void look_free(struct look *look)
{
	free(look->ways);
}

static void leave_out(struct look *look, size_t way, const struct verity_error *why)
{
	size_t index = look->hierarchy->layers[way - look->hierarchy->parts.engine];

	attach_leave_out(look->hierarchies->attached, index, why);
	look->left_out++;
}

static int look_into(struct look *look, size_t way, const char *path,
		     struct verity_error *err)
{
	const struct hierarchy *hierarchy = look->hierarchy;
	const char *layers = look->hierarchies->boot->layers;
	const struct attached *attached = look->hierarchies->attached;
	bool engine = hierarchy->parts.engine && way == 0;
	char folder[PATH_MAX];
	size_t index = engine ? 0 : hierarchy->layers[way - hierarchy->parts.engine];
	int r;

	look->ways[way].in = false;
	if (engine)
		snprintf(folder, sizeof(folder), "%s/" OVERLAY_STACK_ENGINE "%s", layers,
			 hierarchy->path);
	else
		snprintf(folder, sizeof(folder), "%s/%zu%s", layers, index + 1,
			 hierarchy->path);
	if (!engine && attached->left_out[index])
		return 0;
	r = overlay_way_look(folder, path, &look->ways[way], err);
	/* The roots of layers are merged, whatever attributes they have. */
	if (r == 0 && hierarchy->path[0] == '\0')
		look->ways[way].kinds[0] = OVERLAY_WAY_FOLDER;
	return r;
}

static void check_mount(struct look *look, const char *path, bool folder)
{
	const struct hierarchy *hierarchy = look->hierarchy;
	struct overlay_way_block block;
	struct verity_error why;
	char whole[PATH_MAX];

	/* What the engine's layer has, it has of the firmware: it blocks nothing. */
	for (size_t way = 0; way < look->count; way++) {
		if (look_into(look, way, path, &why) == 0)
			continue;
		look->ways[way].in = false;
		if (way > 0 || !hierarchy->parts.engine)
			leave_out(look, way, &why);
	}
	snprintf(whole, sizeof(whole), "%s%s", hierarchy->path, path);
	while (overlay_way_blocked(look->ways, look->count, overlay_way_names(path),
				   folder, &block) &&
	       (block.layer > 0 || !hierarchy->parts.engine)) {
		block.names += overlay_way_names(hierarchy->path);
		(void)overlay_way_fail(&block, whole, &why);
		look->ways[block.layer].in = false;
		leave_out(look, block.layer, &why);
	}
}

static int check_hierarchy(struct look *look, struct verity_error *err)
{
	cleanup_with(overlay_submounts_free_p) struct overlay_submounts *below = NULL;
	int r = overlay_submounts_take(look->hierarchy->target, &below, err);
	const char *path;
	bool folder;

	for (size_t i = 0; r == 0 && (path = overlay_submounts_at(below, i, &folder));
	     i++)
		check_mount(look, path, folder);
	return r;
}

int hierarchies_leave_out_blockers(struct hierarchies *hierarchies,
				   struct verity_error *err)
{
	cleanup_with(look_free) struct look look = {
		.hierarchies = hierarchies,
		.ways = calloc(hierarchies->attached->count + 1, sizeof(*look.ways)),
	};
	int r = 0;

	if (!look.ways)
		return verity_no_memory(err);
	for (size_t i = 0; r == 0 && i < hierarchies->count; i++) {
		look.hierarchy = &hierarchies->items[i];
		look.count = look.hierarchy->parts.engine + look.hierarchy->layers_count;
		r = check_hierarchy(&look, err);
	}
	return r < 0 ? r : look.left_out;
}
