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

#include "installer/sandbox/sandbox.h"
#include "verity/util/cleanup.h"

#define PROBE_NONE      1
#define PROBE_AMBIGUOUS (-2)

#define MEMORY_BYTES (64UL << 20)
#define ERRNO_MAX    4095

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

/* In a process without rights: what is read here was written by a stranger. */
static int probe_fd(int fd, struct media_found *ret)
{
	const struct {
		const char *name;
		char *ret;
		size_t size;
	} values[] = {
		{"TYPE", ret->type, sizeof(ret->type)},
		{"LABEL", ret->volume, sizeof(ret->volume)},
		{"UUID", ret->uuid, sizeof(ret->uuid)},
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

static int work(void *context, const struct sandbox_inside *inside)
{
	struct media_found found = {.failure = 0};

	found.failure = -probe_fd(*(const int *)context, &found);
	return write(inside->out, &found, sizeof(found)) == (ssize_t)sizeof(found) ? 0
										   : 1;
}

static bool is_text(const char *text, size_t room)
{
	return memchr(text, 0, room) != NULL;
}

int media_probe_take(const struct media_found *found, struct media_item *item)
{
	if (found->failure < 0 || found->failure > ERRNO_MAX ||
	    !is_text(found->type, sizeof(found->type)) ||
	    !is_text(found->volume, sizeof(found->volume)) ||
	    !is_text(found->uuid, sizeof(found->uuid)))
		return -EBADMSG;
	if (found->failure)
		return -found->failure;
	strcpy(item->type, found->type);
	strcpy(item->volume, found->volume);
	strcpy(item->uuid, found->uuid);
	return 0;
}

static int probe(int fd, uid_t uid, gid_t gid, struct media_item *item)
{
	const struct sandbox_rules rules = {
		.uid = uid,
		.gid = gid,
		.keep = {fd},
		.keep_count = 1,
		.memory_bytes = MEMORY_BYTES,
	};
	cleanup_with(sandbox_end_p) struct sandbox sandbox = {.from = -1, .to = -1};
	struct media_found found;
	ssize_t count;
	int r = sandbox_start(&rules, work, &fd, &sandbox, NULL);

	if (r < 0)
		return r;
	do
		count = read(sandbox.from, &found, sizeof(found));
	while (count < 0 && errno == EINTR);
	return count == (ssize_t)sizeof(found) ? media_probe_take(&found, item) : -EIO;
}

void media_probe(const char *dev, uid_t uid, gid_t gid, struct media_item *item)
{
	cleanup_fd int fd = -1;
	char first[512];
	int r = media_node_open(dev, item, &fd, NULL);

	/* blkid_do_safeprobe() takes what cannot be read for empty. */
	if (r == 0 && pread(fd, first, sizeof(first), 0) < 0)
		r = -errno;
	if (r == 0)
		r = probe(fd, uid, gid, item);
	item->failure = -r;
	item->probed = r < 0 ? MEDIA_UNREADABLE : MEDIA_UNKNOWN;
	for (size_t i = 0; r == 0 && media_drivers[i].type; i++)
		if (strcmp(media_drivers[i].type, item->type) == 0)
			item->probed = MEDIA_KNOWN;
}
