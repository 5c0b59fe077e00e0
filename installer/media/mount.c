/* SPDX-License-Identifier: MIT */
/* Mounting a medium with fsopen() and fsmount(). */
#include "installer/media/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "installer/media/probe.h"
#include "overlay/fs/mounts.h"
#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

#define DEV "/dev"

static int fail_mount(int why, struct verity_error *err)
{
	char text[128];

	switch (why) {
	case EPERM:
	case EACCES:
		return verity_fail(err, VERITY_E_PERMISSION, "only root can mount it");
	case ENOSYS:
		return verity_fail(err, VERITY_E_KERNEL_FEATURE,
				   "this kernel has no fsopen(): media need Linux 5.6");
	case EBUSY:
		verity_fail(err, VERITY_E_BUSY, "it is in use, and cannot be mounted");
		return -EBUSY;
	default:
		return verity_fail(err, VERITY_E_MOUNT,
				   "the file system cannot be mounted, it is damaged or "
				   "the kernel does not support all of it: %s",
				   verity_errno_text(why, text, sizeof(text)));
	}
}

/* The first driver for @type that this kernel has. */
static int open_context(const char *type, const struct media_driver **ret_driver,
			int *ret, struct verity_error *err)
{
	const char *option = NULL;

	for (const struct media_driver *driver = media_drivers; driver->type; driver++) {
		int fd;

		if (strcmp(driver->type, type) != 0)
			continue;
		fd = sys_fsopen(driver->name, FSOPEN_CLOEXEC);
		if (fd >= 0) {
			*ret_driver = driver;
			*ret = fd;
			return 0;
		}
		if (errno != ENODEV)
			return errno == EPERM || errno == ENOSYS
				       ? fail_mount(errno, err)
				       : verity_fail_errno(err, errno, "fsopen");
		option = option ?: driver->option;
	}
	return verity_fail(err, VERITY_E_KERNEL_FEATURE,
			   "this kernel cannot read %s: it lacks %s", type,
			   option ?: "a driver");
}

/* By the number of the descriptor: no other device can take the place of its name. */
static int mount_fd(int device, const char *type, int *ret, struct verity_error *err)
{
	const struct media_driver *driver = NULL;
	cleanup_fd int context = -1;
	char source[64];
	int mounted;
	int r = open_context(type, &driver, &context, err);

	if (r < 0)
		return r;
	snprintf(source, sizeof(source), "/proc/self/fd/%d", device);
	if (sys_fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
	    sys_fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    (driver->flag &&
	     sys_fsconfig(context, FSCONFIG_SET_FLAG, driver->flag, NULL, 0) < 0) ||
	    (driver->errors && sys_fsconfig(context, FSCONFIG_SET_STRING, "errors",
					    driver->errors, 0) < 0) ||
	    sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_mount(errno, err);
	mounted = sys_fsmount(context, FSMOUNT_CLOEXEC,
			      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
				      MOUNT_ATTR_NOEXEC);
	if (mounted < 0)
		return fail_mount(errno, err);
	*ret = mounted;
	return 0;
}

/*
 * If it is mounted for writing, the kernel does not mount it a second time for reading.
 * Nothing is written there by us.
 */
static int open_mounted(dev_t number, int *ret)
{
	cleanup_with(overlay_mounts_free) struct overlay_mounts mounts = {.count = 0};

	if (overlay_mounts_read(OVERLAY_MOUNTINFO, &mounts) < 0)
		return -ENOENT;
	for (size_t i = mounts.count; i-- > 0;) {
		const struct overlay_mount *mount = &mounts.items[i];
		cleanup_fd int fd = -1;
		struct stat st;

		if (mount->device != number || strcmp(mount->root, "/") != 0)
			continue;
		fd = open(mount->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
		/* another one may be mounted over it */
		if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != number)
			continue;
		*ret = steal_fd(&fd);
		return 0;
	}
	return -ENOENT;
}

int media_mount(const struct media_item *item, int *ret, struct verity_error *err)
{
	cleanup_fd int device = -1;
	int r = media_node_open(DEV, item, &device, err);

	if (r == 0)
		r = mount_fd(device, item->type, ret, err);
	if (r == -EBUSY && open_mounted(item->number, ret) == 0)
		return 0;
	return r;
}
