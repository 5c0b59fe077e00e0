/* SPDX-License-Identifier: MIT */
/* Fills the folders of the overlays with what each layer has in a hierarchy. */
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
#include "verity/util/cleanup.h"

struct preparation {
	const struct packages *packages;
	const struct attached *attached;
	bool *used; /* owned: by layer: some hierarchy has something of it */
	struct hierarchies *hierarchies;
};

static void preparation_free(struct preparation *preparation)
{
	free(preparation->used);
}

void hierarchies_free(struct hierarchies *hierarchies)
{
	free(hierarchies->items);
	overlay_closure_free(&hierarchies->closure);
	overlay_paths_free(&hierarchies->libraries);
	*hierarchies = (struct hierarchies){.count = 0};
}

/* The name of the package that layer LAYERS/@number is. */
static const char *name_of(const struct packages *packages, size_t number)
{
	for (size_t i = 0; i < packages->order_count; i++)
		if (packages_at(packages, i)->verified && --number == 0)
			return packages->order[i].entry.name;
	return "";
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
static int add_package(const struct preparation *preparation, struct hierarchy *hierarchy,
		       size_t number, struct verity_error *err)
{
	const char *layers = preparation->hierarchies->boot->layers;
	char layer[OVERLAY_STACK_NAME_MAX], name[OVERLAY_STACK_NAME_MAX];
	enum overlay_share share;
	int r;

	snprintf(layer, sizeof(layer), "%zu", number);
	r = find_share(hierarchy, layers, layer, &share, err);
	if (r < 0 || share == OVERLAY_SHARE_NONE)
		return r;
	if (share == OVERLAY_SHARE_OTHER) {
		log_line(LOG_LEVEL_WARNING,
			 "%s: its %s is not a folder: nothing of it is visible there",
			 name_of(preparation->packages, number), hierarchy->path);
		return 0;
	}
	preparation->used[number - 1] = true;
	hierarchy->parts.packages++;
	if (share == OVERLAY_SHARE_OPAQUE)
		hierarchy->parts.root = false;
	snprintf(name, sizeof(name), "%zu", hierarchy->parts.packages);
	return link_share(hierarchy, name, layer, err);
}

static int fill(const struct preparation *preparation, struct hierarchy *hierarchy,
		struct verity_error *err)
{
	const char *layers = preparation->hierarchies->boot->layers;
	enum overlay_share share;
	char empty[PATH_MAX];
	int r = overlay_folder_make(hierarchy->folder, 0755, err);

	snprintf(empty, sizeof(empty), "%s/" OVERLAY_STACK_EMPTY, hierarchy->folder);
	if (r == 0)
		r = overlay_layers_bind(hierarchy->folder, hierarchy->target,
					OVERLAY_STACK_ROOT, err);
	if (r == 0)
		r = overlay_folder_make(empty, 0755, err);
	if (r == 0)
		r = find_share(hierarchy, layers, OVERLAY_STACK_ENGINE, &share, err);
	if (r == 0 && (share == OVERLAY_SHARE_FOLDER || share == OVERLAY_SHARE_OPAQUE)) {
		hierarchy->parts.engine = true;
		r = link_share(hierarchy, OVERLAY_STACK_ENGINE, OVERLAY_STACK_ENGINE,
			       err);
	}
	for (size_t i = 1;
	     r == 0 && hierarchy->parts.root && i <= preparation->attached->count; i++)
		r = add_package(preparation, hierarchy, i, err);
	return r;
}

/* What the file system that is covered does not allow, the stack does not either. */
static bool is_nosuid(const char *target)
{
	struct statvfs fs;

	return statvfs(target, &fs) == 0 && (fs.f_flag & ST_NOSUID);
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

/* It is not kept where nothing would be stacked. */
static int prepare_one(struct preparation *preparation, size_t number,
		       struct verity_error *err)
{
	struct hierarchies *hierarchies = preparation->hierarchies;
	const struct boot *boot = hierarchies->boot;
	struct hierarchy *hierarchy = &hierarchies->items[hierarchies->count];
	int r;

	*hierarchy = (struct hierarchy){.path = boot->config.hierarchies[number - 1],
					.parts.root = true};
	if (snprintf(hierarchy->folder, sizeof(hierarchy->folder), "%s/h%zu",
		     boot->layers, number) >= (int)sizeof(hierarchy->folder) ||
	    snprintf(hierarchy->target, sizeof(hierarchy->target), "%s%s", boot->root,
		     hierarchy->path) >= (int)sizeof(hierarchy->target))
		return verity_fail_errno(err, ENAMETOOLONG, "%s", hierarchy->path);
	hierarchy->parts.nosuid =
		preparation->attached->nosuid || is_nosuid(hierarchy->target);
	r = check_target(hierarchy, boot->root, err);
	if (r > 0) {
		log_line(LOG_LEVEL_WARNING,
			 "hierarchies: the firmware has no folder %s: it is left out",
			 hierarchy->path);
		return 0;
	}
	if (r == 0)
		r = fill(preparation, hierarchy, err);
	if (r == 0 &&
	    (hierarchy->parts.packages > 0 || boot->config.upper != OVERLAY_UPPER_NONE))
		hierarchies->count++;
	return r;
}

static void prepare_root(struct preparation *preparation)
{
	struct hierarchies *hierarchies = preparation->hierarchies;
	const struct boot *boot = hierarchies->boot;
	struct hierarchy *hierarchy = &hierarchies->items[0];

	*hierarchy = (struct hierarchy){
		.path = "",
		.parts = {.engine = true,
			  .packages = preparation->attached->count,
			  .root = true,
			  .nosuid =
				  preparation->attached->nosuid || is_nosuid(boot->root)},
	};
	snprintf(hierarchy->folder, sizeof(hierarchy->folder), "%s", boot->layers);
	snprintf(hierarchy->target, sizeof(hierarchy->target), "%s", boot->root);
	hierarchies->count = 1;
}

/*
 * A library of the engine is put back only where a package has something in its place:
 * the copies of all of them would take some ten MiB of memory.
 */
static int find_libraries(const struct preparation *preparation,
			  struct overlay_protect *own, struct verity_error *err)
{
	struct hierarchies *hierarchies = preparation->hierarchies;
	const struct boot *boot = hierarchies->boot;
	cleanup_fd int root = open(boot->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int layers = open(boot->layers, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct overlay_closure_tree tree = {overlay_closure_at_root, &root};
	const struct overlay_touching by = {.fd = layers,
					    .count = preparation->attached->count};
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

int hierarchies_prepare(const struct packages *packages, const struct attached *attached,
			const struct boot *boot, struct hierarchies *ret,
			struct verity_error *err)
{
	cleanup_with(preparation_free) struct preparation preparation = {
		.packages = packages,
		.attached = attached,
		.used = calloc(attached->count + 1, sizeof(bool)),
		.hierarchies = ret,
	};
	struct overlay_protect own = overlay_config_protect(&boot->config);
	size_t count = boot->config.hierarchies_count;
	int r = 0;

	ret->boot = boot;
	ret->items = calloc(OVERLAY_HIERARCHIES_MAX, sizeof(*ret->items));
	if (!preparation.used || !ret->items)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (count == 0)
		r = overlay_stack_check_depth(boot->root, err);
	if (r == 0)
		r = overlay_layers_bind(boot->layers, boot->root, OVERLAY_STACK_ROOT,
					err);
	if (r == 0)
		r = find_libraries(&preparation, &own, err);
	if (r == 0)
		r = overlay_layers_mount_engine(boot->layers, boot->root, &own, err);
	if (r == 0 && count == 0)
		prepare_root(&preparation);
	for (size_t i = 1; r == 0 && i <= count; i++)
		r = prepare_one(&preparation, i, err);
	for (size_t i = 1; r == 0 && count > 0 && i <= attached->count; i++)
		if (!preparation.used[i - 1])
			log_line(LOG_LEVEL_WARNING,
				 "%s: nothing of it is in any of the hierarchies",
				 name_of(packages, i));
	return r;
}
