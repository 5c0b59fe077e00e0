/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "initramfs/stacking.h"
#include "overlay/stack.h"

static bool state_exists(const struct boot *boot)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_STATE_FILE, boot->config.run);
	return access(path, F_OK) == 0;
}

/* What is not there is not covered. */
static int check_target(const struct boot *boot, const char *target,
			struct verity_error *err)
{
	enum overlay_stack_found found = OVERLAY_STACK_NONE;
	int r = overlay_stack_find(target, &found, err);

	if ((r == -ENOENT || r == -ENOTDIR || r == -ELOOP) && target != boot->root)
		return 0;
	if (r < 0 || found != OVERLAY_STACK_OURS)
		return r;
	if (state_exists(boot))
		return verity_fail(err, VERITY_E_BUSY,
				   "the packages of this boot are active over %s already",
				   boot->root);
	if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return verity_fail_errno(err, errno, "%s", target);
	return 0;
}

int stacking_check(const struct boot *boot, struct verity_error *err)
{
	char target[PATH_MAX];
	int r = check_target(boot, boot->root, err);

	for (size_t i = 0; r == 0 && i < boot->config.hierarchies_count; i++) {
		snprintf(target, sizeof(target), "%s%s", boot->root,
			 boot->config.hierarchies[i]);
		r = check_target(boot, target, err);
	}
	return r;
}
