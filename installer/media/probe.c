/* SPDX-License-Identifier: MIT */
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

static void blkid_free_probe_p(blkid_probe *probe)
{
	if (*probe)
		blkid_free_probe(*probe);
}

bool media_type_known(const char *type)
{
	static const char *const known[] = {"vfat", "exfat", "ext2", "ext3", "ext4"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i], type) == 0)
			return true;
	return false;
}

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
				   "%s: one must be root to read media", path);
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

static void take_value(blkid_probe probe, const char *name, char *ret, size_t room)
{
	const char *value;
	size_t size; /* with the ending 0 */

	if (blkid_probe_lookup_value(probe, name, &value, &size) == 0)
		snprintf(ret, room, "%s", value);
}

static int probe_fd(int fd, struct media_item *item)
{
	cleanup_with(blkid_free_probe_p) blkid_probe probe = blkid_new_probe();
	int r;

	if (!probe || blkid_probe_set_device(probe, fd, 0, 0) < 0 ||
	    blkid_probe_enable_superblocks(probe, 1) < 0 ||
	    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE |
							     BLKID_SUBLKS_LABEL |
							     BLKID_SUBLKS_UUID) < 0)
		return -ENOMEM;
	errno = 0;
	r = blkid_do_safeprobe(probe);
	if (r == PROBE_NONE || r == PROBE_AMBIGUOUS)
		return 0;
	if (r < 0)
		return errno ? -errno : -EIO;
	take_value(probe, "TYPE", item->type, sizeof(item->type));
	take_value(probe, "LABEL", item->volume, sizeof(item->volume));
	take_value(probe, "UUID", item->uuid, sizeof(item->uuid));
	return 0;
}

/* blkid_do_safeprobe() takes what cannot be read for what is not there. */
static int check_readable(int fd)
{
	char first[512];

	return pread(fd, first, sizeof(first), 0) < 0 ? -errno : 0;
}

void media_probe(const char *dev, struct media_item *item)
{
	cleanup_fd int fd = -1;
	int r = media_node_open(dev, item, &fd, NULL);

	if (r == 0)
		r = check_readable(fd);
	if (r == 0)
		r = probe_fd(fd, item);
	item->failure = -r;
	item->probed = r < 0                          ? MEDIA_UNREADABLE
		       : media_type_known(item->type) ? MEDIA_KNOWN
						      : MEDIA_UNKNOWN;
}
