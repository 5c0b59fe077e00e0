/* SPDX-License-Identifier: MIT */
/* Mounts each overlay, with what was mounted below its target put back on top. */
#include "initramfs/hierarchies_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>

#include "overlay/libraries/touched.h"
#include "overlay/stack/stack.h"
#include "overlay/stack/submounts.h"
#include "overlay/stack/upper_guard.h"
#include "overlay/stack/upperdir.h"
#include "verity/util/cleanup.h"

/* What the programs of the engine need is not looked for in an upper. */
static int check_libraries(const struct hierarchies *hierarchies,
			   const struct hierarchy *hierarchy, int upper,
			   struct verity_error *err)
{
	const char *root = hierarchies->boot->root;
	cleanup_with(overlay_paths_free) struct overlay_paths changed = {0};
	cleanup_fd int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct overlay_touching by = {.fd = upper, .upper = hierarchy->path};
	int r;

	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", root);
	r = overlay_touched_find(fd, &by, &hierarchies->closure.tried, &changed, err);
	if (r == 0 && changed.count > 0)
		r = verity_fail(err, VERITY_E_STACK,
				"/%s was changed, and a program of the engine needs the "
				"firmware's own",
				changed.items[0]);
	return r;
}

static int mount_one(const struct hierarchies *hierarchies, struct hierarchy *hierarchy,
		     struct verity_error *err)
{
	const struct boot *boot = hierarchies->boot;
	cleanup_with(overlay_stack_plan_free) struct overlay_stack_plan plan = {0};
	cleanup_with(overlay_submounts_free_p) struct overlay_submounts *below = NULL;
	struct overlay_protect own = overlay_config_protect(&boot->config);
	char engine[PATH_MAX], base[PATH_MAX];
	int r = overlay_stack_plan_make(&hierarchy->parts, &plan, err);

	snprintf(engine, sizeof(engine), "%s/" OVERLAY_STACK_ENGINE, boot->layers);
	if (r == 0 && hierarchy->parts.writable) {
		cleanup_fd int upper = -1;

		if (snprintf(base, sizeof(base), "%s/" OVERLAY_STACK_ROOT,
			     hierarchy->folder) >= (int)sizeof(base))
			return verity_fail(err, VERITY_E_CONFIG,
					   "run: the path is too long");
		r = overlay_upper_give(boot->layers, hierarchy->folder, hierarchy->path,
				       base, &upper, err);
		if (r == 0)
			r = overlay_guard_check(engine, upper, hierarchy->path, &own,
						err);
		if (r == 0)
			r = check_libraries(hierarchies, hierarchy, upper, err);
	}
	if (r == 0)
		r = overlay_submounts_take(hierarchy->target, &below, err);
	if (r == 0)
		r = overlay_stack_mount(hierarchy->folder, &plan, hierarchy->target, err);
	if (r < 0)
		return r;
	hierarchy->mounted = true;
	r = overlay_submounts_put(below, err);
	if (r == 0 && hierarchy->parts.writable)
		r = overlay_guard_mount(engine, boot->root, hierarchy->path, &own, err);
	return r;
}

int hierarchies_mount(struct hierarchies *hierarchies, enum overlay_upper upper,
		      struct verity_error *err)
{
	const struct boot *boot = hierarchies->boot;
	int r = 0;

	if (upper == OVERLAY_UPPER_TMPFS)
		r = overlay_upper_mount_tmpfs(boot->layers, err);
	else if (upper == OVERLAY_UPPER_DATA)
		r = overlay_upper_mount_data(boot->layers, boot->data,
					     boot->config.upper_folder, err);
	for (size_t i = 0; r == 0 && i < hierarchies->count; i++) {
		struct hierarchy *hierarchy = &hierarchies->items[i];

		hierarchy->parts.writable = upper != OVERLAY_UPPER_NONE;
		if (hierarchy->parts.writable || hierarchy->layers_count > 0 ||
		    hierarchies->probe)
			r = mount_one(hierarchies, hierarchy, err);
	}
	if (r < 0)
		hierarchies_unmount(hierarchies);
	return r;
}

void hierarchies_unmount(struct hierarchies *hierarchies)
{
	for (size_t i = hierarchies->count; i-- > 0;) {
		struct hierarchy *hierarchy = &hierarchies->items[i];

		if (hierarchy->mounted)
			umount2(hierarchy->target, MNT_DETACH | UMOUNT_NOFOLLOW);
		hierarchy->mounted = false;
	}
	overlay_upper_unmount(hierarchies->boot->layers);
}
