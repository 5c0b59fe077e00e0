/* SPDX-License-Identifier: MIT */
#include "installer/media/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "installer/media/probe.h"
#include "overlay/fs/mnt.h"
#include "verity/util/cleanup.h"

#define DEV "/dev"

/*
 * How the kernel is asked for a file system. ext4 reads all three of its kind; it must
 * neither replay the journal, which is writing, nor do what the file system itself
 * wants to happen on an error, which may be a panic.
 */
struct driver {
	const char *type;   /* as libblkid calls the file system */
	const char *name;   /* the kernel's */
	const char *option; /* of the kernel's configuration */
	const char *flag;   /* NULL: none */
	const char *errors; /* NULL: none */
};

static const struct driver drivers[] = {
	{"vfat", "vfat", "CONFIG_VFAT_FS", "utf8", NULL},
	{"exfat", "exfat", "CONFIG_EXFAT_FS", NULL, NULL},
	{"ext2", "ext4", "CONFIG_EXT4_FS", "noload", "remount-ro"},
	{"ext3", "ext4", "CONFIG_EXT4_FS", "noload", "remount-ro"},
	{"ext4", "ext4", "CONFIG_EXT4_FS", "noload", "remount-ro"},
	/* for kernels without ext4 */
	{"ext2", "ext2", "CONFIG_EXT2_FS", NULL, "remount-ro"},
};

#define DRIVER_COUNT (sizeof(drivers) / sizeof(drivers[0]))

static int fail_permission(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_PERMISSION, "one must be root to mount it");
}

/* The first driver for @type that this kernel has. */
static int open_context(const char *type, const struct driver **ret_driver, int *ret,
			struct verity_error *err)
{
	const struct driver *first = NULL;

	for (size_t i = 0; i < DRIVER_COUNT; i++) {
		int fd;

		if (strcmp(drivers[i].type, type) != 0)
			continue;
		fd = fsopen(drivers[i].name, FSOPEN_CLOEXEC);
		if (fd >= 0) {
			*ret_driver = &drivers[i];
			*ret = fd;
			return 0;
		}
		if (errno == EPERM)
			return fail_permission(err);
		if (errno == ENOSYS)
			return verity_fail(err, VERITY_E_KERNEL_FEATURE,
					   "this kernel has no fsopen(): media take "
					   "Linux 5.6");
		if (errno != ENODEV)
			return verity_fail_errno(err, errno, "fsopen");
		if (!first)
			first = &drivers[i];
	}
	return verity_fail(err, VERITY_E_KERNEL_FEATURE,
			   "this kernel cannot read %s: it lacks %s", type,
			   first ? first->option : "a driver");
}

static int fail_mount(int why, struct verity_error *err)
{
	char text[128];

	if (why == EPERM || why == EACCES)
		return fail_permission(err);
	if (why == EBUSY) {
		verity_fail(err, VERITY_E_BUSY, "it is in use, and cannot be mounted");
		return -EBUSY;
	}
	return verity_fail(
		err, VERITY_E_MOUNT,
		"the file system cannot be mounted, it is damaged or the kernel "
		"does not know all of it: %s",
		strerror_r(why, text, sizeof(text)));
}

/* The number of the descriptor is as good as a name, and nobody can put another device
 * under it. */
static int mount_fd(int device, const char *type, int *ret, struct verity_error *err)
{
	const struct driver *driver = NULL;
	cleanup_fd int context = -1;
	char source[64];
	int mounted;
	int r = open_context(type, &driver, &context, err);

	if (r < 0)
		return r;
	snprintf(source, sizeof(source), "/proc/self/fd/%d", device);
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
	    (driver->flag &&
	     fsconfig(context, FSCONFIG_SET_FLAG, driver->flag, NULL, 0) < 0) ||
	    (driver->errors &&
	     fsconfig(context, FSCONFIG_SET_STRING, "errors", driver->errors, 0) < 0) ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_mount(errno, err);
	mounted = fsmount(context, FSMOUNT_CLOEXEC,
			  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
				  MOUNT_ATTR_NOEXEC);
	if (mounted < 0)
		return fail_mount(errno, err);
	*ret = mounted;
	return 0;
}

/*
 * Where somebody has it mounted for writing, the kernel mounts it no second time for
 * reading alone. Nothing is written there by us.
 */
static int open_mounted(dev_t number, int *ret)
{
	cleanup_with(mnt_unref_table_p) struct libmnt_table *table =
		mnt_new_table_from_file("/proc/self/mountinfo");
	cleanup_with(mnt_free_iter_p) struct libmnt_iter *iter =
		mnt_new_iter(MNT_ITER_BACKWARD);
	struct libmnt_fs *fs;

	while (table && iter && mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *root = mnt_fs_get_root(fs);
		cleanup_fd int fd = -1;
		struct stat st;

		if (mnt_fs_get_devno(fs) != number || !root || strcmp(root, "/") != 0)
			continue;
		fd = open(mnt_fs_get_target(fs), O_PATH | O_DIRECTORY | O_CLOEXEC);
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
