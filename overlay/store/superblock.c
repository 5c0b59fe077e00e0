/* SPDX-License-Identifier: MIT */
/* Decodes the super blocks of ext2, ext3, ext4, btrfs and f2fs, as far as they name
 * devices, or have the mount wait for other hosts. */
#include "overlay/store/superblock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/le32.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ext2, ext3, ext4 */
#define EXT_AT               1024
#define EXT_BYTES            1024
#define EXT_MAGIC            0x38 /* 16 bits */
#define EXT_COMPAT           0x5c
#define EXT_INCOMPAT         0x60
#define EXT_JOURNAL_INODE    0xe0
#define EXT_JOURNAL_DEVICE   0xe4
#define EXT_OPTIONS          0x200 /* of mount, which the kernel obeys */
#define EXT_OPTIONS_BYTES    64
#define EXT_HAS_JOURNAL      0x4
#define EXT_IS_JOURNAL       0x8
#define EXT_MMP              0x100      /* "multiple mount protection" */
#define EXT_OPTION_OF_DEVICE "journal_" /* journal_dev=, journal_path= */

#define BTRFS_AT        65536
#define BTRFS_MAGIC     0x40
#define BTRFS_DEVICES   0x88 /* their number, 64 bits */
#define BTRFS_MAGIC_IS  "_BHRfS_M"
#define BTRFS_BYTES_MIN (BTRFS_AT + BTRFS_DEVICES + 8)

#define F2FS_AT         1024
#define F2FS_BYTES      3072
#define F2FS_MAGIC      0xf2f52010
#define F2FS_DEVICES    2201
#define F2FS_DEVICE     68 /* bytes of each: a path, and a number of segments */
#define F2FS_DEVICE_MAX 8

_Static_assert(65536 + F2FS_AT + F2FS_BYTES <= OVERLAY_SUPERBLOCK_BYTES, "f2fs");
_Static_assert(BTRFS_BYTES_MIN <= OVERLAY_SUPERBLOCK_BYTES, "btrfs");

enum verdict {
	ALONE,
	ELSEWHERE, /* a part of it is on another device */
	WAITS,     /* its mount waits for other hosts, as long as it says */
	NOT_THERE, /* no super block of that type */
};

static enum verdict judge_ext(const uint8_t *bytes, size_t size)
{
	const uint8_t *super;
	uint32_t compat, incompat, inode, device;

	if (size < EXT_AT + EXT_BYTES)
		return NOT_THERE;
	super = bytes + EXT_AT;
	if ((verity_le32_get(super + EXT_MAGIC) & 0xffff) != 0xef53)
		return NOT_THERE;
	compat = verity_le32_get(super + EXT_COMPAT);
	incompat = verity_le32_get(super + EXT_INCOMPAT);
	inode = verity_le32_get(super + EXT_JOURNAL_INODE);
	device = verity_le32_get(super + EXT_JOURNAL_DEVICE);
	if ((incompat & EXT_IS_JOURNAL) ||
	    ((compat & EXT_HAS_JOURNAL) && (inode == 0 || device != 0)) ||
	    memmem(super + EXT_OPTIONS, EXT_OPTIONS_BYTES, EXT_OPTION_OF_DEVICE,
		   strlen(EXT_OPTION_OF_DEVICE)))
		return ELSEWHERE;
	return incompat & EXT_MMP ? WAITS : ALONE;
}

static enum verdict judge_btrfs(const uint8_t *bytes, size_t size)
{
	const uint8_t *super;

	if (size < BTRFS_BYTES_MIN)
		return NOT_THERE;
	super = bytes + BTRFS_AT;
	if (memcmp(super + BTRFS_MAGIC, BTRFS_MAGIC_IS, strlen(BTRFS_MAGIC_IS)) != 0)
		return NOT_THERE;
	if (verity_le32_get(super + BTRFS_DEVICES) > 1 ||
	    verity_le32_get(super + BTRFS_DEVICES + 4) != 0)
		return ELSEWHERE;
	return ALONE;
}

/*
 * The kernel takes the first copy that is valid. The second one is in the next block,
 * which is as large as a page of the kernel.
 */
static enum verdict judge_f2fs(const uint8_t *bytes, size_t size)
{
	static const size_t blocks[] = {0, 4096, 8192, 16384, 32768, 65536};
	enum verdict verdict = NOT_THERE;

	for (size_t i = 0; i < COUNT(blocks); i++) {
		const uint8_t *super;

		if (size < blocks[i] + F2FS_AT + F2FS_BYTES)
			break;
		super = bytes + blocks[i] + F2FS_AT;
		if (verity_le32_get(super) != F2FS_MAGIC)
			continue;
		verdict = ALONE;
		for (size_t j = 0; j < F2FS_DEVICE_MAX; j++)
			if (super[F2FS_DEVICES + j * F2FS_DEVICE])
				return ELSEWHERE;
	}
	return verdict;
}

/*
 * All types that are mounted. A type without a function has no way to name a device in
 * its super block: xfs has its log and its realtime part elsewhere only by an option of
 * mount. A new type belongs here after that is known: jfs, reiserfs and bcachefs have
 * such a way.
 */
static const struct {
	const char *type;
	enum verdict (*judge)(const uint8_t *bytes, size_t size);
} types[] = {
	{"ext2", judge_ext},    {"ext3", judge_ext},  {"ext4", judge_ext},
	{"btrfs", judge_btrfs}, {"f2fs", judge_f2fs}, {"xfs", NULL},
	{"vfat", NULL},         {"exfat", NULL},      {"ubifs", NULL},
};

/* Return: 0 for what is only not there. */
static int refuse(enum verdict verdict, const char *type, const char *device,
		  struct verity_error *err)
{
	if (verdict == WAITS)
		return verity_fail(
			err, VERITY_E_MOUNT,
			"%s: its %s has the feature mmp, for a disk of several "
			"hosts, whose mount can take minutes: it is not used "
			"(turn it off with 'tune2fs -O ^mmp %s', or make a new "
			"file system)",
			device, type, device);
	if (verdict != ELSEWHERE)
		return 0;
	return verity_fail(err, VERITY_E_MOUNT,
			   "%s: its %s has a part on another device, which is not used "
			   "(format it as ext4, btrfs or f2fs, on one device)",
			   device, type);
}

int overlay_superblock_check(const char *type, const uint8_t *bytes, size_t size,
			     const char *device, struct verity_error *err)
{
	enum verdict verdict = ALONE;
	size_t i = 0;
	int r = 0;

	if (!type[0]) {
		/* A program that repairs it may find a copy that libblkid does not look
		 * for. */
		for (; i < COUNT(types); i++)
			if (types[i].judge && r == 0)
				r = refuse(types[i].judge(bytes, size), types[i].type,
					   device, err);
		return r;
	}
	while (i < COUNT(types) && strcmp(types[i].type, type) != 0)
		i++;
	if (i == COUNT(types))
		return verity_fail(err, VERITY_E_MOUNT,
				   "%s holds %s, which is not mounted as DATA or PERSIST "
				   "(format it as ext4, btrfs or f2fs)",
				   device, type);
	if (types[i].judge)
		verdict = types[i].judge(bytes, size);
	if (verdict == NOT_THERE)
		return verity_fail(err, VERITY_E_MOUNT,
				   "%s: the super block of %s cannot be read", device,
				   type);
	return refuse(verdict, type, device, err);
}

int overlay_superblock_check_device(int fd, const char *type, const char *device,
				    struct verity_error *err)
{
	cleanup_free uint8_t *bytes = calloc(1, OVERLAY_SUPERBLOCK_BYTES);
	off_t end = lseek(fd, 0, SEEK_END);
	size_t size =
		end > OVERLAY_SUPERBLOCK_BYTES ? OVERLAY_SUPERBLOCK_BYTES : (size_t)end;
	int r;

	if (!bytes)
		return verity_no_memory(err);
	r = end < 0 ? -errno : verity_io_read(fd, bytes, size, 0, NULL);
	if (r < 0)
		return verity_fail(err, VERITY_E_MOUNT, "%s: %s", device, strerror(-r));
	return overlay_superblock_check(type, bytes, size, device, err);
}
