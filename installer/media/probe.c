/* SPDX-License-Identifier: MIT */
/* The file system on a block device, and the table of those that can be mounted. */
#include "installer/media/probe.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/util/cleanup.h"

#define PROBE_NONE      1
#define PROBE_AMBIGUOUS (-2)

/*
 * ext4 reads all three of its kind. It must not replay the journal, which is a write, nor
 * react to an error as the file system itself demands, which may be a panic.
 */
const struct media_driver media_drivers[] = {
	{"vfat", "vfat", "CONFIG_VFAT_FS", "utf8", NULL},
	{"exfat", "exfat", "CONFIG_EXFAT_FS", NULL, NULL},
	{"ext2", "ext4", "CONFIG_EXT4_FS", "noload", "remount-ro"},
	{"ext3", "ext4", "CONFIG_EXT4_FS", "noload", "remount-ro"},
	{"ext4", "ext4", "CONFIG_EXT4_FS", "noload", "remount-ro"},
	/* for kernels without ext4 */
	{"ext2", "ext2", "CONFIG_EXT2_FS", NULL, "remount-ro"},
	{.type = NULL},
};

int media_node_open(const char *dev, const struct media_item *item, int *ret,
		    struct verity_error *err)
{
	cleanup_fd int fd = -1;
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dev, item->name);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return verity_fail(err, VERITY_E_PERMISSION,
				   "%s: only root can read media", path);
	if (fd < 0)
		return verity_fail_errno(err, errno, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISBLK(st.st_mode) || st.st_rdev != item->number) {
		verity_fail(err, VERITY_E_DEVICE,
			    "%s is not the block device that the kernel calls %s", path,
			    item->name);
		return -ENODEV;
	}
	*ret = steal_fd(&fd);
	return 0;
}

static int probe_fd(int fd, struct media_item *item)
{
	const struct {
		const char *name;
		char *ret;
		size_t size;
	} values[] = {
		{"TYPE", item->type, sizeof(item->type)},
		{"LABEL", item->volume, sizeof(item->volume)},
		{"UUID", item->uuid, sizeof(item->uuid)},
	};
	blkid_probe probe = blkid_new_probe();
	const char *value;
	int r = -ENOMEM;

	if (probe && blkid_probe_set_device(probe, fd, 0, 0) == 0 &&
	    blkid_probe_enable_superblocks(probe, 1) == 0 &&
	    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE |
							     BLKID_SUBLKS_LABEL |
							     BLKID_SUBLKS_UUID) == 0) {
		errno = 0;
		r = blkid_do_safeprobe(probe);
		if (r == PROBE_NONE || r == PROBE_AMBIGUOUS)
			r = 0;
		else if (r < 0)
			r = errno ? -errno : -EIO;
		else
			for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
				if (blkid_probe_lookup_value(probe, values[i].name,
							     &value, NULL) == 0)
					snprintf(values[i].ret, values[i].size, "%s",
						 value);
	}
	blkid_free_probe(probe);
	return r;
}

void media_probe(const char *dev, struct media_item *item)
{
	cleanup_fd int fd = -1;
	char first[512];
	int r = media_node_open(dev, item, &fd, NULL);

	/* blkid_do_safeprobe() takes what cannot be read for empty. */
	if (r == 0 && pread(fd, first, sizeof(first), 0) < 0)
		r = -errno;
	if (r == 0)
		r = probe_fd(fd, item);
	item->failure = -r;
	item->probed = r < 0 ? MEDIA_UNREADABLE : MEDIA_UNKNOWN;
	for (size_t i = 0; r == 0 && media_drivers[i].type; i++)
		if (strcmp(media_drivers[i].type, item->type) == 0)
			item->probed = MEDIA_KNOWN;
}
