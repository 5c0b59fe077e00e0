/* SPDX-License-Identifier: MIT */
#include "initramfs/hierarchies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "initramfs/log.h"
#include "overlay/fs/mkdir.h"
#include "overlay/fs/open_beneath.h"
#include "overlay/stack/layers_dir.h"
#include "overlay/stack/share.h"
#include "overlay/stack/stack.h"
#include "verity/util/cleanup.h"

/* What making the views goes by. */
struct making {
	const struct packages *packages;
	const struct attached *attached;
	bool *used; /* owned: beside the layers: something of it is in a view */
	struct views *views;
};

static void making_free_p(struct making *making)
{
	free(making->used);
}

void views_free(struct views *views)
{
	free(views->items);
	*views = (struct views){0};
}

/* The package that layer LAYERS/@number is. */
static const char *name_of(const struct packages *packages, size_t number)
{
	for (size_t i = 0; i < packages->order_count; i++)
		if (packages->judged[packages->order[i].index] && --number == 0)
			return packages->order[i].entry.name;
	return "";
}

static int link_share(const struct view *view, const char *name, const char *layer,
		      struct verity_error *err)
{
	char path[PATH_MAX];
	char target[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", view->folder, name);
	snprintf(target, sizeof(target), "../%s%s", layer, view->hierarchy);
	if ((unlink(path) < 0 && errno != ENOENT) || symlink(target, path) < 0)
		return verity_fail_errno(err, errno, "%s", path);
	return 0;
}

static int look(const struct view *view, const char *layers, const char *layer,
		enum overlay_share *ret, struct verity_error *err)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/%s", layers, layer);
	return overlay_share_look(folder, view->hierarchy, ret, err);
}

static int add_engine(struct view *view, const char *layers, struct verity_error *err)
{
	enum overlay_share share = OVERLAY_SHARE_NONE;
	int r = look(view, layers, OVERLAY_STACK_ENGINE, &share, err);

	if (r < 0 || (share != OVERLAY_SHARE_FOLDER && share != OVERLAY_SHARE_OPAQUE))
		return r;
	view->parts.engine = true;
	return link_share(view, OVERLAY_STACK_ENGINE, OVERLAY_STACK_ENGINE, err);
}

/* A share that is opaque is the last: nothing that lies below it is to be seen. */
static int add_package(const struct making *making, struct view *view, size_t number,
		       struct verity_error *err)
{
	enum overlay_share share = OVERLAY_SHARE_NONE;
	char layer[OVERLAY_STACK_NAME_MAX];
	char name[OVERLAY_STACK_NAME_MAX];
	int r;

	snprintf(layer, sizeof(layer), "%zu", number);
	r = look(view, making->views->boot->layers, layer, &share, err);
	if (r == 0 && share == OVERLAY_SHARE_OTHER)
		log_line(
			LOG_LEVEL_WARNING,
			"%s: what it has at %s is no folder: nothing of it is seen there",
			name_of(making->packages, number), view->hierarchy);
	if (r < 0 || share == OVERLAY_SHARE_NONE || share == OVERLAY_SHARE_OTHER)
		return r;
	making->used[number - 1] = true;
	view->parts.packages++;
	if (share == OVERLAY_SHARE_OPAQUE)
		view->parts.root = false;
	snprintf(name, sizeof(name), "%zu", view->parts.packages);
	return link_share(view, name, layer, err);
}

static int add_empty(const struct view *view, struct verity_error *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_STACK_EMPTY, view->folder);
	return overlay_folder_make(path, 0755, err);
}

static int fill(const struct making *making, struct view *view, struct verity_error *err)
{
	const char *layers = making->views->boot->layers;
	int r = overlay_layers_bind(view->folder, view->target, OVERLAY_STACK_ROOT, err);

	if (r == 0)
		r = add_empty(view, err);
	if (r == 0)
		r = add_engine(view, layers, err);
	for (size_t i = 1; r == 0 && view->parts.root && i <= making->attached->count;
	     i++)
		r = add_package(making, view, i, err);
	return r;
}

/* What the file system that is covered does not allow, the stack does not either. */
static bool is_nosuid(const char *target)
{
	struct statvfs fs;

	return statvfs(target, &fs) == 0 && (fs.f_flag & ST_NOSUID);
}

/* 1: the firmware has no such folder. */
static int check_target(const struct view *view, const char *root,
			struct verity_error *err)
{
	cleanup_fd int top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = -1;

	if (top < 0)
		return verity_fail_errno(err, errno, "%s", root);
	fd = overlay_beneath_open(top, view->hierarchy, true);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 1;
	if (fd < 0)
		return verity_fail_errno(err, -fd, "%s", view->target);
	return overlay_stack_check_depth(view->target, err);
}

/* Not kept where there is nothing to be stacked over what is there. */
static int make_hierarchy(struct making *making, size_t number, struct verity_error *err)
{
	struct views *views = making->views;
	const struct boot *boot = views->boot;
	struct view *view = &views->items[views->count];
	int r;

	*view = (struct view){.hierarchy = boot->config.hierarchies[number - 1]};
	view->parts.root = true;
	if (snprintf(view->folder, sizeof(view->folder), "%s/h%zu", boot->layers,
		     number) >= (int)sizeof(view->folder) ||
	    snprintf(view->target, sizeof(view->target), "%s%s", boot->root,
		     view->hierarchy) >= (int)sizeof(view->target))
		return verity_fail_errno(err, ENAMETOOLONG, "%s", view->hierarchy);
	view->parts.nosuid = making->attached->nosuid || is_nosuid(view->target);
	r = check_target(view, boot->root, err);
	if (r > 0) {
		log_line(LOG_LEVEL_WARNING,
			 "hierarchies: the firmware has no folder %s: it is left out",
			 view->hierarchy);
		return 0;
	}
	if (r == 0)
		r = overlay_folder_make(view->folder, 0755, err);
	if (r == 0)
		r = fill(making, view, err);
	if (r == 0 &&
	    (view->parts.packages > 0 || boot->config.upper != OVERLAY_UPPER_NONE))
		views->count++;
	return r;
}

static int make_hierarchies(struct making *making, struct verity_error *err)
{
	const struct boot *boot = making->views->boot;
	int r = overlay_layers_bind(boot->layers, boot->root, OVERLAY_STACK_ROOT, err);

	if (r == 0)
		r = overlay_layers_mount_engine(boot->layers, boot->root, err);
	for (size_t i = 1; r == 0 && i <= boot->config.hierarchies_count; i++)
		r = make_hierarchy(making, i, err);
	for (size_t i = 1; r == 0 && i <= making->attached->count; i++)
		if (!making->used[i - 1])
			log_line(LOG_LEVEL_WARNING,
				 "%s: nothing of it is in any of the hierarchies",
				 name_of(making->packages, i));
	return r;
}

static int make_root(struct making *making, struct verity_error *err)
{
	struct views *views = making->views;
	const struct boot *boot = views->boot;
	struct view *view = &views->items[0];
	int r = overlay_stack_check_depth(boot->root, err);

	if (r == 0)
		r = overlay_layers_bind(boot->layers, boot->root, OVERLAY_STACK_ROOT,
					err);
	if (r < 0)
		return r;
	*view = (struct view){.hierarchy = ""};
	snprintf(view->folder, sizeof(view->folder), "%s", boot->layers);
	snprintf(view->target, sizeof(view->target), "%s", boot->root);
	view->parts = (struct overlay_stack_parts){
		.engine = true,
		.packages = making->attached->count,
		.root = true,
		.nosuid = making->attached->nosuid || is_nosuid(boot->root),
	};
	views->count = 1;
	return overlay_layers_mount_engine(boot->layers, boot->root, err);
}

int views_make(const struct packages *packages, const struct attached *attached,
	       const struct boot *boot, struct views *ret, struct verity_error *err)
{
	cleanup_with(making_free_p) struct making making = {
		.packages = packages,
		.attached = attached,
		.used = calloc(attached->count + 1, sizeof(bool)),
		.views = ret,
	};

	ret->boot = boot;
	ret->items = calloc(OVERLAY_HIERARCHIES_MAX, sizeof(*ret->items));
	if (!making.used || !ret->items)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (boot->config.hierarchies_count > 0)
		return make_hierarchies(&making, err);
	return make_root(&making, err);
}
