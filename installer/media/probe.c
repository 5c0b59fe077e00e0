/* SPDX-License-Identifier: MIT */
/* The file system on a block device, and the table of those that can be mounted. */
#include "installer/media/probe.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "installer/sandbox/sandbox.h"
#include "verity/util/cleanup.h"

#define PROBE_NONE      1
#define PROBE_AMBIGUOUS (-2)

#define MEMORY_BYTES (64UL << 20)
#define ANSWER_MS    10000 /* it has less than 1 MiB to read */
#define ERRNO_MAX    4095
#define MBR_EFI      0xef

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

/*
 * Partitions that macOS and Windows put before the one for files when they format a
 * stick: for the firmware (a vfat, too), reserved, and of their own tools.
 */
static bool is_reserved(const char *guid, int type)
{
	static const char *const guids[] = {
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", /* EFI system */
		"e3c9e316-0b5c-4db8-817d-f92df00215ae", /* Microsoft reserved */
		"de94bba4-06d1-4d40-a16a-bfd50179d6ac", /* Windows recovery */
		"426f6f74-0000-11aa-aa11-00306543ecac", /* Apple boot */
	};

	for (size_t i = 0; guid && i < sizeof(guids) / sizeof(guids[0]); i++)
		if (strcasecmp(guid, guids[i]) == 0)
			return true;
	return !guid && type == MBR_EFI;
}

/* A table that cannot be read says nothing. */
static void probe_table(int disk, unsigned number, struct media_found *ret)
{
	blkid_probe probe = blkid_new_probe();
	blkid_partition partition = NULL;
	blkid_partlist list;

	if (probe && blkid_probe_set_device(probe, disk, 0, 0) == 0 &&
	    blkid_probe_enable_superblocks(probe, 0) == 0 &&
	    blkid_probe_enable_partitions(probe, 1) == 0 &&
	    (list = blkid_probe_get_partitions(probe)))
		partition = blkid_partlist_get_partition_by_partno(list, (int)number);
	if (partition)
		ret->reserved = is_reserved(blkid_partition_get_type_string(partition),
					    blkid_partition_get_type(partition));
	blkid_free_probe(probe);
}

struct job {
	int fd;
	int disk; /* -1: it is no partition, or the disk cannot be opened */
	unsigned partition;
};

static int work(void *context, const struct sandbox_inside *inside)
{
	const struct job *job = context;
	struct media_found found = {.failure = 0};

	found.failure = -probe_fd(job->fd, &found);
	if (job->disk >= 0)
		probe_table(job->disk, job->partition, &found);
	return write(inside->out, &found, sizeof(found)) == (ssize_t)sizeof(found) ? 0
										   : 1;
}

static bool is_text(const char *text, size_t room)
{
	return memchr(text, 0, room) != NULL;
}

int media_probe_take(const struct media_found *found, struct media_item *item)
{
	if (found->failure < 0 || found->failure > ERRNO_MAX || found->reserved < 0 ||
	    found->reserved > 1 || !is_text(found->type, sizeof(found->type)) ||
	    !is_text(found->volume, sizeof(found->volume)) ||
	    !is_text(found->uuid, sizeof(found->uuid)))
		return -EBADMSG;
	if (found->failure)
		return -found->failure;
	strcpy(item->type, found->type);
	strcpy(item->volume, found->volume);
	strcpy(item->uuid, found->uuid);
	item->reserved = found->reserved;
	return 0;
}

static int probe(struct job *job, uid_t uid, gid_t gid, struct media_item *item)
{
	const struct sandbox_rules rules = {
		.uid = uid,
		.gid = gid,
		.keep = {job->fd, job->disk},
		.keep_count = job->disk < 0 ? 1 : 2,
		.memory_bytes = MEMORY_BYTES,
	};
	cleanup_with(sandbox_end_p) struct sandbox sandbox = {.from = -1, .to = -1};
	struct pollfd answer = {.events = POLLIN};
	struct media_found found;
	ssize_t count;
	int r = sandbox_start(&rules, work, job, &sandbox, NULL);

	if (r < 0)
		return r;
	answer.fd = sandbox.from;
	r = poll(&answer, 1, ANSWER_MS);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	do
		count = read(sandbox.from, &found, sizeof(found));
	while (count < 0 && errno == EINTR);
	return count == (ssize_t)sizeof(found) ? media_probe_take(&found, item) : -EIO;
}

void media_probe(const char *dev, uid_t uid, gid_t gid, struct media_item *item)
{
	struct media_item whole = {.number = item->disk_number};
	cleanup_fd int fd = -1, disk = -1;
	char first[512];
	int r = media_node_open(dev, item, &fd, NULL);

	/* blkid_do_safeprobe() takes what cannot be read for empty. */
	if (r == 0 && pread(fd, first, sizeof(first), 0) < 0)
		r = -errno;
	if (r == 0 && item->partition > 0) {
		strcpy(whole.name, item->disk);
		if (media_node_open(dev, &whole, &disk, NULL) < 0)
			disk = -1;
	}
	if (r == 0)
		r = probe(&(struct job){fd, disk, item->partition}, uid, gid, item);
	item->failure = -r;
	item->probed = r < 0 ? MEDIA_UNREADABLE : MEDIA_UNKNOWN;
	for (size_t i = 0; r == 0 && media_drivers[i].type; i++)
		if (strcmp(media_drivers[i].type, item->type) == 0)
			item->probed = MEDIA_KNOWN;
}
