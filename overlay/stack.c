/* SPDX-License-Identifier: MIT */
#include "overlay/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "overlay/mountinfo.h"
#include "verity/cleanup.h"

void overlay_stack_plan_free(struct overlay_stack_plan *plan)
{
	free(plan->names);
	plan->names = NULL;
	plan->count = 0;
}

int overlay_stack_plan_new(size_t packages, bool nosuid, struct overlay_stack_plan *ret,
			   struct verity_error *err)
{
	struct overlay_stack_plan plan = {.nosuid = nosuid};

	if (packages > OVERLAY_STACK_PACKAGES_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%zu packages are to be active, and a stack takes %d",
				   packages, OVERLAY_STACK_PACKAGES_MAX);
	plan.count = packages + 2;
	plan.names = calloc(plan.count, sizeof(*plan.names));
	if (!plan.names)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	snprintf(plan.names[0], OVERLAY_STACK_NAME_MAX, OVERLAY_STACK_ENGINE);
	for (size_t i = 1; i <= packages; i++)
		snprintf(plan.names[i], OVERLAY_STACK_NAME_MAX, "%zu", i);
	snprintf(plan.names[packages + 1], OVERLAY_STACK_NAME_MAX, OVERLAY_STACK_ROOT);
	*ret = plan;
	return 0;
}

int overlay_stack_options(const struct overlay_stack_plan *plan, size_t room, char **ret,
			  struct verity_error *err)
{
	cleanup_free char *text = malloc(room);
	size_t used = 0;

	if (!text)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < plan->count; i++) {
		int n = snprintf(text + used, room - used, "%s%s",
				 i ? ":" : "lowerdir=", plan->names[i]);

		if (n < 0 || (size_t)n >= room - used)
			return verity_fail(err, VERITY_E_TOO_MANY,
					   "the mount options of %zu layers are longer "
					   "than the %zu bytes that this kernel takes",
					   plan->count, room - 1);
		used += (size_t)n;
	}
	*ret = steal_ptr(&text);
	return 0;
}

/* The next name out of "lowerdir=a:b:c" or of "lowerdir+=a,lowerdir+=b". */
static bool next_name(const char **at, char ret[static OVERLAY_STACK_NAME_MAX])
{
	static const char *const keys[] = {"lowerdir=", "lowerdir+="};
	size_t size;

	for (; **at; (*at)++) {
		const char *name = NULL;

		if (**at == ':')
			name = *at + 1;
		for (size_t i = 0; !name && i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strncmp(*at, keys[i], strlen(keys[i])) == 0)
				name = *at + strlen(keys[i]);
		if (!name)
			continue;
		size = strcspn(name, ":,");
		snprintf(ret, OVERLAY_STACK_NAME_MAX, "%.*s",
			 size < OVERLAY_STACK_NAME_MAX ? (int)size : 0, name);
		*at = name + size;
		return true;
	}
	return false;
}

int overlay_stack_compare(const struct overlay_stack_plan *plan, const char *options,
			  struct verity_error *err)
{
	char name[OVERLAY_STACK_NAME_MAX];

	for (size_t i = 0; i < plan->count; i++)
		if (!next_name(&options, name) || strcmp(name, plan->names[i]) != 0)
			return verity_fail(err, VERITY_E_STACK,
					   "the kernel did not stack layer %zu of %zu as "
					   "planned",
					   i + 1, plan->count);
	if (next_name(&options, name))
		return verity_fail(err, VERITY_E_STACK,
				   "the kernel stacked more than the %zu layers planned",
				   plan->count);
	return 0;
}

/*
 * Whether this kernel can be told its layers one at a time. Before 6.5 overlayfs keeps
 * whatever it is told and complains about it in the kernel log, at the end: such a kernel
 * is known by its keeping a word that nobody knows.
 */
static bool takes_layers_singly(const char *layer)
{
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	return fs >= 0 && fsconfig(fs, FSCONFIG_SET_FLAG, "wmopkg", NULL, 0) < 0 &&
	       fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", layer, 0) == 0;
}

static int fail_stack(int why, const struct overlay_stack_plan *plan,
		      struct verity_error *err)
{
	if (why == ENODEV)
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "the kernel has no overlayfs (CONFIG_OVERLAY_FS)");
	verity_fail_errno(err, why, "%zu layers cannot be stacked", plan->count);
	if (err)
		err->code = VERITY_E_STACK;
	return -why;
}

static int mount_by_layers(const struct overlay_stack_plan *plan, const char *target,
			   struct verity_error *err)
{
	unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV |
			      (plan->nosuid ? MOUNT_ATTR_NOSUID : 0);
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	cleanup_fd int mounted = -1;

	int r = fs < 0 ? -1 : 0;

	if (r == 0)
		r = fsconfig(fs, FSCONFIG_SET_STRING, "source", OVERLAY_STACK_SOURCE, 0);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", plan->names[i], 0);
	if (r == 0)
		r = fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	if (r == 0)
		r = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r == 0)
		mounted = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	if (mounted < 0 ||
	    move_mount(mounted, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_stack(errno, plan, err);
	return 0;
}

static int mount_by_string(const struct overlay_stack_plan *plan, const char *target,
			   struct verity_error *err)
{
	unsigned long flags = MS_RDONLY | MS_NODEV | (plan->nosuid ? MS_NOSUID : 0);
	cleanup_free char *options = NULL;
	int r = overlay_stack_options(plan, (size_t)sysconf(_SC_PAGESIZE), &options, err);

	if (r < 0)
		return r;
	if (mount(OVERLAY_STACK_SOURCE, target, "overlay", flags, options) == 0)
		return 0;
	return fail_stack(errno, plan, err);
}

static int check_mounted(const struct overlay_stack_plan *plan, const char *target,
			 struct verity_error *err)
{
	struct overlay_mountinfo *info = NULL;
	int r = overlay_mountinfo_get(target, &info, err);

	if (r < 0)
		return r;
	if (strcmp(info->type, "overlay") != 0 ||
	    strcmp(info->source, OVERLAY_STACK_SOURCE) != 0)
		r = verity_fail(err, VERITY_E_STACK, "%s is not covered by the stack",
				target);
	else
		r = overlay_stack_compare(plan, info->options, err);
	overlay_mountinfo_free(info);
	return r;
}

static int mount_here(const struct overlay_stack_plan *plan, const char *target,
		      struct verity_error *err)
{
	int r;

	if (takes_layers_singly(plan->names[0]))
		r = mount_by_layers(plan, target, err);
	else
		r = mount_by_string(plan, target, err);
	if (r < 0)
		return r;
	r = check_mounted(plan, target, err);
	if (r < 0)
		umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
	return r;
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
	r = mount_here(plan, absolute, err);
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
