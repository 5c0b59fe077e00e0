/* SPDX-License-Identifier: MIT */
/* Attaches, stacks and unmounts, and says which packages are active. */
#include "initramfs/mount_stack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initramfs/attach.h"
#include "initramfs/hierarchies_mount.h"
#include "initramfs/log.h"
#include "overlay/stack/layers_dir.h"
#include "overlay/stack/stack.h"
#include "verity/device/block_device.h"
#include "verity/util/cleanup.h"

/* Return: whether memory replaces DATA for the changes. */
static bool replace_upper(const struct boot *boot, const char *why)
{
	if (boot->config.upper != OVERLAY_UPPER_DATA)
		return false;
	log_line(LOG_LEVEL_WARNING,
		 "upper: DATA/%s is not used: %s; changes go into memory and are lost at "
		 "the next boot",
		 boot->config.upper_folder, why);
	return true;
}

static int stack(const struct packages *packages, const struct attached *attached,
		 const struct boot *boot, struct verity_error *err)
{
	cleanup_with(hierarchies_free) struct hierarchies hierarchies = {0};
	enum overlay_upper upper = boot->config.upper;
	struct verity_error why = {0};
	int r = hierarchies_prepare(packages, attached, boot, &hierarchies, err);

	if (r < 0)
		return r;
	if (boot->conf.safe && replace_upper(boot, "safe mode"))
		upper = OVERLAY_UPPER_TMPFS;
	r = hierarchies_mount(&hierarchies, upper, &why);
	if (r < 0 && upper == OVERLAY_UPPER_DATA && replace_upper(boot, why.message))
		r = hierarchies_mount(&hierarchies, OVERLAY_UPPER_TMPFS, &why);
	if (r < 0)
		*err = why;
	return r;
}

/* The folder that a volume is, if it is one of the root's own file system. */
static bool folder_of_root(const struct boot *boot, int volume, const char *spec,
			   char ret[static PATH_MAX])
{
	char link[sizeof("/proc/self/fd/-2147483648")], root[PATH_MAX];
	struct statx of_root, of_volume;
	size_t size;
	ssize_t r;

	if (volume < 0 || spec[0] != '/' || !realpath(boot->root, root))
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", volume);
	r = readlink(link, ret, PATH_MAX - 1);
	if (r <= 0)
		return false;
	ret[r] = '\0';
	size = strcmp(root, "/") == 0 ? 0 : strlen(root);
	return strncmp(ret, root, size) == 0 && ret[size] == '/' && ret[size + 1] &&
	       statx(volume, "", AT_EMPTY_PATH, STATX_MNT_ID, &of_volume) == 0 &&
	       statx(AT_FDCWD, root, 0, STATX_MNT_ID, &of_root) == 0 &&
	       of_volume.stx_mnt_id == of_root.stx_mnt_id;
}

/*
 * DATA and PERSIST that are folders of the one root would be covered by the stack, and
 * nothing could be written to them until the next boot. Mounted onto themselves they are
 * mounts as other volumes are, and the stack keeps those.
 */
static void keep_folders(const struct boot *boot)
{
	char paths[2][PATH_MAX] = {"", ""};
	bool data = folder_of_root(boot, boot->data, boot->config.data, paths[0]);
	bool persist =
		folder_of_root(boot, boot->persist, boot->config.persist, paths[1]);
	/* The outer one first, if one is in the other. */
	size_t first = data && persist && strlen(paths[0]) > strlen(paths[1]);

	for (size_t i = 0; i < 2; i++) {
		size_t at = i ^ first;

		if ((at ? persist : data) &&
		    mount(paths[at], paths[at], NULL, MS_BIND, NULL) < 0)
			log_line(LOG_LEVEL_WARNING,
				 "%s: %s is a folder of the root, and cannot be kept "
				 "writable over it: %s",
				 at ? "persist" : "data", paths[at], strerror(errno));
	}
}

static int attach_and_stack(struct packages *packages, const struct boot *boot,
			    struct verity_error *err)
{
	cleanup_with(attach_free) struct attached attached = {0};
	struct overlay_span *steps = packages->state.steps;
	struct verity_error unused;
	int r;

	r = overlay_layers_make(boot->layers, err);
	if (r == 0 && packages->order_count > 0) {
		overlay_span_begin(&steps[OVERLAY_STEP_ATTACH]);
		r = attach_run(packages, boot->layers, &attached, err);
		overlay_span_end(&steps[OVERLAY_STEP_ATTACH]);
	}
	if (r < 0 || (attached.count == 0 && boot->config.upper == OVERLAY_UPPER_NONE))
		return r;
	overlay_span_begin(&steps[OVERLAY_STEP_STACK]);
	keep_folders(boot);
	r = stack(packages, &attached, boot, err);
	if (r == 0)
		attached.count = 0; /* the layers stay mounted */
	else if (overlay_layers_clean(boot->layers, &unused) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", unused.message);
	overlay_span_end(&steps[OVERLAY_STEP_STACK]);
	return r;
}

/* Active is what was verified, accepted, mounted and stacked, and nothing else. */
int stack_run(struct packages *packages, const struct boot *boot,
	      struct verity_error *err)
{
	struct verity_error why = {0};
	int r = 0;

	if (packages->order_count > 0 || boot->config.upper != OVERLAY_UPPER_NONE)
		r = attach_and_stack(packages, boot, &why);
	for (size_t i = 0; i < packages->state.count; i++) {
		struct boot_package *package = &packages->items[i];

		if (r < 0 && package->verified)
			packages_refuse(package, &why);
		package->state->active = package->verified != NULL;
	}
	if (r < 0)
		*err = why;
	return r;
}

int stack_clean(const char *layers, struct verity_error *err)
{
	int mounts = overlay_layers_clean(layers, err);
	int devices = mounts < 0 ? 0 : verity_device_clean(err);

	if (mounts < 0 || devices < 0)
		return -1;
	if (mounts > 0 || devices > 0)
		log_line(LOG_LEVEL_NOTICE,
			 "cleaned up after a run that was cut off: %d mounts, %d devices",
			 mounts, devices);
	return 0;
}

/*
 * The root, then each hierarchy: whether a stack of ours covers it. One that does not
 * exist is not covered.
 *
 * Return: 1 where there is a folder number @index; 0 after the last; -errno.
 */
static int find_covered(const struct overlay_config *config, const char *root,
			size_t index, char ret_target[static PATH_MAX], bool *ret_covered,
			struct verity_error *err)
{
	struct verity_error why;
	int r;

	if (index > config->hierarchies_count)
		return 0;
	snprintf(ret_target, PATH_MAX, "%s%s", root,
		 index ? config->hierarchies[index - 1] : "");
	*ret_covered = false;
	r = overlay_stack_is_at(ret_target, ret_covered, &why);
	if (r == 0 || (index > 0 && (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)))
		return 1;
	if (err)
		*err = why;
	return r;
}

int stack_take_down(const struct overlay_config *config, const char *root,
		    struct verity_error *err)
{
	char target[PATH_MAX];
	bool covered;
	int r;

	for (size_t i = 0; (r = find_covered(config, root, i, target, &covered, err)) > 0;
	     i++)
		if (covered && umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return verity_fail_errno(err, errno, "%s", target);
	return r;
}

int stack_check(const struct boot *boot, struct verity_error *err)
{
	char target[PATH_MAX];
	bool covered = false;
	int r = 1;

	for (size_t i = 0; r > 0 && !covered; i++)
		r = find_covered(&boot->config, boot->root, i, target, &covered, err);
	if (r < 0)
		return r;
	if (covered && boot_has_state(&boot->config))
		return verity_fail(err, VERITY_E_BUSY,
				   "the packages of this boot are active over %s already",
				   boot->root);
	return stack_take_down(&boot->config, boot->root, err);
}
