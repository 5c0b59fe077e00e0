/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Writes a squashfs image (libsquashfs) from a directory or a tar, byte for byte the same
 * whatever the host, the order of files on disk, and the number of threads. Part of
 * wmopkg-build only: no program of the device links libsquashfs or libarchive.
 */

#include "overlay/image/notes.h"
#include "verity/util/error.h"

#include <stdint.h>

struct overlay_image_options {
	const char *compressor; /* zstd, xz, gzip or lz4; NULL for zstd; borrowed */
	unsigned threads;       /* 0: one for each processor */
	int64_t source_date;    /* upper bound and default of all times, s since 1970 */
	bool all_attributes;    /* see image_rules_xattr() */
	/*
	 * What it will lie over: a folder, a tar file, or a list of
	 * overlay_image_list(); NULL: not known; borrowed. See image_base_apply().
	 */
	const char *base;
	bool keep_looks, force;
};

/**
 * overlay_image_write - make a squashfs image of a tree
 * @source:    a directory, or a tar file (plain or compressed) otherwise
 * @fd:        empty regular file, read-write; written from its start; borrowed
 * @ret_bytes: length of the image, before any padding
 * @ret_notes: what was left out
 *
 * Owners are root unless the tar says otherwise, and set-id bits of a directory's other
 * owners are cleared; modification times later than
 * @source_date become @source_date. The root folder itself is always 0755 root: a stack's
 * root shows the attributes of its topmost layer, and a tree often grows in a private
 * temporary folder. Whiteouts are character devices 0/0, or OCI `.wh.NAME` and
 * `.wh..wh..opq` files, which become a 0/0 device (where the tree has no NAME of its own)
 * and trusted.overlay.opaque=y. Of the attributes, capabilities are kept, and with
 * @all_attributes all that squashfs can store; POSIX ACLs are refused. What
 * overlay/fs/protect.h names is refused.
 *
 * The source is read twice, the tree before the data; memory is about 400 bytes an entry,
 * 4 for each block of a file, and 0.5 MiB a thread. The length is not
 * padded: a loop device needs a multiple of 4096.
 *
 * Return: 0; -EINVAL (BAD_TREE) where the tree cannot be packed, with the path in the
 * message; -EINVAL (USAGE) for an unknown compressor; -errno for I/O.
 */
int overlay_image_write(const char *source, int fd,
			const struct overlay_image_options *options, uint64_t *ret_bytes,
			struct overlay_image_notes *ret_notes,
			struct verity_error *err) must_check;

/**
 * overlay_image_list - save the tree of a folder or an archive as a list, for .base
 * @ret: text; free()
 *
 * Owners of a folder's files are root where the folder itself does not belong to root:
 * somebody has unpacked it.
 */
int overlay_image_list(const char *source, char **ret,
		       struct verity_error *err) must_check;
