/* SPDX-License-Identifier: MIT */
/* Attaches, stacks and unmounts, and says which packages are active. */
#include "initramfs/mount_stack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initramfs/attach.h"
#include "initramfs/hierarchies_mount.h"
#include "initramfs/log.h"
#include "overlay/stack/layers_dir.h"
#include "overlay/stack/search.h"
#include "overlay/stack/stack.h"
#include "verity/device/block_device.h"
#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

/* With another upper where that of DATA cannot be used. */
static int mount_all(struct hierarchies *hierarchies, bool tell, struct verity_error *err)
{
	const struct boot *boot = hierarchies->boot;
	enum overlay_upper upper = boot->config.upper;
	const char *safe = boot->conf.safe ? "safe mode" : NULL;
	struct verity_error why = {0};
	int r = -1;

	if (!safe || upper != OVERLAY_UPPER_DATA)
		r = hierarchies_mount(hierarchies, upper, &why);
	if (r < 0 && upper == OVERLAY_UPPER_DATA) {
		if (tell)
			log_line(LOG_LEVEL_WARNING,
				 "upper: DATA/%s is not used: %s; changes go into memory "
				 "and are lost at the next boot",
				 boot->config.upper_folder, safe ? safe : why.message);
		r = hierarchies_mount(hierarchies, OVERLAY_UPPER_TMPFS, &why);
	}
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
	       sys_statx(volume, "", AT_EMPTY_PATH, STATX_MNT_ID, &of_volume) == 0 &&
	       sys_statx(AT_FDCWD, root, 0, STATX_MNT_ID, &of_root) == 0 &&
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

struct search {
	struct hierarchies *hierarchies;
	struct verity_error why; /* of the last try that failed */
};

static bool try_stack(void *context)
{
	struct search *search = context;
	struct verity_error why;
	int r = hierarchies_fill(search->hierarchies, &why);

	if (r == 0)
		r = mount_all(search->hierarchies, false, &why);
	if (r == 0)
		hierarchies_unmount(search->hierarchies);
	else
		search->why = why;
	return r == 0;
}

/*
 * Leave out the layers that no stack can be made with, if there are any.
 *
 * Return: how many; 0: the failure is not one of the layers.
 */
static int leave_out_failing(struct hierarchies *hierarchies, struct verity_error *err)
{
	struct attached *attached = hierarchies->attached;
	struct search tries = {.hierarchies = hierarchies};
	cleanup_free bool *before = calloc(attached->count + 1, sizeof(*before));
	cleanup_free size_t *line = calloc(attached->count + 1, sizeof(*line));
	struct overlay_search search = {.line = line,
					.left_out = attached->left_out,
					.try = try_stack,
					.context = &tries};
	struct verity_error why;
	int count = 0;

	if (!before || !line)
		return verity_no_memory(err);
	for (size_t i = 0; i < attached->count; i++)
		before[i] = attached->left_out[i];
	for (unsigned rank = 0; rank < BOOT_RANKS; rank++)
		for (size_t i = 0; i < attached->count; i++)
			if (!before[i] &&
			    attached->packages[i]->rank == (enum boot_rank)rank)
				line[search.count++] = i;
	hierarchies->probe = true;
	(void)overlay_search_run(&search);
	hierarchies->probe = false;
	verity_fail(&why, VERITY_E_STACK,
		    "it is left out, as the stack fails with it: %s", tries.why.message);
	for (size_t i = 0; i < attached->count; i++) {
		if (before[i] || !attached->left_out[i])
			continue;
		attach_leave_out(attached, i, &why);
		count++;
	}
	return count;
}

/*
 * Leave out what needs a package that could not be mounted, or was left out since.
 *
 * Return: how many.
 */
static int leave_out_related(struct packages *packages, struct attached *attached,
			     struct verity_error *err)
{
	struct verity_error why;
	int count = 0;

	if (packages_relate(packages, err) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < attached->count; i++) {
		if (attached->left_out[i] || attached->packages[i]->verified)
			continue;
		why = attached->packages[i]->state->reason;
		attach_leave_out(attached, i, &why);
		count++;
	}
	return count;
}

/*
 * Fill the hierarchies with what blocks no mount. One that goes may let another one be
 * seen that blocks as well, and takes those with it that need it.
 */
static int fill(struct packages *packages, struct hierarchies *hierarchies,
		struct verity_error *err)
{
	int r = 0, left_out;

	do {
		r = hierarchies_fill(hierarchies, err);
		if (r == 0)
			r = hierarchies_leave_out_blockers(hierarchies, err);
		if (r < 0)
			return r;
		left_out = leave_out_related(packages, hierarchies->attached, err);
		if (left_out < 0)
			return left_out;
	} while (r + left_out > 0);
	return 0;
}

static int stack(struct packages *packages, struct attached *attached,
		 const struct boot *boot, struct verity_error *err)
{
	cleanup_with(hierarchies_free) struct hierarchies hierarchies = {0};
	int r = hierarchies_prepare(attached, boot, &hierarchies, err);

	if (r == 0)
		r = fill(packages, &hierarchies, err);
	while (r == 0) {
		int left_out;

		if (attach_stacks(attached, NULL) == 0 &&
		    boot->config.upper == OVERLAY_UPPER_NONE)
			return 0;
		r = mount_all(&hierarchies, true, err);
		if (r == 0)
			break;
		left_out = leave_out_failing(&hierarchies, err);
		if (left_out > 0)
			r = fill(packages, &hierarchies, err);
		else
			break;
	}
	if (r == 0)
		hierarchies_tell(&hierarchies);
	return r;
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
		if (r == 0 && leave_out_related(packages, &attached, err) < 0)
			r = -ENOMEM;
		overlay_span_end(&steps[OVERLAY_STEP_ATTACH]);
	}
	if (r < 0 || (attached.count == 0 && boot->config.upper == OVERLAY_UPPER_NONE))
		return r;
	overlay_span_begin(&steps[OVERLAY_STEP_STACK]);
	keep_folders(boot);
	r = stack(packages, &attached, boot, err);
	if (r == 0 && (attach_stacks(&attached, NULL) > 0 ||
		       boot->config.upper != OVERLAY_UPPER_NONE))
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
