/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The two kinds of source: a folder and a tar archive. Each is read twice through one
 * descriptor: first the tree, so that it is checked, sorted and numbered before anything
 * is written, then the data. Memory holds names and inodes, never data.
 */

#include "overlay/image/writer.h"

/**
 * image_dir_scan - read the tree of a folder
 * @fd: the folder; borrowed
 *
 * Owners become root; set-user-ID and set-group-ID bits of other owners are cleared, but
 * not those of a base.
 * Symbolic links are not followed.
 */
int image_dir_scan(int fd, struct image_tree *tree, struct verity_error *err) must_check;

/**
 * image_dir_data - write the data of a folder's files, in the order of the sealed tree
 *
 * Return: 0; -EINVAL (BAD_TREE) where a file cannot be read or changed since the scan.
 */
int image_dir_data(int fd, struct image_tree *tree, struct image_writer *writer,
		   struct verity_error *err) must_check;

/**
 * image_tar_scan - read the tree of a tar archive: plain, or compressed with gzip, xz,
 * zstd, bzip2, lz4, lzma or lzip as far as libarchive has them
 * @fd: regular file; borrowed, its offset is used
 *
 * Folders that the archive does not name become 0755 root. If two entries have the same
 * name, the later one counts. A compressed archive is first read to its end, see
 * image_compressed_check().
 */
int image_tar_scan(int fd, struct image_tree *tree, struct verity_error *err) must_check;

/**
 * image_tar_data - write the data of an archive's files, in the order of the archive
 */
int image_tar_data(int fd, struct image_tree *tree, struct image_writer *writer,
		   struct verity_error *err) must_check;
