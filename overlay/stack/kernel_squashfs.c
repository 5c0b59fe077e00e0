/* SPDX-License-Identifier: MIT */
/* Asking the running kernel what its squashfs can read, with an empty image. */
#include "overlay/stack/kernel_squashfs.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#include "verity/device/loop.h"
#include "verity/package/package.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"
#include "verity/util/sizes.h"
#include "verity/util/sys.h"

/* Squashfs 4.0 (Linux fs/squashfs/squashfs_fs.h); all numbers are little-endian. */
struct super_block {
	uint32_t magic, inodes, time, block_bytes, fragments;
	uint16_t compressor, block_log, flags, ids, major, minor;
	uint64_t root_inode, bytes, id_table, attribute_table, inode_table;
	uint64_t directory_table, fragment_table, export_table;
};

#define MAGIC        0x73717368U /* "hsqs" */
#define MAJOR        4           /* version 4.0 */
#define HAS_OPTIONS  0x0400U     /* of the compressor */
#define PLAIN        0x8000U     /* a block of metadata that is not compressed */
#define NO_TABLE     UINT64_MAX
#define BLOCK_LOG    17
#define LZ4          5
#define ENTRIES_AT   8 /* where the table of attributes has the number of its entries */
#define TYPE_FOLDER  1
#define EMPTY_FOLDER 3 /* bytes, by definition */

static const struct {
	const char *name, *option;
} compressors[] = {
	[1] = {"gzip", "CONFIG_SQUASHFS_ZLIB"},
	[2] = {"lzma", NULL}, /* of older tools; Linux has never had it */
	[3] = {"lzo", "CONFIG_SQUASHFS_LZO"},
	[4] = {"xz", "CONFIG_SQUASHFS_XZ"},
	[LZ4] = {"lz4", "CONFIG_SQUASHFS_LZ4"},
	[6] = {"zstd", "CONFIG_SQUASHFS_ZSTD"},
};

/* An empty folder: its parts follow each other, and none of them is compressed. */
struct empty_image {
	struct super_block super;
	struct {
		uint16_t head;
		uint32_t version, flags;
	} __attribute__((packed)) options; /* which images of lz4 always have */
	struct {
		uint16_t head, type, mode, user, group;
		uint32_t time, number, block, links;
		uint16_t bytes, offset;
		uint32_t parent;
	} __attribute__((packed)) inodes;
	struct {
		uint16_t head;
		uint32_t root;
	} __attribute__((packed)) ids;
	uint64_t id_table; /* position of each block of IDs */
} __attribute__((packed));

bool overlay_kernel_reads_attributes(int mount_fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", mount_fd);
	return getxattr(path, "trusted.overlay.opaque", NULL, 0) >= 0 ||
	       errno != EOPNOTSUPP;
}

int overlay_image_check_version(int fd, uint64_t start, struct verity_error *err)
{
	struct super_block super;
	int r = verity_io_read(fd, &super, sizeof(super), start, err);

	if (r < 0)
		return r;
	if (super.magic == htole32(MAGIC) && super.major == htole16(MAJOR) &&
	    super.minor == 0)
		return 0;
	return verity_fail(err, VERITY_E_BAD_IMAGE,
			   "its image is not a squashfs of version 4.0, which no device "
			   "can mount");
}

int overlay_image_attributes(int fd, uint64_t start, bool *ret, struct verity_error *err)
{
	uint32_t count = 0;
	uint64_t table;
	int r = verity_io_read(fd, &table, sizeof(table),
			       start + offsetof(struct super_block, attribute_table),
			       err);

	if (r < 0)
		return r;
	table = le64toh(table);
	if (table != NO_TABLE && table > VERITY_IMAGE_MAX)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "the image's table of attributes lies outside of it");
	if (table != NO_TABLE)
		r = verity_io_read(fd, &count, sizeof(count), start + table + ENTRIES_AT,
				   err);
	if (r == 0)
		*ret = count != 0;
	return r;
}

static void make_image(uint16_t compressor, struct empty_image *ret)
{
	uint16_t flags = compressor == LZ4 ? HAS_OPTIONS : 0;

	*ret = (struct empty_image){
		.super =
			{
				.magic = htole32(MAGIC),
				.inodes = htole32(1),
				.block_bytes = htole32(1U << BLOCK_LOG),
				.compressor = htole16(compressor),
				.block_log = htole16(BLOCK_LOG),
				.flags = htole16(flags),
				.ids = htole16(1),
				.major = htole16(MAJOR),
				.bytes = htole64(sizeof(*ret)),
				.id_table =
					htole64(offsetof(struct empty_image, id_table)),
				.attribute_table = NO_TABLE,
				.inode_table =
					htole64(offsetof(struct empty_image, inodes)),
				.directory_table =
					htole64(offsetof(struct empty_image, ids)),
				.fragment_table = NO_TABLE,
				.export_table = NO_TABLE,
			},
		.options = {.head = htole16(PLAIN | 8), .version = htole32(1)},
		.inodes = {.head = htole16(PLAIN | (sizeof(ret->inodes) - 2)),
			   .type = htole16(TYPE_FOLDER),
			   .mode = htole16(0755),
			   .number = htole32(1),
			   .links = htole32(2),
			   .bytes = htole16(EMPTY_FOLDER),
			   .parent = htole32(2)},
		.ids = {.head = htole16(PLAIN | 4)},
		.id_table = htole64(offsetof(struct empty_image, ids)),
	};
}

/* A block device with the image on it, gone with @ret. */
static int attach(uint16_t compressor, struct verity_loop *ret, struct verity_error *err)
{
	cleanup_fd int file = memfd_create("empty.squashfs", MFD_CLOEXEC);
	uint8_t block[VERITY_BLOCK] = {0};
	struct empty_image image;
	cleanup_fd int control = -1;
	int r;

	make_image(compressor, &image);
	memcpy(block, &image, sizeof(image));
	if (file < 0 || write(file, block, sizeof(block)) != (ssize_t)sizeof(block))
		return verity_fail_errno(err, errno, "file in memory");
	r = verity_loop_open(&control, err);
	return r < 0 ? r : verity_loop_attach(control, file, 0, sizeof(block), ret, err);
}

/* @ret_refused: the kernel has squashfs, and does not take this image */
static int mount_empty(uint16_t compressor, int *ret, bool *ret_refused,
		       struct verity_error *err)
{
	struct verity_loop loop = {.fd = -1};
	cleanup_fd int fs = sys_fsopen("squashfs", FSOPEN_CLOEXEC);
	int r = fs < 0 ? verity_fail_errno(err, errno, "squashfs")
		       : attach(compressor, &loop, err);

	if (r == 0 &&
	    (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", loop.path, 0) < 0 ||
	     sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0))
		r = verity_fail_errno(err, errno, "options of a mount");
	if (r == 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		*ret_refused = errno == EINVAL;
		r = verity_fail_errno(err, errno, "a mount of %s", loop.path);
	}
	if (r == 0) {
		*ret = sys_fsmount(fs, FSMOUNT_CLOEXEC,
				   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV |
					   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
		r = *ret < 0 ? verity_fail_errno(err, errno, "a mount") : 0;
	}
	cleanup_fd_p(&loop.fd);
	return r;
}

static int fail_compressor(uint16_t compressor, struct verity_error *err)
{
	bool is_known = compressor < sizeof(compressors) / sizeof(compressors[0]) &&
			compressors[compressor].name;
	const char *option = is_known ? compressors[compressor].option : NULL;
	char number[16];

	snprintf(number, sizeof(number), "number %u", compressor);
	return verity_fail(
		err, VERITY_E_KERNEL_FEATURE,
		"its image is compressed with %s, which the running kernel "
		"cannot read%s%s; the vendor can use another one, wmopkg-build "
		"create --compressor",
		is_known ? compressors[compressor].name : number,
		option ? " without " : "", option ?: "");
}

int overlay_kernel_check_image(int fd, uint64_t start, struct verity_error *err)
{
	cleanup_fd int mount_fd = -1;
	bool has_attributes, is_refused = false;
	struct verity_error why;
	uint16_t compressor;
	int r = verity_io_read(fd, &compressor, sizeof(compressor),
			       start + offsetof(struct super_block, compressor), err);

	if (r == 0)
		r = overlay_image_attributes(fd, start, &has_attributes, err);
	if (r < 0)
		return r;
	compressor = le16toh(compressor);
	r = mount_empty(compressor, &mount_fd, &is_refused, &why);
	if (is_refused)
		return fail_compressor(compressor, err);
	if (r < 0) {
		verity_debug("cannot ask the kernel whether it can read the image: %s",
			     why.message);
		return 0;
	}
	if (!has_attributes || overlay_kernel_reads_attributes(mount_fd))
		return 0;
	return verity_fail(
		err, VERITY_E_KERNEL_FEATURE,
		"its image has opaque folders or capabilities, as extended attributes, "
		"which the running kernel does not read without CONFIG_SQUASHFS_XATTR");
}
