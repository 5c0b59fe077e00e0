/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "initramfs/mount_stack.h"
#include "overlay/stack/stack.h"

static bool state_exists(const struct boot *boot)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_STATE_FILE, boot->config.run);
	return access(path, F_OK) == 0;
}

/* Place number @index that a stack may cover; false after the last. */
static bool target_at(const struct overlay_config *config, const char *root, size_t index,
		      char ret[static PATH_MAX])
{
	if (index > config->hierarchies_count)
		return false;
	snprintf(ret, PATH_MAX, "%s%s", root,
		 index ? config->hierarchies[index - 1] : "");
	return true;
}

/* A hierarchy that is not there is not covered. */
static int is_covered(const char *target, size_t index, bool *ret,
		      struct verity_error *err)
{
	struct verity_error why;
	int r = overlay_stack_is_at(target, ret, &why);

	if (r < 0 && (index == 0 || (r != -ENOENT && r != -ENOTDIR && r != -ELOOP))) {
		if (err)
			*err = why;
		return r;
	}
	return 0;
}

int stacking_take_down(const struct overlay_config *config, const char *root,
		       struct verity_error *err)
{
	char target[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && target_at(config, root, i, target); i++) {
		bool covered = false;

		r = is_covered(target, i, &covered, err);
		if (r == 0 && covered &&
		    umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			r = verity_fail_errno(err, errno, "%s", target);
	}
	return r;
}

int stacking_check(const struct boot *boot, struct verity_error *err)
{
	char target[PATH_MAX];
	bool covered = false;
	int r = 0;

	for (size_t i = 0;
	     r == 0 && !covered && target_at(&boot->config, boot->root, i, target); i++)
		r = is_covered(target, i, &covered, err);
	if (r < 0)
		return r;
	if (covered && state_exists(boot))
		return verity_fail(err, VERITY_E_BUSY,
				   "the packages of this boot are active over %s already",
				   boot->root);
	return stacking_take_down(&boot->config, boot->root, err);
}
