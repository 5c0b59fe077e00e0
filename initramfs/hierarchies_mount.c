/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/mount.h>

#include "initramfs/hierarchies.h"
#include "initramfs/log.h"
#include "overlay/stack/stack.h"
#include "overlay/stack/submounts.h"
#include "overlay/stack/upper_guard.h"
#include "overlay/stack/upperdir.h"
#include "verity/util/cleanup.h"

static void plan_free_p(struct overlay_stack_plan *plan)
{
	overlay_stack_plan_free(plan);
}

static void engine_path(const struct views *views, char ret[static PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/" OVERLAY_STACK_ENGINE, views->boot->layers);
}

static int give_upper(const struct views *views, const struct view *view,
		      struct verity_error *err)
{
	char engine[PATH_MAX], base[PATH_MAX];
	cleanup_fd int fd = -1;
	int r;

	if (snprintf(base, sizeof(base), "%s/" OVERLAY_STACK_ROOT, view->folder) >=
	    (int)sizeof(base))
		return verity_fail(err, VERITY_E_CONFIG, "run: the path is too long");
	engine_path(views, engine);
	r = overlay_upper_give(views->boot->layers, view->folder, view->hierarchy, base,
			       &fd, err);
	return r < 0 ? r : overlay_guard_check(engine, fd, view->hierarchy, err);
}

static int finish_view(const struct views *views, const struct view *view,
		       struct overlay_submounts *below, struct verity_error *err)
{
	char engine[PATH_MAX];
	int r = overlay_submounts_put(below, err);

	engine_path(views, engine);
	if (r == 0 && view->parts.writable)
		r = overlay_guard_mount(engine, views->boot->root, view->hierarchy, err);
	return r;
}

static int mount_view(const struct views *views, struct view *view,
		      struct verity_error *err)
{
	cleanup_with(plan_free_p) struct overlay_stack_plan plan = {0};
	cleanup_with(overlay_submounts_free_p) struct overlay_submounts *below = NULL;
	int r = overlay_stack_plan_make(&view->parts, &plan, err);

	if (r == 0 && view->parts.writable)
		r = give_upper(views, view, err);
	if (r == 0)
		r = overlay_submounts_take(view->target, &below, err);
	if (r == 0)
		r = overlay_stack_mount(view->folder, &plan, view->target, err);
	if (r < 0)
		return r;
	view->mounted = true;
	return finish_view(views, view, below, err);
}

static void unmount_all(struct views *views)
{
	for (size_t i = views->count; i-- > 0;) {
		if (views->items[i].mounted)
			umount2(views->items[i].target, MNT_DETACH | UMOUNT_NOFOLLOW);
		views->items[i].mounted = false;
	}
}

static int mount_upper(const struct boot *boot, enum overlay_upper upper,
		       struct verity_error *err)
{
	switch (upper) {
	case OVERLAY_UPPER_TMPFS:
		return overlay_upper_mount_tmpfs(boot->layers, err);
	case OVERLAY_UPPER_DATA:
		return overlay_upper_mount_data(boot->layers, boot->data,
						boot->config.upper_folder, err);
	default:
		return 0;
	}
}

int views_mount(struct views *views, enum overlay_upper upper, struct verity_error *err)
{
	int r = mount_upper(views->boot, upper, err);

	for (size_t i = 0; r == 0 && i < views->count; i++) {
		views->items[i].parts.writable = upper != OVERLAY_UPPER_NONE;
		r = mount_view(views, &views->items[i], err);
	}
	if (r == 0)
		return 0;
	unmount_all(views);
	overlay_upper_unmount(views->boot->layers);
	return r;
}
