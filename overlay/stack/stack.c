/* SPDX-License-Identifier: MIT */
#include "overlay/stack/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "overlay/fs/mountinfo.h"
#include "verity/util/cleanup.h"

/*
 * Whether this kernel can be told its layers one at a time. Before 6.5 overlayfs keeps
 * whatever it is told and complains about it in the kernel log, at the end: such a kernel
 * is known by its keeping a word that nobody knows.
 */
static bool takes_layers_singly(void)
{
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	return fs >= 0 && fsconfig(fs, FSCONFIG_SET_FLAG, "wmopkg", NULL, 0) < 0 &&
	       fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", ".", 0) == 0;
}

static int fail_stack(int why, const struct overlay_stack_plan *plan, const char *what,
		      struct verity_error *err)
{
	if (why == ENODEV)
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no overlayfs (CONFIG_OVERLAY_FS)");
	verity_fail_errno(err, why, "%zu layers cannot be stacked%s%s", plan->count,
			  what ? ": " : "", what ? what : "");
	if (err)
		err->code = VERITY_E_STACK;
	return -why;
}

static int set_options(int fs, const struct overlay_stack_plan *plan,
		       struct verity_error *err)
{
	struct overlay_stack_option option;

	for (size_t i = 0; i < plan->count; i++)
		if (fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", plan->names[i], 0) < 0)
			return fail_stack(errno, plan, plan->names[i], err);
	for (size_t i = 0; overlay_stack_option_at(plan, i, &option); i++)
		if (fsconfig(fs, FSCONFIG_SET_STRING, option.key, option.value, 0) < 0)
			return fail_stack(errno, plan, option.key, err);
	if (!plan->writable && fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return fail_stack(errno, plan, "ro", err);
	return 0;
}

static int mount_by_layers(const char *source, const struct overlay_stack_plan *plan,
			   const char *target, struct verity_error *err)
{
	unsigned attributes = MOUNT_ATTR_NODEV |
			      (plan->writable ? 0 : MOUNT_ATTR_RDONLY) |
			      (plan->nosuid ? MOUNT_ATTR_NOSUID : 0);
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	cleanup_fd int mounted = -1;
	int r;

	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return fail_stack(errno, plan, NULL, err);
	r = set_options(fs, plan, err);
	if (r < 0)
		return r;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	if (mounted < 0 ||
	    move_mount(mounted, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_stack(errno, plan, NULL, err);
	return 0;
}

static int mount_by_string(const char *source, const struct overlay_stack_plan *plan,
			   const char *target, struct verity_error *err)
{
	unsigned long flags = MS_NODEV | (plan->writable ? 0 : MS_RDONLY) |
			      (plan->nosuid ? MS_NOSUID : 0);
	cleanup_free char *options = NULL;
	int r = overlay_stack_options(plan, (size_t)sysconf(_SC_PAGESIZE), &options, err);

	if (r < 0)
		return r;
	if (mount(source, target, "overlay", flags, options) == 0)
		return 0;
	return fail_stack(errno, plan, NULL, err);
}

static int check_mounted(const char *source, const struct overlay_stack_plan *plan,
			 const char *target, struct verity_error *err)
{
	struct overlay_mountinfo *info = NULL;
	int r = overlay_mountinfo_get(target, &info, err);

	if (r < 0)
		return r;
	if (strcmp(info->type, "overlay") != 0 || strcmp(info->source, source) != 0)
		r = verity_fail(err, VERITY_E_STACK, "%s is not covered by the stack",
				target);
	else
		r = overlay_stack_compare(plan, info->options, err);
	overlay_mountinfo_free(info);
	return r;
}

static int mount_here(const char *source, const struct overlay_stack_plan *plan,
		      const char *target, struct verity_error *err)
{
	int r;

	if (!plan->by_string && takes_layers_singly())
		r = mount_by_layers(source, plan, target, err);
	else
		r = mount_by_string(source, plan, target, err);
	if (r < 0)
		return r;
	r = check_mounted(source, plan, target, err);
	if (r < 0)
		umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
	return r;
}

int overlay_stack_mount(const char *layers, const struct overlay_stack_plan *plan,
			const char *target, struct verity_error *err)
{
	return overlay_stack_mount_as(OVERLAY_STACK_SOURCE, layers, plan, target, err);
}

int overlay_stack_mount_as(const char *source, const char *layers,
			   const struct overlay_stack_plan *plan, const char *target,
			   struct verity_error *err)
{
	cleanup_fd int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *absolute = realpath(target, NULL);
	int r;

	if (before < 0 || !absolute)
		return verity_fail_errno(err, errno, "%s", target);
	if (chdir(layers) < 0)
		return verity_fail_errno(err, errno, "%s", layers);
	r = mount_here(source, plan, absolute, err);
	if (fchdir(before) < 0 && chdir("/") < 0)
		r = r < 0 ? r : 0; /* the folder we came from is gone; nothing depends on
				      it */
	return r;
}

int overlay_stack_find(const char *target, enum overlay_stack_found *ret,
		       struct verity_error *err)
{
	struct overlay_mountinfo *info = NULL;
	int r = overlay_mountinfo_get(target, &info, err);

	if (r < 0)
		return r;
	if (strcmp(info->type, "overlay") != 0)
		*ret = OVERLAY_STACK_NONE;
	else if (strcmp(info->source, OVERLAY_STACK_SOURCE) == 0)
		*ret = OVERLAY_STACK_OURS;
	else
		*ret = OVERLAY_STACK_OTHER;
	overlay_mountinfo_free(info);
	return 0;
}
