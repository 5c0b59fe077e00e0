/* SPDX-License-Identifier: MIT */
/* Mounts a plan with fsconfig(), or as one string on kernels before 6.8. */
#include "overlay/stack/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "overlay/fs/mountinfo.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/sys.h"

/*
 * Whether this kernel takes layers one at a time. Before 6.5 overlayfs accepts any option
 * first, and rejects unknown ones only when the mount is made: such a kernel accepts an
 * option that does not exist.
 */
static bool takes_layers_singly(void)
{
	cleanup_fd int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);

	return fs >= 0 && sys_fsconfig(fs, FSCONFIG_SET_FLAG, "wmopkg", NULL, 0) < 0 &&
	       sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", ".", 0) == 0;
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
	const struct overlay_stack_option *option;

	for (size_t i = 0; i < plan->count; i++)
		if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", plan->names[i],
				 0) < 0)
			return fail_stack(errno, plan, plan->names[i], err);
	for (size_t i = 0; (option = overlay_stack_option_at(plan, i)); i++)
		if (sys_fsconfig(fs, FSCONFIG_SET_STRING, option->key, option->value, 0) <
		    0)
			return fail_stack(errno, plan, option->key, err);
	if (!plan->writable && sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return fail_stack(errno, plan, "ro", err);
	return 0;
}

static int mount_by_layers(const struct overlay_stack_plan *plan, const char *target,
			   struct verity_error *err)
{
	unsigned attributes = MOUNT_ATTR_NODEV |
			      (plan->writable ? 0 : MOUNT_ATTR_RDONLY) |
			      (plan->nosuid ? MOUNT_ATTR_NOSUID : 0);
	cleanup_fd int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	cleanup_fd int mounted = -1;
	int r;

	if (fs < 0 ||
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", OVERLAY_STACK_SOURCE, 0) < 0)
		return fail_stack(errno, plan, NULL, err);
	r = set_options(fs, plan, err);
	if (r < 0)
		return r;
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mounted = sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	if (mounted < 0 ||
	    sys_move_mount(mounted, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_stack(errno, plan, NULL, err);
	return 0;
}

static int mount_by_string(const struct overlay_stack_plan *plan, const char *target,
			   struct verity_error *err)
{
	unsigned long flags = MS_NODEV | (plan->writable ? 0 : MS_RDONLY) |
			      (plan->nosuid ? MS_NOSUID : 0);
	cleanup_free char *options = NULL;
	int r = overlay_stack_options(plan, (size_t)sysconf(_SC_PAGESIZE), &options, err);

	if (r < 0)
		return r;
	if (mount(OVERLAY_STACK_SOURCE, target, "overlay", flags, options) == 0)
		return 0;
	return fail_stack(errno, plan, NULL, err);
}

static int check_mounted(const struct overlay_stack_plan *plan, const char *target,
			 struct verity_error *err)
{
	cleanup_with(overlay_mountinfo_free_p) struct overlay_mountinfo *info = NULL;
	int r = overlay_mountinfo_get(target, &info, err);

	if (r < 0)
		return r;
	if (strcmp(info->type, "overlay") != 0 ||
	    strcmp(info->source, OVERLAY_STACK_SOURCE) != 0)
		return verity_fail(err, VERITY_E_STACK, "%s is not covered by the stack",
				   target);
	return overlay_stack_compare(plan, info->options, err);
}

int overlay_stack_mount(const char *layers, const struct overlay_stack_plan *plan,
			const char *target, struct verity_error *err)
{
	cleanup_fd int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_free char *absolute = realpath(target, NULL);
	int r;

	if (before < 0 || !absolute)
		return verity_fail_errno(err, errno, "%s", target);
	if (chdir(layers) < 0)
		return verity_fail_errno(err, errno, "%s", layers);
	verity_debug("stack at %s: %zu layers%s", absolute, plan->count,
		     plan->writable ? ", writable" : "");
	if (!plan->by_string && takes_layers_singly())
		r = mount_by_layers(plan, absolute, err);
	else
		r = mount_by_string(plan, absolute, err);
	if (r == 0) {
		r = check_mounted(plan, absolute, err);
		if (r < 0)
			umount2(absolute, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
	/* Nothing depends on the folder we came from, should it be gone. */
	if (fchdir(before) < 0)
		(void)!chdir("/");
	return r;
}

int overlay_stack_check_depth(const char *folder, struct verity_error *err)
{
	cleanup_fd int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fs = -1;
	char lowers[64];
	struct statfs st;

	if (fd < 0 || fstatfs(fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s", folder);
	if (st.f_type != OVERLAYFS_SUPER_MAGIC)
		return 0;
	/* An overlay needs two layers: any folder that does not lie in @folder will do.
	 */
	snprintf(lowers, sizeof(lowers), "/proc/self/fd/%d:/dev", fd);
	fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", lowers, 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0 || errno != EINVAL)
		return 0; /* mounting the stack reports any other reason */
	return verity_fail(
		err, VERITY_E_STACK,
		"%s: the file system is already two overlays deep, and the kernel "
		"allows two levels: packages need one overlay at most below them",
		folder);
}

int overlay_stack_is_at(const char *target, bool *ret, struct verity_error *err)
{
	cleanup_with(overlay_mountinfo_free_p) struct overlay_mountinfo *info = NULL;
	int r = overlay_mountinfo_get(target, &info, err);

	if (r == 0)
		*ret = strcmp(info->type, "overlay") == 0 &&
		       strcmp(info->source, OVERLAY_STACK_SOURCE) == 0;
	return r;
}
