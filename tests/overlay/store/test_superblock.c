/* SPDX-License-Identifier: MIT */
#include "overlay/store/superblock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

#define ALL OVERLAY_SUPERBLOCK_BYTES

/* What is written to the begin of a device; up to the first without bytes. */
struct change {
	size_t at;
	const char *bytes;
	size_t count;
};

#define EXT(offset, text)                                                                \
	{                                                                                \
		1024 + (offset), text, sizeof(text) - 1                                  \
	}
#define BTRFS(offset, text)                                                              \
	{                                                                                \
		65536 + (offset), text, sizeof(text) - 1                                 \
	}
#define F2FS(block, offset, text)                                                        \
	{                                                                                \
		(block) + 1024 + (offset), text, sizeof(text) - 1                        \
	}
#define EXT_MAGIC         EXT(0x38, "\x53\xef")
#define BTRFS_MAGIC       BTRFS(0x40, "_BHRfS_M")
#define F2FS_MAGIC(block) F2FS(block, 0, "\x10\x20\xf5\xf2")
#define DEVICE(n)         (2201 + 68 * (n))

#define ELSEWHERE(type)                                                                  \
	"/dev/x: its " type " has a part on another device, which is not used (format "  \
	"it as ext4, btrfs or f2fs, on one device)"
#define WAITS(type)                                                                      \
	"/dev/x: its " type " has the feature mmp, for a disk of several hosts, whose "  \
	"mount can take minutes: it is not used (turn it off with 'tune2fs -O ^mmp "     \
	"/dev/x', or make a new file system)"
#define UNREAD(type) "/dev/x: the super block of " type " cannot be read"
#define OTHER(type)                                                                      \
	"/dev/x holds " type ", which is not mounted as DATA or PERSIST (format it as "  \
	"ext4, btrfs or f2fs)"

static const struct {
	const char *type;
	struct change changes[4];
	size_t size;
	const char *message; /* NULL: accepted */
} cases[] = {
	{"ext4", {EXT_MAGIC, EXT(0x5c, "\x3c"), EXT(0xe0, "\x08")}, ALL, NULL},
	{"ext3", {EXT_MAGIC, EXT(0x5c, "\x04"), EXT(0xe0, "\x08")}, ALL, NULL},
	{"ext2", {EXT_MAGIC, EXT(0x5c, "\x38")}, ALL, NULL},
	{"ext2", {EXT_MAGIC}, 2048, NULL},
	{"ext2", {EXT_MAGIC}, 2047, UNREAD("ext2")},
	{"ext4", {EXT(0x38, "\x53\xee")}, ALL, UNREAD("ext4")},
	/* a journal elsewhere */
	{"ext4", {EXT_MAGIC, EXT(0x5c, "\x3c")}, ALL, ELSEWHERE("ext4")},
	{"ext3", {EXT_MAGIC, EXT(0x5c, "\x04")}, ALL, ELSEWHERE("ext3")},
	{"ext2", {EXT_MAGIC, EXT(0x5c, "\x04")}, ALL, ELSEWHERE("ext2")},
	{"ext4",
	 {EXT_MAGIC, EXT(0x5c, "\x04"), EXT(0xe0, "\x08"), EXT(0xe7, "\x01")},
	 ALL,
	 ELSEWHERE("ext4")},
	{"ext4", {EXT_MAGIC, EXT(0x60, "\x08")}, ALL, ELSEWHERE("ext4")},
	{"ext4", {EXT_MAGIC, EXT(0x200, "journal_dev=0x701")}, ALL, ELSEWHERE("ext4")},
	{"ext4",
	 {EXT_MAGIC, EXT(0x200, "acl,journal_path=/dev/x")},
	 ALL,
	 ELSEWHERE("ext4")},
	{"ext4", {EXT_MAGIC, EXT(0x200, "acl,user_xattr")}, ALL, NULL},
	/* a mount that waits for other hosts */
	{"ext4", {EXT_MAGIC, EXT(0x60, "\xc2\x03")}, ALL, WAITS("ext4")},
	{"ext2", {EXT_MAGIC, EXT(0x61, "\x01")}, ALL, WAITS("ext2")},
	{"ext4", {EXT_MAGIC, EXT(0x60, "\xc2\x02")}, ALL, NULL},
	{"ext4", {EXT_MAGIC, EXT(0x60, "\x08\x01")}, ALL, ELSEWHERE("ext4")},

	{"btrfs", {BTRFS_MAGIC, BTRFS(0x88, "\x01")}, ALL, NULL},
	{"btrfs", {BTRFS_MAGIC, BTRFS(0x88, "\x02")}, ALL, ELSEWHERE("btrfs")},
	{"btrfs",
	 {BTRFS_MAGIC, BTRFS(0x88, "\x01\x00\x00\x00\x01")},
	 ALL,
	 ELSEWHERE("btrfs")},
	{"btrfs", {BTRFS_MAGIC, BTRFS(0x88, "\x01")}, 65536 + 0x90, NULL},
	{"btrfs", {BTRFS_MAGIC, BTRFS(0x88, "\x01")}, 65536 + 0x8f, UNREAD("btrfs")},
	{"btrfs", {BTRFS(0x88, "\x01")}, ALL, UNREAD("btrfs")},

	{"f2fs", {F2FS_MAGIC(0), F2FS_MAGIC(4096)}, ALL, NULL},
	{"f2fs", {F2FS_MAGIC(4096)}, ALL, NULL},
	{"f2fs", {F2FS_MAGIC(0)}, 4096, NULL},
	{"f2fs", {F2FS_MAGIC(0)}, 4095, UNREAD("f2fs")},
	{"f2fs", {F2FS(0, DEVICE(1), "/dev/y")}, ALL, UNREAD("f2fs")},
	/* each place of a device, each copy, and blocks of each size */
	{"f2fs", {F2FS_MAGIC(0), F2FS(0, DEVICE(0), "/dev/x")}, ALL, ELSEWHERE("f2fs")},
	{"f2fs", {F2FS_MAGIC(0), F2FS(0, DEVICE(1), "/dev/y")}, ALL, ELSEWHERE("f2fs")},
	{"f2fs", {F2FS_MAGIC(0), F2FS(0, DEVICE(7), "y")}, ALL, ELSEWHERE("f2fs")},
	{"f2fs",
	 {F2FS_MAGIC(0), F2FS_MAGIC(4096), F2FS(4096, DEVICE(1), "/dev/y")},
	 ALL,
	 ELSEWHERE("f2fs")},
	{"f2fs",
	 {F2FS_MAGIC(4096), F2FS(4096, DEVICE(1), "/dev/y")},
	 ALL,
	 ELSEWHERE("f2fs")},
	{"f2fs",
	 {F2FS_MAGIC(0), F2FS_MAGIC(16384), F2FS(16384, DEVICE(1), "/dev/y")},
	 ALL,
	 ELSEWHERE("f2fs")},
	{"f2fs",
	 {F2FS_MAGIC(0), F2FS_MAGIC(65536), F2FS(65536, DEVICE(1), "/dev/y")},
	 ALL,
	 ELSEWHERE("f2fs")},

	/* those that name no device in a super block */
	{"xfs", {{0}}, ALL, NULL},
	{"vfat", {{0}}, 512, NULL},
	{"exfat", {{0}}, 0, NULL},
	{"ubifs", {{0}}, ALL, NULL},
	/* and what is not mounted, whatever the kernel knows */
	{"jfs", {{0}}, ALL, OTHER("jfs")},
	{"reiserfs", {{0}}, ALL, OTHER("reiserfs")},
	{"bcachefs", {{0}}, ALL, OTHER("bcachefs")},
	{"squashfs", {{0}}, ALL, OTHER("squashfs")},
	{"jbd", {EXT_MAGIC, EXT(0x60, "\x08")}, ALL, OTHER("jbd")},
	{"ext", {EXT_MAGIC}, ALL, OTHER("ext")},

	/* nothing is recognised, but a copy is there */
	{"", {{0}}, ALL, NULL},
	{"", {{0}}, 0, NULL},
	{"", {F2FS_MAGIC(4096)}, ALL, NULL},
	{"", {F2FS_MAGIC(4096), F2FS(4096, DEVICE(1), "/dev/y")}, ALL, ELSEWHERE("f2fs")},
	{"", {BTRFS_MAGIC, BTRFS(0x88, "\x02")}, ALL, ELSEWHERE("btrfs")},
	{"", {EXT_MAGIC, EXT(0x5c, "\x04")}, ALL, ELSEWHERE("ext2")},
	{"", {EXT_MAGIC, EXT(0x61, "\x01")}, ALL, WAITS("ext2")},
};

static void test_superblocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* as large as what is there, for sanitizers */
		static uint8_t all[ALL];
		uint8_t *bytes = malloc(cases[i].size + 1);
		struct verity_error err = {.message = ""};
		int r;

		memset(all, 0, sizeof(all));
		for (size_t j = 0; j < 4 && cases[i].changes[j].bytes; j++)
			memcpy(all + cases[i].changes[j].at, cases[i].changes[j].bytes,
			       cases[i].changes[j].count);
		bytes = realloc(bytes, cases[i].size ? cases[i].size : 1);
		assert_non_null(bytes);
		memcpy(bytes, all, cases[i].size);
		r = overlay_superblock_check(cases[i].type, bytes, cases[i].size,
					     "/dev/x", &err);
		free(bytes);
		if (r != (cases[i].message ? -EIO : 0))
			fail_msg("case %zu, %s: %d %s", i, cases[i].type, r, err.message);
		assert_string_equal(err.message,
				    cases[i].message ? cases[i].message : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_superblocks)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
